"""Latitudes and longitudes as people write them: decimal, with hemispheres, in minutes."""

import re
from collections.abc import Iterator

_SIDES = {
    "n": "north|norte|nord|noord|n|北纬|北緯|с. ?ш.",
    "s": "south|sur|sud|süd|sul|zuid|s|南纬|南緯|ю. ?ш.",
    "e": "east|este|est|ost|leste|oost|e|东经|東經|東経|в. ?д.",
    "w": "west|oeste|ouest|ovest|w|西经|西經|西経|з. ?д.",
}
_SIDE_OF_WORD = {word: side for side, words in _SIDES.items() for word in words.split("|")}
_WORDS = "|".join(
    re.escape(word).replace(r"\.\ \?", r"\.? ?").replace(r"\ \?", " ?")
    for word in sorted(_SIDE_OF_WORD, key=len, reverse=True)
)
_BEFORE = rf"(?P<before{{0}}>(?<![^\W\d_])(?:{_WORDS}))\.?[ :]{{{{0,2}}}}"
_AFTER = rf" ?(?P<after{{0}}>(?:{_WORDS})(?![^\W\d_]))"
_DEGREES = (
    r"(?<!\d)(?<!\d\.)(?P<degrees{0}>[-+−–]?\d{{1,3}}(?:[.,]\d{{1,15}})?)"
    r"(?: ?(?:°|º|˚|deg(?:rees)?\b\.?|d(?=\d)|度))? ?"
    r"(?:(?P<minutes{0}>\d{{1,2}}(?:[.,]\d{{1,8}})?) ?(?:['’′]|min(?:utes?)?\b|m(?=\d)|分) ?"
    r"(?:(?P<seconds{0}>\d{{1,2}}(?:[.,]\d{{1,8}})?) ?(?:[\"”″]|''|’’|′′|sec(?:onds?)?\b|秒)?)?)?"
)
_SPACED = (
    r"(?P<degrees{0}>\d{{1,3}}) (?P<minutes{0}>\d{{1,2}}) (?P<seconds{0}>\d{{1,2}}(?:\.\d{{1,8}})?)"
)
# With the side before the number, behind it, and without one.
_FORMS = (
    _BEFORE + _DEGREES,
    _DEGREES + _AFTER,
    _BEFORE + _SPACED,
    _SPACED + _AFTER,
    _DEGREES,
)
_BETWEEN = (
    r"[\])]? ?(?:lat(?:itude)?\b)? ?(?:[,;/|&、，]|\band\b|\by\b|\bet\b|\bund\b| ) ?"
    r"[\[(]?(?:(?:lon(?:g|gitude)?|lng)\b[:= ]*)?"
)
_ONES = tuple(re.compile(form.format(""), re.IGNORECASE) for form in _FORMS)
_SIDED = _FORMS[:4]
_BARE = _DEGREES + rf"(?!\d|\.\d| ?[°º˚]? ?(?:{_WORDS})(?![^\W\d_]))"
_PAIRS = tuple(
    re.compile(first.format("1") + between + second.format("2"), re.IGNORECASE)
    for first, between, second in (
        *((form, f"(?:{_BETWEEN}|)", form) for form in _SIDED),
        (_SIDED[1], _BETWEEN, _BARE),
        (_BARE, _BETWEEN, _SIDED[1]),
        (_BARE, _BETWEEN, _BARE),
    )
)
_RANGE = re.compile(
    r"\bbetween\b|\bto\b|\brange\b|\d\s*°?\s*[nsew]?\s*(?:[-–—]|\band\b)\s*[-+]?\d", re.IGNORECASE
)
_EVIDENCE = re.compile(r"\d[.,]\d{2}|[°º˚′度]|\ddeg|\d deg|\d[\"'’”″ ]*[NSEW]\b|\b[NSEW] ?\d")
_LATITUDE = re.compile(r"\blat(?:itude)?[\"']?[ :=(\[]{0,4}$", re.IGNORECASE)
_LONGEST_AROUND = 4
_DIGIT = re.compile(r"\d")
_MOST_PAIRS = 50


def read_degrees(text: str, limit: float) -> float | None:
    """The one coordinate in a text, in degrees; None for none, a range, or one beyond `limit`."""
    text = text.split("(")[0]
    if not _DIGIT.search(text) or _RANGE.search(text):
        return None
    match = next((match for one in _ONES if (match := one.search(text))), None)
    return None if match is None else _degrees(match, "", limit)


def find_pair(text: str) -> tuple[float, float] | None:
    """The first "latitude, longitude" in a text, in degrees; None where there is none."""
    for match in sorted(_pairs(text), key=lambda match: match.start()):
        latitude, longitude = _degrees(match, "1", 90), _degrees(match, "2", 180)
        if latitude is not None and longitude is not None:
            return latitude, longitude
    return None


def _pairs(text: str) -> Iterator[re.Match[str]]:
    """The first pair of each form that is one of coordinates."""
    for form in _PAIRS if _DIGIT.search(text) else ():
        for number, match in enumerate(form.finditer(text)):
            if _is_evident(match) and _is_latitude_first(match):
                yield match
                break
            if number == _MOST_PAIRS:
                break


def _is_evident(match: re.Match[str]) -> bool:
    """Whether two numbers are coordinates: by their form, a word before them, or being alone."""
    text, start = match.string, match.start()
    is_alone = len(text.strip()) - len(match.group()) <= _LONGEST_AROUND
    return (
        _EVIDENCE.search(match.group()) is not None
        or _LATITUDE.search(text[max(0, start - 20) : start]) is not None
        or (is_alone and "." in match.group())
    )


def _is_latitude_first(match: re.Match[str]) -> bool:
    """Whether hemispheres, where written, do not deny it; "30°N and 40°N" is a range."""
    first, second = _hemisphere(match, "1"), _hemisphere(match, "2")
    return first in ("", "n", "s") and second in ("", "e", "w")


def _hemisphere(match: re.Match[str], which: str) -> str:
    groups = match.groupdict()
    word = (groups.get(f"before{which}") or groups.get(f"after{which}") or "").lower()
    return _SIDE_OF_WORD.get(word) or _SIDE_OF_WORD.get(re.sub(r"\. ?", ". ?", word), "")


def _degrees(match: re.Match[str], which: str, limit: float) -> float | None:
    groups = match.groupdict()

    def number(name: str) -> float:
        return abs(float((groups.get(f"{name}{which}") or "0").replace(",", ".")))

    written = match[f"degrees{which}"].replace("−", "-").replace("–", "-")
    value = abs(float(written.replace(",", ".")))
    value += number("minutes") / 60 + number("seconds") / 3600
    if written.startswith("-") or _hemisphere(match, which) in ("s", "w"):
        value = -value
    return value if abs(value) <= limit else None
