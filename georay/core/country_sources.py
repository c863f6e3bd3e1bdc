"""Where the names of countries come from, when the gazetteer is built: CLDR and countrynames.

CLDR is read through babel. What babel leaves out of it (alternative names such as "Congo (DRC)",
and the English names of subdivisions) stands in `cldr_more.json`, taken from the packages
cldr-localenames-full and cldr-subdivisions-full of CLDR 48.2.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from georay.core.country_aliases import ALIASES, MERGED_CODES, NOT_COUNTRIES, SHORT_NAMES
from georay.core.country_names_more import MORE_NAMES, NO_ONE_COUNTRY
from georay.core.names import fold

_CLDR_MORE = Path(__file__).parent / "gazetteer_data" / "cldr_more.json"
# CLDR's codes for parts of a country.
_PARTS = {"AC": "SH", "CP": "FR", "CQ": "GG", "DG": "IO", "EA": "ES", "IC": "ES", "TA": "SH"}
_OFFICIAL_ENGLISH = re.compile(
    r"\b(?:Republic|Kingdom|States?|Islands?|Democratic|Federation|Commonwealth|Union|Territor\w+|"
    r"Emirates|Principality|Duchy|Sultanate|Saint|South|North|Western|French|British)\b"
)
# Each of these counts as many small ones.
_LARGE_LANGUAGES_TEXT = (
    "am ar az bg bn ca cs da de el en es et fa fi fr gu ha he hi hr hu hy id it ja ka kk km kn "
    "ko ky lo lt lv mk ml mn mr ms my nb ne nl pa pl ps pt ro ru si sk sl sq sr sv sw ta te th "
    "tr uk ur uz vi zh zu"
)
_LARGE_LANGUAGES = frozenset(_LARGE_LANGUAGES_TEXT.split())
_WEIGHT = 10
# Words that are names of regions, and much else.
_GENERIC_REGIONS_TEXT = (
    "balkan central centre centrum coast delta east eastern forest grand highlands island "
    "islands lake littoral mountain north northcentral northeast northern northwest other "
    "plateau river south southeast southern southwest upper valley west western"
)
_GENERIC_REGIONS = frozenset(_GENERIC_REGIONS_TEXT.split())
_BLOCKED = frozenset(map(fold, NO_ONE_COUNTRY))

Names = Iterator[tuple[str, str]]


def country_names(
    short: Mapping[str, str], towns: Collection[tuple[str, str]], metropolises: Collection[str]
) -> dict[str, str]:
    """Folded name -> alpha-2 code. Of two sources that disagree, the first below counts.

    `short` has the English short name of every code, `towns` (code, folded name) of large towns,
    because countrynames lists some of them as names of their country. A name in a small language
    that is also one of `metropolises` (folded) names the town.
    """
    names: dict[str, str] = {}
    for code, name in short.items():
        names.setdefault(fold(name), code)
    for name, code in (*ALIASES.items(), *_more_names()):
        names.setdefault(fold(name), code)
    for folded, code in _cldr_names(short, metropolises).items():
        names.setdefault(folded, code)
    for code, name in _countrynames(short):
        folded = fold(name)
        is_town = name in NOT_COUNTRIES or (code, folded) in towns
        if not is_town and not _looks_like_noise(code, name):
            names.setdefault(folded, code)
    return {name: code for name, code in names.items() if name and name not in _BLOCKED}


def english_phrases(short: Mapping[str, str]) -> dict[str, str]:
    """English name, its words apart -> code: what abbreviations are the beginnings of."""
    from babel import Locale

    phrases = {name: code for code, name in short.items()}
    for name, code in (*_more_names(), *ALIASES.items(), *_alternative_names()):
        phrases.setdefault(name, code)
    for code, name in Locale("en").territories.items():
        if (code := _PARTS.get(code, code)) in short:
            phrases.setdefault(name, code)
    for code, name in _countrynames(short):
        if name.isascii() and _OFFICIAL_ENGLISH.search(name):
            phrases.setdefault(name, code)
    return {name: code for name, code in phrases.items() if " " in name or "-" in name}


def subdivisions(codes: Collection[str]) -> dict[str, frozenset[str]]:
    """Code -> folded English names of its first-level regions, and of their parts in Britain."""
    listed = json.loads(_CLDR_MORE.read_text(encoding="utf-8"))["subdivisions"]
    return {
        code: frozenset(map(fold, listed.get(code, ()))) - _GENERIC_REGIONS - {""} for code in codes
    }


def _cldr_names(codes: Collection[str], metropolises: Collection[str]) -> dict[str, str]:
    """The names in all languages; where two languages disagree, as most of them say."""
    from babel import localedata

    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    spoken = {
        (fold(name), _PARTS.get(code, code), identifier.split("_")[0])
        for identifier in localedata.locale_identifiers()
        for code, name in localedata.load(identifier).get("territories", {}).items()
    }
    for folded, code, language in spoken:
        if code in codes:
            votes[folded][code] += _WEIGHT if language in _LARGE_LANGUAGES else 1
    for name, code in _alternative_names():
        if not _looks_like_noise(code, name):
            votes[fold(name)][code] += 1
    ranked = {folded: counts.most_common(2) for folded, counts in votes.items()}
    return {
        folded: best[0][0]
        for folded, best in sorted(ranked.items())
        if (len(best) == 1 or best[0][1] > best[1][1])
        and (best[0][1] >= _WEIGHT or folded not in metropolises)
    }


def _alternative_names() -> Names:
    listed = json.loads(_CLDR_MORE.read_text(encoding="utf-8"))["names"]
    yield from ((name, code) for code, names in listed.items() for name in names)


def _more_names() -> Names:
    yield from ((name, code) for code, names in MORE_NAMES.items() for name in names.split("|"))


def _countrynames(codes: Collection[str]) -> Names:
    """(code, name) of countrynames: countries first, then what is merged into one."""
    from countrynames.data import DATA

    for wanted in (codes, MERGED_CODES):
        for source, names in DATA.items():
            if source in wanted:
                code = MERGED_CODES.get(source, source)
                yield from ((code, name) for name in names)


def _looks_like_noise(code: str, name: str) -> bool:
    """Short ASCII names in countrynames are codes or county abbreviations ('here', 'war', 'en')."""
    return name.isascii() and len(fold(name)) <= (5 if code == "GB" else 3)


def short_names(countries: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Code -> the English short name that people write."""
    return {
        code: SHORT_NAMES.get(code, row["name"].strip()) for code, row in sorted(countries.items())
    }
