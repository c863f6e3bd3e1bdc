"""A place written as an address: "City, Country", "Town, State", "Country-City", "Country"."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from georay.core.gazetteer import Gazetteer, Place
from georay.core.names import fold

_LARGE_TOWN = 100_000
_KNOWN_TOWN = 50_000
_MOST_WORDS = 9
_CONFIDENCE = re.compile(
    r"[(\[]?\s*(?:~|≈|about |approx\w*\.? )?(?:(?:confidence|probability|prob\.?|likelihood|score|"
    r"p)\s*[:=]?\s*)?"
    r"(?:~|≈|>|<)?\d{1,3}(?:[.,]\d{1,4})?\s*(?:%|％|percent\b|pct\b)(?:\s*(?:confidence|confident|"
    r"sure|likely|"
    r"probability|chance|certain\w*))?\s*[)\]]?|[(\[]\s*(?:(?:confidence|probability|score|"
    r"p)\s*[:=]?\s*)?"
    r"[01]?[.,]\d{1,4}\s*[)\]]|(?:[:=–-]|\bconfidence|"
    r"\bprobability)\s*[:=]?\s*[01]?[.]\d{1,4}(?![\d.°])|"
    r"[(\[]\s*(?:high|medium|moderate|low|very \w+)(?: confidence| probability|"
    r" likelihood)?\s*[)\]]",
    re.IGNORECASE,
)
_DENIED = re.compile(r"(?:not|no|never)\b(?! 1\b)|(?:gulf|bay|sea|straits?) of\b", re.IGNORECASE)
_HEDGE = re.compile(
    r"^(?:(?:(?:most )?likely|probably|possibly|maybe|perhaps|somewhere|near|close to|"
    r"(?:just )?outside(?: of)?) )+",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"\s(?:or|oder|ou|o)\s", re.IGNORECASE)
_CONTINENTS_TEXT = (
    "africa|america|asia|europe|oceania|northamerica|southamerica|centralamerica|latinamerica|"
    "southeastasia|eastasia|southasia|westernasia|centralasia|easterneurope|westerneurope|"
    "caribbean|thecaribbean|middleeast|themiddleeast|northafrica|westafrica|eastafrica|"
    "southernafrica|eu|northerneurope|southerneurope|scandinavia|earth|europeanunion|"
    "subsaharanafrica"
)
_CONTINENTS = frozenset(_CONTINENTS_TEXT.split("|"))


@dataclass(frozen=True, slots=True)
class PlaceFound:
    """A place named in a text: alpha-2 code, the name as written, and a town if one is named."""

    country: str | None
    country_text: str | None
    city: str | None


def without_confidence(text: str) -> str:
    """The text without "(70%)", "- 0.7" and "(high confidence)"."""
    return _CONFIDENCE.sub(" ", text)


def town_and_country(text: str, gazetteer: Gazetteer) -> PlaceFound | None:
    """A text that is nothing but a place: "Country", "City, Country", "Country-City", "City".

    Of several countries in a row the first counts.
    """
    text = re.sub(r"\s+in\s+(?:the\s+)?(?=[A-ZÀ-Þ])", ", ", text)
    text = re.sub(r"\s*[(\[]([^()\[\]]*)[)\]]", r", \1", without_confidence(text))
    text = text.strip(" \t\r\n\"'“”‘’«»`*_.,:;|>-").removeprefix("the ")
    if not text or len(text.split()) > _MOST_WORDS or _DENIED.match(text):
        return None
    parts = [part.strip() for part in re.split(r"[,，、:;/|]|\s[-–—]\s", text) if part.strip()]
    parts = [_HEDGE.sub("", part) for part in parts if fold(part) not in _CONTINENTS] or parts
    if len(parts) == 1 and (code := gazetteer.country(parts[0])):
        return PlaceFound(code, parts[0], None)
    if len(parts) > 1:
        return read_address(parts, gazetteer) or _named_town(text, parts, gazetteer)
    for country, city in _halves(text):
        if place := _town_of_region(city, country, None, gazetteer):
            return PlaceFound(place.country, country, city)
        # "it is" holds no Italy.
        is_name = len(country) > 3 or country.isupper() or not country.isascii()
        code = gazetteer.country(country) if is_name else None
        if code and gazetteer.resolve(city, code):
            return PlaceFound(code, country, city)
    return _named_town(text, parts, gazetteer)


def read_address(parts: Sequence[str], gazetteer: Gazetteer) -> PlaceFound | None:
    """The place that names in a row stand for, from the smallest to the largest or in a list."""
    first, last = parts[0], parts[-1]
    outer = gazetteer.country(", ".join(parts[1:])) or gazetteer.country(last)
    inner = gazetteer.country(first)
    whole = gazetteer.country(f"{first} ({last})") if inner and not outer else None
    if whole not in (None, inner):  # "Congo (Kinshasa)"
        return PlaceFound(whole, f"{first} ({last})", None)
    if place := _town_of_region(first, last, inner, gazetteer):
        return PlaceFound(place.country, last, first)
    if outer is None:
        return _country_first(parts, inner, gazetteer)
    town = gazetteer.resolve(first, outer)
    if town and _is_known(town, first):
        return PlaceFound(town.country, last, first)
    if inner is None:
        # "Porto Alegre, RS" is not in Serbia.
        anywhere = gazetteer.resolve(first) if town is None and len(last) == 2 else None
        if anywhere and _is_known(anywhere, first):
            return PlaceFound(anywhere.country, None, first)
        named = next((part for part in parts[:-1] if gazetteer.resolve(part, outer)), None)
        city = named or (first if _looks_like_name(first) else None)
        return PlaceFound(outer, last, city) if city else None
    whole = gazetteer.country(f"{first}, {last}")
    if whole is None and _is_known(gazetteer.resolve(last, inner), last):
        return PlaceFound(inner, first, last)
    return PlaceFound(outer, last, None) if whole == outer else PlaceFound(inner, first, None)


def _town_of_region(
    town: str, region: str, country: str | None, gazetteer: Gazetteer
) -> Place | None:
    """The town in the region; of two countries ("Benin, Niger") only where the region is a "
    "state."""
    place = gazetteer.town_in_region(town, region)
    is_country = gazetteer.country_named(region) not in (None, place.country if place else None)
    return None if place and country and is_country and place.country != "US" else place


