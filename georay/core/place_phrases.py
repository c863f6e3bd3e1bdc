"""How people wrap the name of a place: "City of X", "X (Y)", "X, Region", "X-ku", "X or Y"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from georay.core.names import fold

_NOTHING = frozenset(
    {
        "cannotbedetermined",
        "na",
        "nil",
        "none",
        "notapplicable",
        "notavailable",
        "notdetermined",
        "notknown",
        "notpossibletodetermine",
        "notspecified",
        "null",
        "tbd",
        "unclear",
        "uncertain",
        "undetermined",
        "unidentified",
        "unknown",
        "unknowncity",
        "unknowncountry",
        "unnamed",
        "unspecified",
        "various",
    }
)
_NOTHING_ABROAD = (
    "desconocido|desconocida|desconhecido|desconhecida|inconnu|inconnue|unbekannt|onbekend|"
    "sconosciuto|"
    "sconosciuta|necunoscut|неизвестно|неизвестна|неизвестный|невідомо|nieznany|nieznana|nieznane|"
    "neznámé|"
    "bilinmiyor|bilinmeyen|未知|未知国家|未知城市|不明|不详|不詳|不确定|无法确定|無法確定|无|無|"
    "不知道|わからない|"
    "알 수 없음|미상|불명|غير معروف|غير معروفة|مجهول|نامعلوم|نامشخص|अज्ञात|পাওয়া যায়নি|অজানা|"
    "tidak diketahui|"
    "không rõ|không xác định|ไม่ทราบ|ukjent|okänd|okänt|ukendt|tuntematon|ismeretlen|άγνωστο|"
    "לא ידוע"
)
_NOTHING_KNOWN = _NOTHING | frozenset(map(fold, _NOTHING_ABROAD.split("|")))
_PARENTHESES = re.compile(r"[(\[（](.*?)[)\]）]")
_ALTERNATIVES = re.compile(r"\s*(?:/|\||;|–|—|\s-\s|\bor\b|\band/or\b|\band\b|&)\s*", re.IGNORECASE)
_COMMA = re.compile(r"\s*[,،，、]\s*")
_BEFORE = re.compile(
    r"^(?:the|a|an|city|town|village|municipality|district|borough|province|region|state|area|"
    r"suburbs?|outskirts|centre|center|heart|vicinity|neighbou?rhood|of|in|near|around|outside|"
    r"close to|greater|metropolitan|metro|downtown|central|inner|historic|old|possibly|probably|"
    r"likely|perhaps|maybe|somewhere|north(?:ern)?|south(?:ern)?|east(?:ern)?|west(?:ern)?|"
    r"ciudad de|cidade de|ville de|stadt|kota|kabupaten|distrito|bezirk|arrondissement)\s+",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:\s+(?:city|town|village|municipality|district|borough|county|province|prefecture|region|"
    r"state|area|metropolitan|metro|suburbs?|outskirts|cent(?:re|er)|downtown|old|capital|ward|"
    r"township|island|special|d\.?\s?c\.?|[A-Z]{2}|\d+)|"
    r"[\s-](?:ku|shi|si|gu|cho|machi|gun|do|dong|mura)|市|区|區|시|구|군|町|村|县|縣|省|都|府)$",
    re.IGNORECASE,
)
_TWIN_CITIES = re.compile(r"^(?!Saint-|Santa-)(\w{5,})-[A-Z]")
_SHORTEST_REST = 4
_MOST_PARTS = 6
_UMLAUTS = re.compile(r"(?<=[b-df-hj-np-tv-z])([aou])e", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TownReading:
    """One way to read a text: a town's name, and the texts beside it (region, country)."""

    name: str
    context: tuple[str, ...] = ()


def says_nothing(text: str) -> bool:
    """Whether a name is no name: empty, "Unknown", "N/A", "not specified"."""
    folded = fold(text)
    return not folded or folded in _NOTHING_KNOWN


def town_readings(text: str) -> Iterator[TownReading]:
    """Ways to read the name of a town, the plainest first, each once."""
    text = text.strip()
    yield TownReading(text)
    outside = _PARENTHESES.sub(" ", text).strip()
    inside = tuple(part for part in _PARENTHESES.findall(text) if part.strip())
    parts = [part for part in _COMMA.split(outside) if part][:_MOST_PARTS]
    beside = tuple(parts[1:]) + inside
    yield from _wrapped(parts, beside)
    for part in inside:
        yield TownReading(part)


def _wrapped(parts: list[str], beside: tuple[str, ...]) -> Iterator[TownReading]:
    for number, part in enumerate(parts):
        context = beside[number:]
        for name in (part, *_ALTERNATIVES.split(part)):
            for bare in _unwrapped(name):
                yield TownReading(bare, context)


def _unwrapped(name: str) -> Iterator[str]:
    """The name, then without the words around it one by one, then less usual spellings of it."""
    shortest = name
    while name:
        yield name
        shortest = name
        rest = _AFTER.sub("", name)
        rest = rest if rest != name else _BEFORE.sub("", name)
        # "Bay Area" is not the town of Bay.
        name = rest if rest != name and not (rest.isascii() and len(rest) < _SHORTEST_REST) else ""
    plain = _UMLAUTS.sub(r"\1", shortest)
    if plain != shortest:
        yield plain
    if twins := _TWIN_CITIES.match(shortest):
        yield twins.group(1)
