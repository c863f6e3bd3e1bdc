"""One spelling for one name."""

import pytest

from georay.core.names import fold, name_key


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("St. John's", "saintjohns"),
        ("Ste-Marie", "saintemarie"),
        ("MT Cook", "mountcook"),
        ("Ft Worth", "fortworth"),
        ("Mt. St. Helens", "mountsainthelens"),
        ("Stuttgart", "stuttgart"),
        ("25 de Mayo", "25demayo"),
        ("Łódź", "lodz"),
        ("Œuvre þorn Æsir", "oeuvrethornaesir"),
        ("Straße", "strasse"),
        ("St. Étienne", "saintetienne"),
        ("Ｔｏｋｙｏ", "tokyo"),
        ("東京, 日本", "東京日本"),
        ("مدينة", "مدينه"),
        ("दिल्ली", "दिल्ली"),
        ("Αθήνα!", "αθηνα"),
    ],
)
def test_case_accents_and_punctuation_go_and_abbreviations_are_written_out(name, folded):
    assert fold(name) == folded


def test_keys_are_those_that_the_table_of_names_was_built_with():
    assert name_key("paris") == 24495768753725
    assert name_key("") == 243927366461433
    assert 0 <= name_key("東京") < 2**48


def test_half_a_letter_has_a_key_too():
    assert name_key("\ud800") == name_key("?")