def _country_first(
    parts: Sequence[str], inner: str | None, gazetteer: Gazetteer
) -> PlaceFound | None:
    """ "France, Lyon", or a country and what is no place."""
    if inner is None:
        return None
    named = next((part for part in parts[1:] if gazetteer.resolve(part, inner)), None)
    return PlaceFound(inner, parts[0], named)


def _is_known(town: Place | None, name: str) -> bool:
    return town is not None and town.population >= _KNOWN_TOWN and fold(town.name) == fold(name)


def _named_town(text: str, parts: Sequence[str], gazetteer: Gazetteer) -> PlaceFound | None:
    is_name = bool(parts) and _looks_like_name(parts[0]) and not _CHOICE.search(text)
    if not is_name or re.search(r"\d[.,]\d", text):
        return None
    is_long_enough = len(text) >= 3 or not text.isascii()
    place = gazetteer.resolve(text) if is_long_enough and gazetteer.resolve(parts[0]) else None
    if place and (place.population >= _LARGE_TOWN or len(parts) > 1):
        return PlaceFound(place.country, None, parts[0])
    return None


def _looks_like_name(text: str) -> bool:
    words = text.split()
    return len(words) <= 3 and not any(word[0].islower() for word in (words[0], words[-1]))


def _halves(text: str) -> Iterator[tuple[str, str]]:
    """(country, town) in either order, where the text may be cut in two."""
    for cut in re.finditer(r"[-\s]", text):
        before, after = text[: cut.start()], text[cut.end() :]
        yield after, before
        yield before, after
