"""Latitudes and longitudes as people write them: decimal, with hemispheres, in minutes."""

import re

_HEMISPHERE = r"north|south|east|west|[nsew]"
_NUMBER = (
    rf"(?P<before{{0}}>\b(?:{_HEMISPHERE}))? ?"
    r"(?P<degrees{0}>[-+−–]?\d{{1,3}}(?:[.,]\d{{1,12}})?)"
    r" ?(?:°|º|deg(?:rees)?\b)? ?"
    r"(?:(?P<minutes{0}>\d{{1,2}}(?:\.\d{{1,8}})?) ?['’′](?!') ?)?"
    r"(?:(?P<seconds{0}>\d{{1,2}}(?:\.\d{{1,8}})?) ?(?:[\"”″]|''))? ?"
    rf"(?P<after{{0}}>(?:{_HEMISPHERE})\b)?"
)
_ONE = re.compile(_NUMBER.format(""), re.IGNORECASE)
_RANGE = re.compile(
    r"\bbetween\b|\bto\b|\brange\b|\d\s*°?\s*[nsew]?\s*(?:[-–—]|\band\b)\s*[-+]?\d", re.IGNORECASE
)
_PAIR = re.compile(
    _NUMBER.format("1")
    + r" ?(?:lat(?:itude)?\b)? ?(?:[,;/]|\band\b| ) ?(?:lon(?:g|gitude)?\b[: ]*)?"
    + _NUMBER.format("2"),
    re.IGNORECASE,
)
_EVIDENCE = re.compile(r"\d[.]\d{2}|[°º′]|\d\s*[NSEW]\b")


def read_degrees(text: str, limit: float) -> float | None:
    """The one coordinate in a text, in degrees; None for none, a range, or one beyond `limit`."""
    text = text.split("(")[0]
    match = _ONE.search(text)
    return None if match is None or _RANGE.search(text) else _degrees(match, "", limit)


def find_pair(text: str) -> tuple[float, float] | None:
    """The first "latitude, longitude" in a text, in degrees; None where there is none."""
    for match in _PAIR.finditer(text):
        if not _EVIDENCE.search(match.group()) or not _is_latitude_first(match):
            continue
        latitude, longitude = _degrees(match, "1", 90), _degrees(match, "2", 180)
        if latitude is not None and longitude is not None:
            return latitude, longitude
    return None


def _is_latitude_first(match: re.Match[str]) -> bool:
    """Whether hemispheres, where written, do not deny it; "30°N and 40°N" is a range."""
    first, second = _hemisphere(match, "1"), _hemisphere(match, "2")
    return first in ("", "n", "s") and second in ("", "e", "w")


def _hemisphere(match: re.Match[str], which: str) -> str:
    return (match[f"before{which}"] or match[f"after{which}"] or "").lower()[:1]


def _degrees(match: re.Match[str], which: str, limit: float) -> float | None:
    written = match[f"degrees{which}"].replace("−", "-").replace("–", "-").replace(",", ".")
    value = abs(float(written))
    value += float(match[f"minutes{which}"] or 0) / 60 + float(match[f"seconds{which}"] or 0) / 3600
    if written.startswith("-") or _hemisphere(match, which) in ("s", "w"):
        value = -value
    return value if abs(value) <= limit else None
