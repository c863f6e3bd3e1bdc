"""Parses a model's raw answer into country, town, reasons and coordinates.

Models answer the prompt's single-quoted example in kind, wrap JSON in prose, forget quotes, give
lists of candidates, or decline. The parser reads all of that and never raises: "effective answers"
(the paper's recall, section 4.2.2) are those whose status is "answered".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from georay.core.addresses import PlaceFound, town_and_country, without_confidence
from georay.core.answer_abroad import place_abroad
from georay.core.answer_drafts import without_drafts
from georay.core.answer_fields import find_fields
from georay.core.answer_prose import list_items, place_in_prose
from georay.core.answer_refusals import is_refusal
from georay.core.coordinate_text import find_pair, read_degrees
from georay.core.gazetteer import Gazetteer
from georay.core.place_phrases import says_nothing

Status = Literal["answered", "refused", "unparseable"]

_LONGEST_TEXT = 20_000
_LONGEST_PLACE = 120
_BLANKS = re.compile(r"[^\S\n]+|\x00+|\n(?=\s*\n\s*\n)")
_ALTERNATIVES = re.compile(
    r"\s*(?:/|\||;|,|、|>|→|\n|或者?)\s*|"
    r"\s+(?:or|and|oder|und|ou|et|o|y|e|или|и|alternatively|otherwise)\s+",
    re.IGNORECASE,
)
_TRAILING_NOTE = re.compile(r"\s*[(\[（].*$|\s+[-–—]\s+.*$|\s*[;|].*$", re.DOTALL)
_EMPHASIS = re.compile(r"[*_`#]{1,3}|^\s*>\s?", re.MULTILINE)
_LEAD_IN = re.compile(
    r"^(?:(?:the |my )?(?:final |best |first |top )?(?:answer|location|guess|place|prediction|"
    r"country|choice)"
    r"(?: is| would be)?\s*:?\s+|(?:this|it)(?: is|'s)\s+|(?:most |very )?(?:likely|probably|"
    r"possibly|perhaps|"
    r"maybe)(?: in)?:?\s+|\d{1,3} ?% |(?:somewhere )?in (?:the )?(?:rural )?)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read. What the model did not say is None.

    `country` is an ISO 3166-1 alpha-2 code, `country_text` what stood there; `city` is the town as
    written; latitude and longitude are degrees that the model itself gave. An answer of
    coordinates alone has no country: `Gazetteer.nearest` gives one.
    """

    status: Status
    country: str | None = None
    country_text: str | None = None
    city: str | None = None
    reasons: str | None = None
    latitude: float | None = None
    longitude: float | None = None


def parse_answer(raw: str, gazetteer: Gazetteer | None = None) -> Answer:
    """Read a model's raw answer. Takes any text and never raises.

    "answered" names a country, a town or coordinates (of several candidates the first counts,
    whatever shares of confidence stand beside them); "refused" declines or finds no place;
    "unparseable" is neither. What stands between tags of thought is no part of the answer.
    `gazetteer` is the one that comes with georay unless another is given.
    """
    gazetteer = gazetteer or Gazetteer.load()
    writable = raw[:_LONGEST_TEXT].encode("utf-8", "replace").decode()
    text = _BLANKS.sub(" ", without_drafts(writable)).strip()
    named_nothing = False
    for found in find_fields(text):
        answer = _from_fields(found.values, gazetteer)
        if answer is not None:
            prose = _without_fences(f"{text[: found.start]}\n{text[found.stop :]}").strip(
                "` \t\r\n"
            )
            return _with_reasons(answer, found.values.get("reasons") or prose)
        named_nothing = named_nothing or _is_empty(found.values)
    return _from_text(text, gazetteer, named_nothing)


