"""Places and refusals in running text: which sentence commits itself, and to what."""

import re
from collections.abc import Iterator
from dataclasses import replace

from georay.core.addresses import PlaceFound, read_address
from georay.core.gazetteer import Gazetteer
from georay.core.names import fold
from georay.core.place_mentions import Mention, mentions

_SENTENCE_END = re.compile(
    r"(?<=[.!?])(?<!\bSt\.)(?<!\bU\.S\.)(?<!e\.g\.)(?<!i\.e\.)\s+|\n+|"
    r";\s+(?=(?:i|my|we|so|therefore|most likely|probably)\b)|"
    r",?\s+(?=(?:but (?:i|it|my|the|this|we|most|more|then|now)|although|though|however)\b)",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"\b(?:i|we|me|us|my|location|image|photo\w*|picture|scene|street|place|guess|answer|it|this|"
    r"coordinates|setting|analysis|conclusion|view|country|city|looks|suggests?|indicates?|"
    r"points?|plates?|resembles)\b|"
    r"^\W*(?:(?:could|may|might|must) be|either|between|(?:most )?likely|prob\w+|possibly)\b",
    re.IGNORECASE,
)
_COMMITMENT = re.compile(
    r"\b(?:guess\w*|belie\w+|likely|probab\w+|possibl[ey]|estimat\w+|conclu\w+|suggest\w*|"
    r"speculat\w+|"
    r"(?:c|w)ould be|may be|might be|appears|seems|from|(?:is|was|be) (?:in|at|near|from|taken)|"
    r"depict\w*|lean\w*|plac(?:e|es|ing)|deduc\w+|infer\w*|inclined|confiden\w+|narrow\w*|falls?|"
    r"lies|located|situated|taken|candidate|answer|exists|correspond\w*|it'?s|this is|looks like|"
    r"(?:country|city|place|answer) is|say|chance|it is|shows?|pictured|indicat\w+|points? to|"
    r"must be|resembl\w+|go(?:ing)? with|pick|choose|opt for|settle (?:on|for)|bet on|vote for|"
    r"(?:so|therefore|hence|thus),? (?:the )?(?-i:[A-Z])\w+)\b",
    re.IGNORECASE,
)
# Of several sentences that name a place, the first that draws a conclusion is the answer.
_CONCLUSION = re.compile(
    r"\b(?:guess|belie(?:f|ve)|conclu\w+|estimat\w+|deduc\w+|infer|inclined|lean|speculate|answer|"
    r"confiden\w+|my best|go(?:ing)? with|pick|choose|opt for|settle (?:on|for)|bet on|vote for|"
    r"i(?:'d| would|'ll| might)? (?:say|suggest|place|think))\b",
    re.IGNORECASE,
)
# Of several places in one sentence, the one behind such a word is the answer.
_DECISION = re.compile(
    r"\b(?:go(?:ing)? with|pick|choose|opt for|settle (?:on|for)|bet on|vote for|"
    r"(?:so|therefore|hence|thus|most likely)(?:,? (?:it is|it's|this is|i'd say|i guess|in))?"
    r"(?= (?:the )?(?-i:[A-Z])))\b",
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
    r"\b(?:not|isn['’]t|rather than|rule[sd]? out|instead of|"
    r"unlikely)\b(?:(?!\bbut\b)[^,;]){0,30}$|"
    r"\b(?:can ?not|can['’]t|unable to|impossible to|hard to|difficult to|not sure|"
    r"unsure)\b[^.;]{0,40}"
    r"\b(?:if|whether)\b[^.;]*$",
    re.IGNORECASE,
)
_AMERICAN = re.compile(
    r"\b(?:U\.?S\.?A?|United States|American?|state of|southern states?|southeastern)\b"
)
_NAME = (
    r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’.-]*"
    r"(?:[ -](?:(?:de|del|la|las|los|el|do|da|dos|di|du|le|of|the|am|an|upon)[ -]){0,2}"
    r"[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’.-]*){0,4}"
)
_TOWN_CUE = re.compile(
    rf"\b(?:in|near|at|(?:city|town) of|from|around|be|is|to|as|like|with|either|maybe|perhaps|"
    rf"possibly|likely|probably)"
    rf"\s+(?:the\s+)?(?:\w+\s+){{0,2}}?(?P<name>{_NAME})"
)
_LARGE_TOWN = 100_000
_LONGEST_SENTENCE = 600


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


