"""Places in answers that are not in English, whatever their script."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from georay.core.addresses import PlaceFound
from georay.core.answer_refusals import without_refusals_abroad
from georay.core.gazetteer import Gazetteer
from georay.core.names import fold

_ENGLISH = re.compile(
    r"\b(?:[Tt]he|[Aa]nd|[Tt]his|[Ww]ith|[Tt]hat|[Ii]t)\b|\bI(?:['’]m| )|\bwas (?:taken|in)\b"
)
# Vowel signs of the scripts of South and South-East Asia belong to a word.
_WORD = re.compile(
    r"[^\W\d_](?:[\w'’.-]|[\u0300-\u036f\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u064b-\u065f])*"
)
# Chinese, Japanese, Korean and Thai: names have no blank before or behind them.
_WITHOUT_SPACES = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]{2,40}")
_ONE_PHRASE = re.compile(r"[^,;:!?()\n]*[^,;:!?().\n]\.?")
_LONGEST_NAME = 4
_LONGEST_RUN_NAME = 9
_MOST_WORDS = 200
_MOST_NAMES = 5_000
_JOINED_BEFORE = re.compile(r"^(?:[dl]['’]|[بلوفב](?=[\u0590-\u06ff]{3}))")
_SUFFIX_MARK = re.compile(r"['’].*$")
# Of ASCII letters two more, because more words look alike.
_DENIED = re.compile(
    r"\b(?:[Nn]ot|[Nn]icht|[Kk]ein|pas|[Nn]o es|[Nn]ão é|[Нн]е|[Nn]ie|[Nn]iet|"
    r"[Nn]on è) (?:\w+ )?[^\W\d_a-zа-я]\w+|"
    r"\b(?:Gulf|Golfe|Golfo|Bay|Sea) (?:of|du|de|del|do) \w+|(?:不是|并非|並非)[^，。,；]+"
)
_SHORTEST_STEM = 5
_SHORTEST_ASCII_STEM = 6
_SHORTEST_INDIC_STEM = 4
_FIRST_SEMITIC = "\u0590"
_LONGEST_ENDING = 3


def place_abroad(text: str, gazetteer: Gazetteer) -> PlaceFound | None:
    """The first country, and a town of it, in running text of another language than English."""
    if _ENGLISH.search(text):
        return None
    candidates = _candidates(_DENIED.sub(" ", without_refusals_abroad(text)))
    names = list(islice(candidates, _MOST_NAMES))
    found = next(((code, name) for name in names if (code := _country(name, gazetteer))), None)
    if found is None:
        return None
    code, country = found
    towns = (name for name in names if name not in country and not _country(name, gazetteer))
    city = next((name for name in towns if gazetteer.resolve(name, code)), None)
    return PlaceFound(code, country, city)


def _candidates(text: str) -> Iterator[str]:
    """Runs of words, and of letters where words have no blanks, that may be names."""
    words = list(islice(_WORD.finditer(text), _MOST_WORDS))
    for start, first in enumerate(words):
        bare = _JOINED_BEFORE.sub("", first.group())
        if bare[0].islower() or (len(bare) <= 3 and bare.isascii()):
            continue
        for last in reversed(words[start : start + _LONGEST_NAME]):
            phrase = text[first.start() : last.end()]
            if len(phrase.split()) == 1 or _ONE_PHRASE.fullmatch(phrase):
                yield phrase.rstrip(".")
    for run in _WITHOUT_SPACES.findall(text)[:_MOST_WORDS]:
        for start in range(len(run)):
            for length in range(_LONGEST_RUN_NAME, 1, -1):
                if start + length <= len(run):
                    yield run[start : start + length]


def _country(name: str, gazetteer: Gazetteer) -> str | None:
    """The country of a name, also with an article joined to it, or in another case than it has."""
    bare = _JOINED_BEFORE.sub("", name)
    if code := gazetteer.country_named(name) or gazetteer.country_named(bare):
        return code
    if " " in name or _WITHOUT_SPACES.match(name):
        return None
    folded = fold(_SUFFIX_MARK.sub("", bare))
    stems = _stems(gazetteer)
    for ending in range(_LONGEST_ENDING + 1):
        stem = folded[: len(folded) - ending]
        if len(stem) < _shortest_stem(stem):
            return None
        if code := stems.get(stem):
            return code
    return None


def _shortest_stem(stem: str) -> int:
    if stem.isascii():
        return _SHORTEST_ASCII_STEM
    return _SHORTEST_STEM if stem and stem[0] < _FIRST_SEMITIC else _SHORTEST_INDIC_STEM


@lru_cache(maxsize=2)
def _stems(gazetteer: Gazetteer) -> dict[str, str]:
    """Names without their last letter, in scripts that inflect, where one country has the stem."""
    codes: dict[str, set[str]] = {}
    for folded, code in gazetteer.names_of_countries():
        if len(folded) >= _shortest_stem(folded):
            codes.setdefault(folded[:-1], set()).add(code)
            codes.setdefault(folded, set()).add(code)
    return {stem: next(iter(named)) for stem, named in codes.items() if len(named) == 1}