def _from_fields(values: Mapping[str, str], gazetteer: Gazetteer) -> Answer | None:
    """The answer that named fields give, or None if they name no place."""
    city = _named(values.get("city"))
    country_text = _named(values.get("country"))
    country = gazetteer.country(country_text)
    place = _named(values.get("place"))
    if place and not (city or country_text):
        guess = town_and_country(place, gazetteer) or place_in_prose(f"It is in {place}", gazetteer)
        if guess:
            country, country_text, city = guess.country, guess.country_text, guess.city
    elif country_text and "," in country_text and country and not city:
        guess = town_and_country(country_text, gazetteer)
        country, city = (guess.country, guess.city) if guess else (country, None)
    region = _named(values.get("region"))
    if country_text:
        country = country or _country_in(country_text, gazetteer)
        country = _decided_by_town(country, country_text, city, gazetteer)
    elif region and (found := _country_of_region(region, city, gazetteer)):
        country = found
    elif city and (guess := town_and_country(city, gazetteer)):
        country, city = guess.country, guess.city or city
    if city:
        city = _first_of_several(city, country, gazetteer)
    latitude, longitude = _coordinates(values)
    if not (country or city or latitude is not None):
        return None
    return Answer("answered", country, country_text, city, None, latitude, longitude)


def _decided_by_town(
    country: str | None, country_text: str, city: str | None, gazetteer: Gazetteer
) -> str | None:
    """The country, or that of the state which stands in its place ("Georgia" beside Atlanta)."""
    town = gazetteer.town_in_region(city.split(",")[0], country_text) if city and country else None
    return town.country if town else country


def _country_of_region(region: str, city: str | None, gazetteer: Gazetteer) -> str | None:
    town = gazetteer.town_in_region(city, region) if city else None
    return town.country if town else gazetteer.country(region)


def _first_of_several(city: str, country: str | None, gazetteer: Gazetteer) -> str:
    """The first town of "Osaka or Kyoto"; the text itself where it is one name."""
    first = re.split(r"\s+(?:or|and/or)\s+|\s*/\s*", city)[0]
    return first if first != city and gazetteer.resolve(first, country) else city


def _country_in(text: str, gazetteer: Gazetteer) -> str | None:
    """The first country of a field that holds more than one, or a sentence."""
    for part in _ALTERNATIVES.split(without_confidence(text)):
        if code := gazetteer.country(part):
            return code
    guess = place_in_prose(f"It is likely {text}", gazetteer)
    return guess.country if guess else None


def _coordinates(values: Mapping[str, str]) -> tuple[float | None, float | None]:
    """Both or neither: half a coordinate is none."""
    latitude = read_degrees(values.get("latitude", ""), 90)
    longitude = read_degrees(values.get("longitude", ""), 180)
    if latitude is None or longitude is None:
        return find_pair(values.get("coordinates", "")) or (None, None)
    # The zero of a form that was not filled in, not a spot in the Gulf of Guinea.
    return (None, None) if latitude == longitude == 0 else (latitude, longitude)


def _named(value: str | None) -> str | None:
    """A field's value without notes behind it; None if it names nothing or is a whole sentence."""
    if value is None:
        return None
    name = _HEDGE.sub("", _TRAILING_NOTE.sub("", value).strip(" \t\r\n\"'“”‘’`*_\\,.:"))
    if not name or len(name) > _LONGEST_PLACE or says_nothing(re.split(r"[,;]", name)[0]):
        return None
    if _SENTENCE.search(name) or _NO_PLACE_IN_PARTICULAR.fullmatch(name.split(",")[0]):
        return None
    return name


_HEDGE = re.compile(
    r"^(?:(?:most )?(?:possibly|probably|likely|maybe|perhaps)|somewhere in|in) ", re.IGNORECASE
)
_SENTENCE = re.compile(
    r"\b(?:without|difficult|challenging|could be|cannot|unknown|uncertain|unclear|any|not|"
    r"given the|guessing|based on|depends|indetermina\w+|n/a)\b",
    re.IGNORECASE,
)


