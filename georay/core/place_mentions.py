"""Names of countries and their regions in running text, and what only looks like one.

"Jersey City" is not Jersey, "Panama City, Florida" not Panama, "the Gulf of Mexico" no country.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from georay.core.country_aliases import REGIONS
from georay.core.gazetteer import Gazetteer

_MORE_NAMES_TEXT = (
    "USA|U.S.A.|U.S.|US|UK|U.K.|UAE|England|Scotland|Wales|Northern Ireland|America|Holland|"
    "Czech Republic|Türkiye|Burma|Korea|Bosnia|Macao|Cabo Verde|East Timor|Swaziland|"
    "Bosnia & Herzegovina|Trinidad & Tobago|Congo|DRC|Vatican|Ivory Coast|Great Britain|Britain|"
    "Niger Delta|Mekong Delta|Nile Delta|Bosnia-Herzegovina|DR Congo|Macedonia|Tibet|Crimea|"
    "New England|São Tomé|Inner Mongolia|Russian Federation|Republic of Ireland|Papua|Eswatini"
)
_MORE_NAMES = _MORE_NAMES_TEXT.split("|")
# Names that in English prose are mostly something else.
_NOT_IN_PROSE = frozenset({"JE", "GS", "AQ", "TF"})
# Regions by which people place a town; those of REGIONS come on top.
_MORE_REGIONS_TEXT = (
    "Andhra Pradesh|Arunachal Pradesh|Assam|Bihar|Chhattisgarh|Goa|Gujarat|Haryana|"
    "Himachal Pradesh|Jammu and Kashmir|Jharkhand|Karnataka|Kerala|Ladakh|Madhya Pradesh|"
    "Maharashtra|Manipur|Meghalaya|Mizoram|Nagaland|Odisha|Rajasthan|Sikkim|Tamil Nadu|Telangana|"
    "Tripura|Uttar Pradesh|Uttarakhand|West Bengal|Punjab|Aguascalientes|Baja California|"
    "Baja California Sur|Campeche|Chiapas|Chihuahua|Coahuila|Colima|Durango|Guanajuato|Guerrero|"
    "Hidalgo|Jalisco|Michoacán|Morelos|Nayarit|Nuevo León|Oaxaca|Puebla|Querétaro|Quintana Roo|"
    "San Luis Potosí|Sinaloa|Sonora|Tabasco|Tamaulipas|Tlaxcala|Veracruz|Yucatán|Yucatan|"
    "Zacatecas|Alagoas|Amapá|Amazonas|Bahia|Ceará|Espírito Santo|Goiás|Maranhão|Mato Grosso|"
    "Mato Grosso do Sul|Minas Gerais|Paraná|Paraíba|Pará|Pernambuco|Piauí|Rio Grande do Norte|"
    "Rio Grande do Sul|Rondônia|Roraima|Santa Catarina|Sergipe|Tocantins|Bavaria|Saxony|"
    "Catalonia|Andalusia|Tuscany|Sicily|Sardinia|Lombardy|Brittany|Normandy|Corsica|Flanders|"
    "Wallonia|Hokkaido|Okinawa|Bali|Siberia|Québec"
)
_MORE_REGIONS = _MORE_REGIONS_TEXT.split("|")
_NOT_AFTER = re.compile(
    r"(?:\b(?:gulf|bay|sea|straits?|university|bank|church|battle|lake|mount|mt\.?|port|fort|"
    r"little|new|old|"
    r"royal|queen|king|prince|saint|st\.?|san|santa|point|cape|rio|río|via|rue|calle|plaza)"
    r"(?: of(?: the)?)? |['’-])$",
    re.IGNORECASE,
)
_NAMES_OTHERWISE = re.compile(
    r"\s(?:City|Beach|Creek|River|Delta|Canal|Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Boulevard|"
    r"Lane|Drive|"
    r"Falls|Springs|Heights|Hills?|Park|County|Township|Bay|Lake|Mountains?|Valley|Square|Station|"
    r"Airport|Gulf|Sea|Straits?|Ocean|Shores?|Point|Junction|Grove|Village|Corner|Plain|Center|"
    r"Centre|"
    r"Bridge|Crossing|Harbou?r|House|Hotel|Restaurant|Tower|Wells|Ridge|Woods)\b|"
    r"\s(?:pig|fowl|hen|pepper|grass|rose|balm|shorts|goose|geese|hat|oak|cedar|thistle|nut|cow|"
    r"cattle|spruce|"
    r"maple|pine|palm|poppy)s?\b|"
    r"['’]s (?=[A-Z])",
)
_NEXT = (
    r"(?:,\s*(?:in\s+|and\s+|or\s+)?|\s*\(\s*|\s+in\s+|\s*/\s*|,?\s+(?:or|and)\s+)"
    r"(?:the\s+)?(?:US |U\.S\. )?(?:state of\s+)?"
)
_BEFORE_NAME = r"(?<!\w)(?<!['’-])"
_PART_OF_CONTINENT = r"(?<!North )(?<!South )(?<!Latin )(?<!Central )"
_MORE_WORDS = re.compile(r"(?: [A-Z][\w'’-]*){1,2}")
_LARGE_TOWN = 20_000


@dataclass(frozen=True, slots=True)
class Mention:
    """A country, a region or a town that is named like one, and the name that follows it at once.

    `start`, `stop`: where the whole stands in the text.
    """

    name: str
    following: str | None
    is_town: bool
    start: int
    stop: int


def mentions(text: str, gazetteer: Gazetteer) -> Iterator[Mention]:
    """The places that a text names by a country's or region's name, in their order."""
    names = _names(gazetteer)
    position = 0
    while match := names.search(text, position):
        position = match.end()
        if match.group() not in _KEPT_WHOLE and _NOT_AFTER.search(text[: match.start()]):
            continue
        name, stop, is_town = match.group(), match.end(), False
        if _NAMES_OTHERWISE.match(text, stop):
            town = _town(text, match, gazetteer)
            if town is None:
                continue
            name, stop, is_town = town, match.start() + len(town), True
        following = _following(gazetteer).match(text, stop)
        position = following.end() if following else stop
        yield Mention(name, following and following["name"], is_town, match.start(), position)


_KEPT_WHOLE = frozenset({"New Zealand"})


def _town(text: str, match: re.Match[str], gazetteer: Gazetteer) -> str | None:
    """ "Panama City Beach": the longest town that begins with the name."""
    more = _MORE_WORDS.match(text, match.end())
    words = more.group().split() if more else []
    region = _following(gazetteer)
    for count in range(len(words), 0, -1):
        name = " ".join([match.group(), *words[:count]])
        if region.match(text, match.start() + len(name)):
            return name
        place = gazetteer.resolve(name)
        if place and place.population >= _LARGE_TOWN:
            return name
    return None


@lru_cache(maxsize=2)
def _following(gazetteer: Gazetteer) -> re.Pattern[str]:
    return re.compile(rf"{_NEXT}(?P<name>{_names(gazetteer).pattern})")


@lru_cache(maxsize=2)
def _names(gazetteer: Gazetteer) -> re.Pattern[str]:
    """English names of countries and regions, the longest first, as words of their own."""
    codes = [code for code in gazetteer.countries() if code not in _NOT_IN_PROSE]
    regions = {name for names in REGIONS.values() for name in names if not name.isupper()}
    every = {*map(gazetteer.country_name, codes), *_MORE_NAMES, *regions, *_MORE_REGIONS}
    listed = "|".join(
        f"{_PART_OF_CONTINENT}{name}" if name == "America" else re.escape(name)
        for name in sorted(every, key=len, reverse=True)
    )
    return re.compile(rf"{_BEFORE_NAME}(?:{listed})(?!\w)")
