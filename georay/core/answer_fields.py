"""Named fields in a model's answer: JSON, near-JSON, and `Key: value` lines.

A field's value runs to the next field, not to the next quote, so that apostrophes, missing quotes
and stray commas cannot cut it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

_FIELD_OF_KEY = {
    "country": "country",
    "nation": "country",
    "country name": "country",
    "country code": "country",
    "city": "city",
    "town": "city",
    "city name": "city",
    "city/town": "city",
    "lat": "latitude",
    "latitude": "latitude",
    "lon": "longitude",
    "long": "longitude",
    "lng": "longitude",
    "longitude": "longitude",
    "coordinates": "coordinates",
    "gps": "coordinates",
    "gps coordinates": "coordinates",
    "location": "place",
    "place": "place",
    "answer": "place",
    "final answer": "place",
    "best guess": "place",
    "guess": "place",
    "my guess": "place",
    "my best guess": "place",
    "prediction": "place",
    "reason": "reasons",
    "reasons": "reasons",
    "reasoning": "reasons",
    "explanation": "reasons",
    "explanations": "reasons",
    "rationale": "reasons",
    "justification": "reasons",
}
_KEYS = "|".join(re.escape(key) for key in sorted(_FIELD_OF_KEY, key=len, reverse=True))
# Bounded, so that no text makes matching slow.
_MARKS = r"[\"'“”‘’«»`*_\\]{0,8}"
_OPENING = re.compile(
    rf"(?:^|[{{\[,;.\n]|(?<=[\"'“”‘’]))\s{{0,8}}(?:\d{{1,2}}[.)] ?)?[-*•+#> ]{{0,8}}{_MARKS}"
    rf"(?P<key>{_KEYS})(?: (?:guess|estimate|name))? ?{_MARKS} ?"
    rf"(?:[:=：] ?{_MARKS}|,(?= ?{_MARKS}(?:{_KEYS})\b))",
    re.IGNORECASE,
)
_OBJECT = re.compile(r"\{[^{}]{0,20000}\}?")
_TRAILING_COMMA = re.compile(r",(?=\s{0,8}[}\]])")
_AROUND = " \t\r\n\"'“”‘’«»`*_\\,;{}[]"
_MOST_OBJECTS = 20

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FieldsFound:
    """The fields of one candidate (`start`, `stop`: where it stands in the text)."""

    values: Fields
    start: int
    stop: int


def find_fields(text: str) -> Iterator[FieldsFound]:
    """Every group of named fields in a text: objects first, in their order, then plain lines."""
    yield from _strict_json(_TRAILING_COMMA.sub(" ", text))
    for match in islice(_OBJECT.finditer(text), _MOST_OBJECTS):
        if values := _scanned(match.group(), line_by_line=False):
            yield FieldsFound(values, match.start(), match.end())
    if values := _scanned(text, line_by_line=True):
        yield FieldsFound(values, 0, len(text))


def _strict_json(text: str) -> Iterator[FieldsFound]:
    decoder = json.JSONDecoder()
    position = 0
    for _ in range(_MOST_OBJECTS):
        position = min((p for c in "{[" if (p := text.find(c, position)) >= 0), default=-1)
        if position < 0:
            return
        try:
            value, stop = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            position += 1
            continue
        for values in _objects(value):
            yield FieldsFound(values, position, stop)
        position = stop


def _objects(value: object, depth: int = 0) -> Iterator[Fields]:
    """The candidates in a JSON value, the first first; reasons beside a candidate are its own."""
    if depth > 5:
        return
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, depth + 1)
    elif isinstance(value, dict):
        own: dict[str, str] = {}
        for key, item in value.items():
            field = _FIELD_OF_KEY.get(str(key).strip().lower().replace("_", " "))
            if field and not isinstance(item, dict):
                own.setdefault(field, _plain(item))
        if own.keys() - {"reasons"}:
            yield own
        for item in value.values():
            if isinstance(item, dict | list):
                yield from ({**own, **inner} for inner in _objects(item, depth + 1))


def _plain(value: object) -> str:
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, list):
        return "; ".join(_plain(item) for item in value if not isinstance(item, dict))
    return str(value).strip()


def _scanned(text: str, *, line_by_line: bool) -> Fields:
    """Fields of near-JSON or of lines; the first value of each field counts."""
    matches = list(_OPENING.finditer(text))
    if not matches:
        return {}
    if _is_quoted(matches[0]) and not line_by_line:
        # Then "city: big" inside the reasons is no field.
        matches = [match for match in matches if _is_quoted(match)]
    stops = [following.start() for following in matches[1:]] + [len(text)]
    values: dict[str, str] = {}
    for match, stop in zip(matches, stops, strict=True):
        field = _FIELD_OF_KEY[match["key"].lower()]
        value = text[match.end() : stop]
        if line_by_line and field != "reasons":
            value = _first_line(value)
        values.setdefault(field, value.strip(_AROUND).replace('\\"', '"').replace("\\'", "'"))
    return values


def _is_quoted(opening: re.Match[str]) -> bool:
    return opening.string[opening.start("key") - 1] in "\"'“”‘’«"


def _first_line(value: str) -> str:
    lines = value.lstrip(" \r\n*_").splitlines()
    return lines[0] if lines else ""
