"""Ways to read the name of a place, in the order in which the gazetteer tries them."""

import pytest

from georay.core.place_phrases import says_nothing, town_readings


def readings(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.name, one.context) for one in town_readings(text)]


def test_a_plain_name_is_read_as_it_stands_and_once() -> None:
    assert readings(" Lyon ") == [("Lyon", ())]


def test_what_stands_behind_commas_is_context_and_then_a_name_itself() -> None:
    assert readings("Portland, Maine, USA") == [
        ("Portland, Maine, USA", ()),
        ("Portland", ("Maine", "USA")),
        ("Maine", ("USA",)),
        ("USA", ()),
    ]


@pytest.mark.parametrize("comma", [", ", "，", " 、", " ، "])
def test_commas_of_other_scripts_are_commas(comma: str) -> None:
    assert readings(f"A{comma}B")[1:] == [("A", ("B",)), ("B", ())]


def test_brackets_are_context_first_and_a_name_last() -> None:
    assert readings("Vienna (Wien)") == [
        ("Vienna (Wien)", ()),
        ("Vienna", ("Wien",)),
        ("Wien", ()),
    ]
    assert readings("Vienna, Austria [Wien] ( )")[1:] == [
        ("Vienna", ("Austria", "Wien")),
        ("Austria", ("Wien",)),
        ("Wien", ()),
    ]


@pytest.mark.parametrize("between", [" / ", "/", " or ", " OR ", ";", " – ", " - ", " & ", " | "])
def test_of_two_names_each_is_read(between: str) -> None:
    assert [name for name, _ in readings(f"Brussel{between}Bruxelles")][-2:] == [
        "Brussel",
        "Bruxelles",
    ]


def test_words_around_a_name_go_one_by_one_those_behind_it_first() -> None:
    assert [name for name, _ in readings("the old City of Basel Region 7")] == [
        "the old City of Basel Region 7",
        "the old City of Basel Region",
        "the old City of Basel",
        "old City of Basel",
        "City of Basel",
        "of Basel",
        "Basel",
    ]


@pytest.mark.parametrize(
    ("text", "bare"),
    [("Shinjuku-ku", "Shinjuku"), ("京都市", "京都"), ("Mapo-gu", "Mapo"), ("Boise ID", "Boise")],
)
def test_endings_of_districts_and_states_are_taken_off(text: str, bare: str) -> None:
    assert readings(text)[1] == (bare, ())


def test_a_short_rest_of_latin_letters_is_no_town() -> None:
    assert readings("Bay Area") == [("Bay Area", ())]
    assert readings("Nice Area")[-1] == ("Nice", ())
    assert readings("東区")[-1] == ("東", ())


def test_umlauts_and_twin_towns_are_the_last_resort() -> None:
    assert [name for name, _ in readings("Duesseldorf")] == ["Duesseldorf", "Dusseldorf"]
    assert [name for name, _ in readings("Garmisch-Partenkirchen")][-1] == "Garmisch"
    assert readings("Saint-Denis") == [("Saint-Denis", ())]
    assert [name for name, _ in readings("Goeppingen-Jebenhausen city")] == [
        "Goeppingen-Jebenhausen city",
        "Goeppingen-Jebenhausen",
        "Goppingen-Jebenhausen",
        "Goeppingen",
    ]


def test_of_a_long_list_only_the_first_six_parts_are_read() -> None:
    assert readings("a, b, c, d, e, f, g, h")[1] == ("a", ("b", "c", "d", "e", "f"))
    assert readings("a, b, c, d, e, f, g, h")[-1] == ("f", ())


def test_empty_parts_are_no_names() -> None:
    assert readings("A,, B") == [("A,, B", ()), ("A", ("B",)), ("B", ())]


@pytest.mark.parametrize("text", ["", "  ", "?", "N/A", "Unknown", "not specified", "…", "None."])
def test_some_names_say_nothing(text: str) -> None:
    assert says_nothing(text)


def test_a_name_that_holds_such_a_word_says_something() -> None:
    assert not says_nothing("Nanaimo")
    assert not says_nothing("Unknown Valley")