def _committed(sentence: str, gazetteer: Gazetteer) -> PlaceFound | None:
    if not (_SUBJECT.search(sentence) and _COMMITMENT.search(sentence)):
        return None
    decision = _DECISION.search(sentence)
    named = list(mentions(sentence, gazetteer))
    decided = [one for one in named if decision and one.start >= decision.end()]
    for mention in decided + named:
        before = sentence[: mention.start]
        if _EXAMPLE.search(before) or _NEGATION.search(before):
            continue
        if place := _place_of(mention, sentence, gazetteer):
            return place
    return _town_alone(sentence, gazetteer)


def _place_of(mention: Mention, sentence: str, gazetteer: Gazetteer) -> PlaceFound | None:
    name = mention.name
    place = read_address([name, mention.following], gazetteer) if mention.following else None
    if place and (place.city or place.country_text != name):
        return _with_town(place, mention, sentence, gazetteer)
    if mention.is_town:
        town = gazetteer.resolve(name)
        return PlaceFound(town.country, None, name) if town else None
    countries = gazetteer.region_countries(name)
    code = gazetteer.country(name) or next(iter(countries), None)
    if code is None:
        return None
    before, where = sentence[: mention.start], name if gazetteer.country(name) else code
    city = _town_before(before, where, gazetteer) or _town_near(sentence, where, gazetteer)
    # "Savannah, Georgia": the state and not the country, if the town says so, or the sentence.
    if code not in countries and "US" in countries:
        town = gazetteer.resolve(city, name) if city else None
        is_state = town.country == "US" if town else bool(_AMERICAN.search(sentence))
        return PlaceFound("US" if is_state else code, name, city)
    return PlaceFound(code, name, city)


def _with_town(
    place: PlaceFound, mention: Mention, sentence: str, gazetteer: Gazetteer
) -> PlaceFound:
    """The place with the town before it ("Geelong, Victoria, Australia"), else with one nearby."""
    if place.country is None:
        return place
    if town := _town_before(sentence[: mention.start], place.country, gazetteer):
        return replace(place, city=town)
    return replace(place, city=place.city or _town_near(sentence, place.country, gazetteer))


def _town_before(before: str, country: str, gazetteer: Gazetteer) -> str | None:
    """The town in "Town, Country", "Town, Region, Country" or "Town in Country"."""
    match = re.search(
        rf"({_NAME})(?:,\s*[^,.;]{{2,40}})?(?:,|\s+in)\s*(?:the\s+(?:state\s+of\s+)?)?$", before
    )
    words = match.group(1).split() if match else []
    # "It's Vancouver" begins with no town.
    names = (" ".join(words[start:]) for start in range(len(words)))
    return next((name for name in names if gazetteer.resolve(name, country)), None)


def _town_near(sentence: str, country: str, gazetteer: Gazetteer) -> str | None:
    for match in _TOWN_CUE.finditer(sentence):
        name = match["name"].rstrip(".'’-").removesuffix("'s").removesuffix("’s")
        if (
            gazetteer.country_named(name) is None
            and len(name) > 2
            and gazetteer.resolve(name, country)
        ):
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


def list_items(text: str) -> Iterator[str]:
    """Items of numbered and bulleted lists, in order, also of those on one line."""
    for match in re.finditer(r"^[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+(.+)$", text, re.MULTILINE):
        item = re.split(r"\s+(?:\d{1,2}[.)]|[•|])\s+", match.group(1))[0]
        yield item.strip(" *_")
