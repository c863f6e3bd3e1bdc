"""Places and refusals in running text: which sentence commits itself, and to what."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from georay.core.gazetteer import Gazetteer
from georay.core.names import fold

_MORE_NAMES = (
    "USA",
    "U.S.A.",
    "U.S.",
    "US",
    "UK",
    "U.K.",
    "UAE",
    "England",
    "Scotland",
    "Wales",
    "Northern Ireland",
    "America",
    "Holland",
    "Czech Republic",
    "Türkiye",
    "Burma",
    "Korea",
    "Bosnia",
    "Macao",
    "Cabo Verde",
    "East Timor",
    "Swaziland",
    "Bosnia & Herzegovina",
    "Trinidad & Tobago",
    "Congo",
    "DRC",
    "Vatican",
)
# Names that in English prose are mostly something else.
_NOT_IN_PROSE = frozenset({"JE", "GS", "AQ", "TF"})
_NOT_BEFORE = r"(?<!New )(?<!\w)(?<!['’-])"
_PART_OF_CONTINENT = r"(?<!North )(?<!South )(?<!Latin )(?<!Central )"

_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!\bSt\.)(?<!\bU\.S\.)(?<!e\.g\.)(?<!i\.e\.)\s+|\n+")
_SUBJECT = re.compile(
    r"\b(?:i|we|me|us|my|location|image|photo\w*|picture|scene|street|place|guess|answer|it|this|"
    r"coordinates|setting|analysis|conclusion|view|country|city|looks)\b",
    re.IGNORECASE,
)
_COMMITMENT = re.compile(
    r"\b(?:guess\w*|belie\w+|likely|probab\w+|possibl[ey]|estimat\w+|conclu\w+|suggest\w*|speculat\w+|"
    r"(?:c|w)ould be|may be|might be|appears|seems|from|(?:is|was|be) (?:in|at|near|from|taken)|"
    r"depict\w*|lean\w*|plac(?:e|es|ing)|deduc\w+|infer\w*|inclined|confiden\w+|narrow\w*|falls?|"
    r"lies|located|situated|taken|candidate|answer|exists|correspond\w*|it'?s|this is|looks like|"
    r"(?:country|city|place|answer) is|say)\b",
    re.IGNORECASE,
)
# Of several sentences that name a place, the first that draws a conclusion is the answer.
_CONCLUSION = re.compile(
    r"\b(?:guess|belie(?:f|ve)|conclu\w+|estimat\w+|deduc\w+|infer|inclined|lean|speculate|answer|"
    r"confiden\w+|my best|i(?:'d| would|'ll| might)? (?:say|suggest|place|think))\b",
    re.IGNORECASE,
)
# A name after one of these is an example or a comparison, not the answer.
_EXAMPLE = re.compile(
    r"\b(?:such as|(?<!looks )(?<!look )(?<!seems )like|e\.g\.|"
    r"for (?:example|instance)|including|unlike|similar to|"
    r"(?:many|some|other|most|certain|various)(?: \w+)? (?:parts|regions|countries|areas|cities)|"
    r"(?:common|found|used|seen|prevalent|popular|native|typical|characteristic|reminiscent|"
    r"features?|styles?|ones|those|influence[sd]?)"
    r"(?: \w+){0,3} (?:in|of|to|throughout|across|from|by))(?!\w)"
    r"(?:(?!\b(?:i|it|that|this|location|could|would|is)\b)[^;:])*$",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:not|isn't|rather than|rule[sd]? out|instead of|unlikely)\b[^,;]{0,30}$", re.IGNORECASE
)
_REFUSAL = re.compile(
    r"\b(?:sorry|apologi[sz]e|"
    r"(?:unable|can ?not|can['’]t|could(?:n['’]t| not))(?! (?:to )?(?:read|make out|see)\b)|"
    r"do(?:n['’]t| not) (?:feel|think|have|know)|not (?:able|possible|feasible|comfortable|capable|"
    r"going to|appropriate|privy|sufficient|enough)|won['’]t|will not|inappropriate|impossible|"
    r"insufficient|isn['’]t (?:feasible|possible|achievable)|"
    r"(?:difficult|challenging|hard)\b.{0,40}\b(?:pinpoint|determine|narrow|identify|provide|give|tell|"
    r"specify|say|assign|infer)|indetermin\w+|"
    r"(?:without|lack of)\b.{0,80}\b(?:details?|clues|information|context|landmarks|image)|"
    r"would require additional|(?:stop|end) (?:this|responding))\b",
    re.IGNORECASE,
)
_NAME = (
    r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’.-]*"
    r"(?:[ -](?:(?:de|del|la|las|los|el|do|da|dos|di|du|le|of|the|am|an|upon)[ -])?"
    r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’.-]*){0,4}"
)
_TOWN_CUE = re.compile(
    rf"\b(?:in|near|at|(?:city|town) of|from|around|be|is|to|as|either|maybe|perhaps|possibly)"
    rf"\s+(?:the\s+)?(?:\w+\s+){{0,2}}?(?P<name>{_NAME})"
)
_LARGE_TOWN = 100_000
_LONGEST_SENTENCE = 600
_MOST_WORDS = 9
_MOST_FOREIGN_WORDS = 200
# Chinese, Japanese, Korean and Thai: names have no blank before or behind them.
_WITHOUT_SPACES = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]{2,40}")
_ENGLISH = re.compile(r"\b(?:the|and|of|is|was|this|with|i|it)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PlaceFound:
    """A place named in a text: alpha-2 code, the name as written, and a town if one is named."""

    country: str | None
    country_text: str | None
    city: str | None


def is_refusal(text: str) -> bool:
    """Whether a text says that it will not, or cannot, name the place."""
    return _REFUSAL.search(text) is not None


def place_in_prose(text: str, gazetteer: Gazetteer) -> PlaceFound | None:
    """The place that running text commits itself to: its first conclusion, else its first hint.

    Countries given as examples ("countries such as ...") are no answer.
    """
    sentences = [sentence[:_LONGEST_SENTENCE] for sentence in _SENTENCE_END.split(text)]
    concluding = [s for s in sentences if _CONCLUSION.search(s)]
    hinting = [s for s in sentences if not _CONCLUSION.search(s)]
    found: PlaceFound | None = None
    for sentence in concluding + hinting:
        place = _committed(sentence, gazetteer)
        if place is None:
            continue
        # A sentence that repeats the country and adds a town completes the answer.
        if found is None or (found.city is None and place.country == found.country):
            found = place
    return found


def town_and_country(text: str, gazetteer: Gazetteer) -> PlaceFound | None:
    """A text that is nothing but a place: "Country", "City, Country", "Country-City", "City"."""
    text = re.sub(r"\s*\(([^()]*)\)", r", \1", text).strip(" \t\"'“”`*_.,").removeprefix("the ")
    if len(text.split()) > _MOST_WORDS:
        return None
    parts = [part.strip() for part in re.split(r"[,，、:;/|]|\s[-–—]\s", text) if part.strip()]
    if len(parts) < 2 and (code := gazetteer.country(text)):
        return PlaceFound(code, text, None)
    for country, city in _halves(text, parts):
        # "it is" holds no Italy.
        is_name = len(country) > 3 or country.isupper() or not country.isascii()
        code = gazetteer.country(country) if is_name else None
        if code and gazetteer.resolve(city, code):
            return PlaceFound(code, country, city)
    if not parts or not _looks_like_name(parts[0]):
        return None
    if len(parts) > 1 and (code := gazetteer.country(parts[-1])):
        return PlaceFound(code, parts[-1], parts[0])
    place = gazetteer.resolve(text) if len(text) >= 3 or not text.isascii() else None
    if place and (place.population >= _LARGE_TOWN or len(parts) > 1):
        return PlaceFound(place.country, None, parts[0])
    return None


def _looks_like_name(text: str) -> bool:
    words = text.split()
    return len(words) <= 3 and not any(word[0].islower() for word in (words[0], words[-1]))


def _halves(text: str, parts: list[str]) -> Iterator[tuple[str, str]]:
    """(country, town) in either order, where the text may be cut in two."""
    if len(parts) > 1:
        yield parts[-1], parts[0]
        yield parts[0], parts[-1]
        return
    for cut in re.finditer(r"[-\s]", text):
        before, after = text[: cut.start()], text[cut.end() :]
        yield after, before
        yield before, after


def place_abroad(text: str, gazetteer: Gazetteer) -> PlaceFound | None:
    """The first country, and a town of it, in running text of another language than English."""
    if _ENGLISH.search(text):
        return None
    words = re.findall(r"[^\W\d_][\w'’.-]*", text)[:_MOST_FOREIGN_WORDS]
    phrases = [
        " ".join(words[start : start + length]).rstrip(".")
        for start in range(len(words))
        for length in (3, 2, 1)
        if len(words[start]) > 3 or not words[start].isascii()
    ]
    for run in _WITHOUT_SPACES.findall(text)[:_MOST_FOREIGN_WORDS]:
        phrases += [
            run[start : start + length] for start in range(len(run)) for length in (5, 4, 3, 2)
        ]
    names = [re.sub(r"^[dl]['’]", "", phrase) for phrase in phrases if not phrase[0].islower()]
    found = next(((code, name) for name in names if (code := gazetteer.country(name))), None)
    if found is None:
        return None
    code, country = found
    towns = (name for name in names if name != country and gazetteer.country(name) is None)
    city = next((name for name in towns if gazetteer.resolve(name, code)), None)
    return PlaceFound(code, country, city)


def _committed(sentence: str, gazetteer: Gazetteer) -> PlaceFound | None:
    if not (_SUBJECT.search(sentence) and _COMMITMENT.search(sentence)):
        return None
    for match in _country_names(gazetteer).finditer(sentence):
        before = sentence[: match.start()]
        if _EXAMPLE.search(before) or _NEGATION.search(before):
            continue
        code = gazetteer.country(match.group())
        if code is None:
            continue
        name = match.group()
        city = _town_before(before, name, gazetteer) or _town_near(sentence, name, gazetteer)
        # "Savannah, Georgia": the state and not the country, if the town says so.
        place = gazetteer.resolve(city, name) if code == "GE" else None
        return PlaceFound(place.country if place else code, name, city)
    return _town_alone(sentence, gazetteer)


def _town_before(before: str, country: str, gazetteer: Gazetteer) -> str | None:
    """The town in "Town, Country" or "Town, Region, Country"."""
    match = re.search(rf"({_NAME})(?:,\s*[^,.;]{{2,40}})?,\s*(?:the\s+)?$", before)
    if match and gazetteer.resolve(match.group(1), country):
        return match.group(1)
    return None


def _town_near(sentence: str, country: str, gazetteer: Gazetteer) -> str | None:
    for match in _TOWN_CUE.finditer(sentence):
        name = match["name"].rstrip(".'’-").removesuffix("'s").removesuffix("’s")
        if gazetteer.country(name) is None and len(name) > 2 and gazetteer.resolve(name, country):
            return name
    return None


def _town_alone(sentence: str, gazetteer: Gazetteer) -> PlaceFound | None:
    """A large town named with no country, or with its region ("Phoenix, Arizona")."""
    for match in _TOWN_CUE.finditer(sentence):
        before = sentence[: match.start("name")]
        if _EXAMPLE.search(before) or _NEGATION.search(before):
            continue
        region = re.match(rf",\s*({_NAME})", sentence[match.end() :])
        name = match["name"].rstrip(".'’-")
        place = gazetteer.resolve(f"{name}, {region.group(1)}" if region else name)
        if place and place.population >= _LARGE_TOWN and fold(place.name).startswith(fold(name)):
            return PlaceFound(place.country, None, name)
    return None


@lru_cache(maxsize=2)
def _country_names(gazetteer: Gazetteer) -> re.Pattern[str]:
    """English names of countries, the longest first, as words of their own."""
    codes = [code for code in gazetteer.countries() if code not in _NOT_IN_PROSE]
    names = sorted({*map(gazetteer.country_name, codes), *_MORE_NAMES}, key=len, reverse=True)
    listed = "|".join(
        f"{_PART_OF_CONTINENT}{name}" if name == "America" else re.escape(name) for name in names
    )
    return re.compile(rf"{_NOT_BEFORE}(?:{listed})(?!\w)")


def list_items(text: str) -> Iterator[str]:
    """Items of numbered and bulleted lists, in order."""
    for match in re.finditer(r"^[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+(.+)$", text, re.MULTILINE):
        yield match.group(1).strip(" *_")