# "Anytown", "Unnamed Village", "Tropical Country".
_NO_PLACE_IN_PARTICULAR = re.compile(
    r"(?:(?:an?|any|the|some|small|large|rural|urban|suburban|coastal|industrial|tropical|modern|"
    r"european|asian|african|american|latin|unnamed|unidentified|unspecified|residential|generic|"
    r"local|major|other|"
    r"developing)[\s-]*)+(?:town|city|village|country|area|region|suburb|neighbou?rhood|place|"
    r"ville)?",
    re.IGNORECASE,
)


def _is_empty(values: Mapping[str, str]) -> bool:
    """Whether fields are there to say that the place is unknown."""
    said = [values[field] for field in ("city", "country", "place") if values.get(field)]
    return bool(said) and all(_named(value) is None for value in said)


def _from_text(text: str, gazetteer: Gazetteer, named_nothing: bool) -> Answer:
    """Read a text that has no fields, or whose fields name no place."""
    plain = _EMPHASIS.sub("", _without_fences(text)).strip()
    pair = find_pair(plain)
    place = place_in_prose(plain, gazetteer)
    if place is None and not named_nothing:
        place = _bare_place(plain, gazetteer)
    if place is None and pair is None:
        refused = named_nothing or is_refusal(plain) or _is_nothing(plain)
        return Answer("refused" if refused else "unparseable")
    latitude, longitude = pair or (None, None)
    if place is None:
        return Answer("answered", latitude=latitude, longitude=longitude)
    reasons = plain if len(plain) > _LONGEST_PLACE else None
    return Answer(
        "answered", place.country, place.country_text, place.city, reasons, latitude, longitude
    )


def _is_nothing(plain: str) -> bool:
    """Whether the whole text is "Unknown" or the like; "null" says not even that."""
    return plain[:1].isalpha() and says_nothing(plain) and plain.lower() not in ("null", "none")


def _bare_place(plain: str, gazetteer: Gazetteer) -> PlaceFound | None:
    """The place in a text that is little more than one, or a list of them, or not English."""
    is_short = len(plain) <= _LONGEST_PLACE and "\n" not in plain and not is_refusal(plain)
    if is_short and (place := _short_place(plain, gazetteer)):
        return place
    for item in list_items(plain):
        if len(item) <= _LONGEST_PLACE and (place := _short_place(item, gazetteer)):
            return place
    if "\n" in plain and (place := _place_set_apart(plain, gazetteer)):
        return place
    return place_abroad(plain, gazetteer) or _place_set_apart(plain, gazetteer)


def _short_place(text: str, gazetteer: Gazetteer) -> PlaceFound | None:
    """The place that a short text is, or the first of those it is made of."""
    bare = _LEAD_IN.sub("", without_confidence(text).strip())
    label, _, labelled = bare.partition(":")
    if labelled.strip() and not (gazetteer.country(label) or gazetteer.resolve(label)):
        bare = labelled.strip()
    if place := town_and_country(bare, gazetteer):
        return place
    first, *others = _ALTERNATIVES.split(bare)
    return town_and_country(first, gazetteer) if others else None


def _place_set_apart(plain: str, gazetteer: Gazetteer) -> PlaceFound | None:
    """A "City, Country" that opens the text as a sentence, or closes it as a line or sentence."""
    lines = [line for line in plain.splitlines() if line.strip()] or [""]
    for piece in (lines[0].split(". ")[0], lines[-1], lines[-1].split(". ")[-1]):
        if len(piece) <= _LONGEST_PLACE and not is_refusal(piece):
            place = _short_place(piece, gazetteer)
            if place and place.country_text:
                return place
    return None


def _without_fences(text: str) -> str:
    return re.sub(r"(?:```|~~~)(?:[\w+-]+(?=\s))?", "", text).strip()


def _with_reasons(answer: Answer, reasons: str) -> Answer:
    return Answer(
        answer.status,
        answer.country,
        answer.country_text,
        answer.city,
        reasons.strip() or None,
        answer.latitude,
        answer.longitude,
    )
