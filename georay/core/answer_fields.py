"""Reads named fields of a model's answer: JSON, near-JSON, and `Key: value` lines.

A field's value runs to the next field, not to the next quote, so that apostrophes, missing quotes
and stray commas cannot cut it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeGuard

_KEYS_OF_FIELD = {
    "country": "country|nation|country name|country code|predicted country|land|pays|país|pais|"
    "paese|"
    "страна|国家|國家|国|देश|দেশ|البلد|الدولة|ملک|negara|ülke|kraj|나라|국가|quốc gia|ประเทศ",
    "city": "city|town|city name|city/town|predicted city|nearest city|ciudad|cidade|ville|stadt|"
    "città|"
    "город|城市|都市|शहर|শহর|المدينة|مدينة|شہر|kota|şehir|miasto|도시|thành phố|เมือง",
    "region": "state|province|region|state/province|state/region|admin1|subdivision|"
    "bundesland|estado|provincia",
    "latitude": "lat|latitude|latitud|breite|breitengrad|широта|纬度|緯度|위도",
    "longitude": "lon|long|lng|longitude|longitud|länge|längengrad|долгота|经度|經度|経度|경도",
    "coordinates": "coordinates|coords|coordinate|gps|gps coordinates|lat lon|lat lng|latlng|"
    "latlon|"
    "lat/lon|lat/long|lat/lng|latitude/longitude|latitude, longitude|lat, long|lat, lon|position|"
    "geo|point|koordinaten|coordenadas|coordonnées|координаты|坐标|座標",
    "place": "location|place|answer|final answer|best guess|guess|my guess|my best guess|"
    "prediction|"
    "predicted location|most likely|most likely location|ort|lieu|lugar|ubicación|respuesta|"
    "réponse|"
    "antwort|resposta|место|ответ|地点|地點|答案|位置|場所|回答|위치|स्थान|उत्तर|الموقع|lokasi|"
    "konum",
    "reasons": "reason|reasons|reasoning|explanation|explanations|rationale|justification|razón|"
    "razones|"
    "raison|raisons|gründe|begründung|причина|причины|理由|原因|कारण|السبب|alasan",
}
_FIELD_OF_KEY = {key: field for field, keys in _KEYS_OF_FIELD.items() for key in keys.split("|")}
# Keys under which candidates stand as plain texts.
_CANDIDATES = re.compile(
    r"(?:(?:top|best|most|likely|possible|predicted|next|final|my)[ _-]?)*(?:candidate|countr(?:y|"
    r"ie)|"
    r"guess(?:e)?|answer|prediction|location|place|cit(?:y|ie)|possibilit(?:y|ie)|result|option|"
    r"rank|ranking|"
    r"choice|first|second|third)s?[ _-]?\d{0,2}|\d{1,2}|top[ _-]?\d{0,2}",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"\d{1,3}(?:\.\d{1,4})?\s*%?")
_KEYS = "|".join(re.escape(key) for key in sorted(_FIELD_OF_KEY, key=len, reverse=True))
# Bounded, so that no text makes matching slow.
_MARKS = r"[\"'“”‘’«»`*_\\]{0,8}"
_OPENING = re.compile(
    rf"(?:^|[{{\[,;.\n]|(?<=[\"'“”‘’])|"
    rf"(?<= )(?=\*\*))\s{{0,8}}(?:\d{{1,2}}[.)] ?)?[-*•+#> ]{{0,8}}{_MARKS}"
    rf"(?P<key>{_KEYS})(?: (?:guess|estimate|name))? ?{_MARKS} ?"
    rf"(?:[:=：] ?{_MARKS}|(?<= )[-–—] {_MARKS}|,(?= ?{_MARKS}(?:{_KEYS})\b))",
    re.IGNORECASE,
)
_OBJECT = re.compile(r"\{[^{}]{0,20000}\}?")
_TRAILING_COMMA = re.compile(r",(?=\s{0,8}[}\]])")
_AROUND = " \t\r\n\"'“”‘’«»`*_\\,;{}[]"
_MOST_OBJECTS = 20
_DEEPEST = 5

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
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, depth + 1) if not isinstance(item, str) else [{"place": item}]
    elif isinstance(value, dict):
        own = _own_fields(value, depth)
        if own.keys() - {"reasons"}:
            yield own
        yield from _scored_names(value)
        for key, item in value.items():
            if isinstance(item, dict) or (isinstance(item, list) and _may_hold(key, item)):
                yield from ({**own, **inner} for inner in _objects(item, depth + 1))
            elif isinstance(item, str) and _CANDIDATES.fullmatch(str(key)) and not _field(key):
                yield {"place": item}


def _own_fields(value: Mapping[object, object], depth: int) -> dict[str, str]:
    """The fields of an object and, where they add to them, of the objects in it."""
    own: dict[str, str] = {}
    if str(value.get("type")) == "Point" and _is_pair(pair := value.get("coordinates")):
        return {"latitude": _plain(pair[1]), "longitude": _plain(pair[0])}  # GeoJSON
    for key, item in value.items():
        field = _field(key)
        if _is_pair(item) and field in ("coordinates", "place"):
            own.setdefault("latitude", _plain(item[0]))
            own.setdefault("longitude", _plain(item[1]))
        elif field and isinstance(item, dict):
            if text := _named_inside(item):
                own.setdefault(field, text)
        elif field:
            own.setdefault(field, _plain(item))
    for item in value.values():
        if isinstance(item, dict) and depth < _DEEPEST:
            inner = _own_fields(item, depth + 1)
            if not own.keys() & inner.keys():
                own |= inner
    return own


def _named_inside(value: Mapping[object, object]) -> str:
    """The text of {"name": "Chile", "code": "CL"}, and of degrees, minutes and seconds."""
    if "degrees" in value:
        parts = [_plain(value.get(key, 0)) for key in ("degrees", "minutes", "seconds")]
        side = value.get("direction") or value.get("hemisphere") or ""
        return "{}°{}'{}\" {}".format(*parts, _plain(side))
    return next((_plain(value[key]) for key in ("name", "value", "text") if key in value), "")


def _scored_names(value: Mapping[object, object]) -> Iterator[Fields]:
    """The keys of {"Norway": 0.7, "Sweden": 0.3}."""
    if not any(map(_field, value)) and all(_PERCENT.fullmatch(_plain(v)) for v in value.values()):
        yield from ({"place": str(key)} for key in value)


def _field(key: object) -> str | None:
    return _FIELD_OF_KEY.get(str(key).strip().lower().replace("_", " "))


def _may_hold(key: object, items: list[object]) -> bool:
    """Whether a list holds candidates: objects always, texts under such a key; no field's own."""
    if any(isinstance(item, dict | list) for item in items):
        return True
    return _field(key) is None and _CANDIDATES.fullmatch(str(key)) is not None


def _is_pair(value: object) -> TypeGuard[list[float]]:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
    )


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
