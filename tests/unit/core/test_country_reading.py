"""Countries as tables, atlases and people write them."""

import json

import pytest
from babel import localedata

from georay.core.gazetteer import Gazetteer

# Of the languages with most speakers and of every script that CLDR writes names in.
LANGUAGES = (
    "af am ar az be bg bn ca cs cy da de dz el en es et eu fa fi fil fr ga gl gu ha he hi hr hu "
    "hy id "
    "is it ja ka kk km kn ko ku ky lo lt lv mk ml mn mr ms mt my nb ne nl or pa pl ps pt ro ru sd "
    "si "
    "sk sl sq sr sv sw ta te th ti tk tr ug uk ur uz vi yi zh zh_Hant zu"
)


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.load()


def wrong(gazetteer: Gazetteer, expected: dict[str, str | None]) -> dict[str, str | None]:
    read = {name: gazetteer.country(name) for name in expected}
    return {name: code for name, code in read.items() if code != expected[name]}


def test_a_text_in_brackets_decides(gazetteer: Gazetteer) -> None:
    expected = {
        "Congo [DRC]": "CD",
        "Congo [Republic]": "CG",
        "Congo (Kinshasa)": "CD",
        "Korea (DPRK)": "KP",
        "Korea (South)": "KR",
        "Sudan (South)": "SS",
        "Guinea (Bissau)": "GW",
        "China (Taiwan)": "TW",
        "Taiwan (China)": "TW",
        "Serbia (Kosovo)": "XK",
        "Kosovo (Serbia)": "XK",
        "Jersey (UK)": "JE",
        "USA (Puerto Rico)": "PR",
        "Georgia (U.S. state)": "US",
        "Georgia (country)": "GE",
        "Georgia (state)": "US",
        "Swaziland (now Eswatini)": "SZ",
        "Germany (Deutschland)": "DE",
        "Virgin Islands (UK)": "VG",
        "Virgin Islands (U.S.)": "VI",
        "Yugoslavia (former)": None,
    }
    assert wrong(gazetteer, expected) == {}


def test_commas_and_slashes_hold_a_part_an_official_form_or_two_countries(
    gazetteer: Gazetteer,
) -> None:
    expected = {
        "Guam, USA": "GU",
        "Hong Kong, China": "HK",
        "China, Macao SAR": "MO",
        "Georgia, USA": "US",
        "Punjab, India": "IN",
        "Egypt, Arab Rep.": "EG",
        "Venezuela, RB": "VE",
        "Bahamas, The": "BS",
        "Korea, Dem. People's Rep.": "KP",
        "Korea, Rep.": "KR",
        "Kongo, Demokratische Republik": "CD",
        "Germany/Deutschland": "DE",
        "Norway, Sweden": None,
        "France/Germany": None,
    }
    assert wrong(gazetteer, expected) == {}


def test_abbreviated_words_are_beginnings_of_a_name(gazetteer: Gazetteer) -> None:
    expected = {
        "S. Sudan": "SS",
        "N. Mariana Is.": "MP",
        "Dem. Rep. Congo": "CD",
        "Bosnia and Herz.": "BA",
        "St. Vin. and Gren.": "VC",
        "Fr. S. Antarctic Lands": "TF",
        "Br. Indian Ocean Ter.": "IO",
        "Utd. Arab Emirates": "AE",
        "Central African Rep.": "CF",
        "Sth Korea": "KR",
    }
    assert wrong(gazetteer, expected) == {}


def test_official_forms_are_known_in_the_large_languages(gazetteer: Gazetteer) -> None:
    expected = {
        "République du Congo": "CG",
        "República Democrática del Congo": "CD",
        "Республика Корея": "KR",
        "République populaire démocratique de Corée": "KP",
        "刚果民主共和国": "CD",
        "刚果共和国": "CG",
        "콩고 민주 공화국": "CD",
        "جمهورية الكونغو الديمقراطية": "CD",
        "捷克共和国": "CZ",
        "香港特別行政區": "HK",
        "中国澳门": "MO",
        "Cộng hòa Pháp": "FR",
        "Монгол улс": "MN",
    }
    assert wrong(gazetteer, expected) == {}


def test_regions_former_names_and_sports_codes_lead_to_todays_country(
    gazetteer: Gazetteer,
) -> None:
    expected = {
        "South Ossetia": "GE",
        "Guyane": "GF",
        "Bavaria": "DE",
        "Schottland": "GB",
        "英格兰": "GB",
        "Zaire": "CD",
        "Dahomey": "BJ",
        "GER": "DE",
        "SUI": "CH",
        "🇧🇷": "BR",
        "Soviet Union": None,
        "Czechoslovakia": None,
        "Netherlands Antilles": None,
        "Kurdistan": None,
        "EU": None,
        "Tokyo": None,
        "Christchurch": None,
    }
    assert wrong(gazetteer, expected) == {}


def test_a_name_in_any_language_of_cldr_is_known(gazetteer: Gazetteer) -> None:
    codes = set(gazetteer.countries())
    rows = [
        (language, name, code)
        for language in LANGUAGES.split()
        for code, name in localedata.load(language)["territories"].items()
        if code in codes
    ]
    missed = [row for row in rows if gazetteer.country(row[1]) != row[2]]
    assert len(rows) > 20_000
    # Norwegian's Kongo and Kazakh's Конго are the other Congo than most languages'.
    assert len(missed) <= 12, missed


def test_names_from_the_field_are_read(gazetteer: Gazetteer, shared) -> None:
    lines = shared("cases/country_names.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    missed = wrong(gazetteer, {row["name"]: row["code"] for row in rows})
    assert len(missed) <= 0.02 * len(rows), missed
