"""How tables, atlases and people write a country: brackets, commas, abbreviations, official forms.

"Congo [DRC]", "Egypt, Arab Rep.", "S. Sudan", "Korea (South)", "Guam, USA", "捷克共和国".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain

from georay.core.country_aliases import CLAIMED
from georay.core.country_names_more import SPORTS_CODES
from georay.core.names import fold

_LONGEST_NAME = 200
_MOST_PARTS = 6
_BRACKETS = re.compile(r"[(\[（【{](.*?)[)\]）】}]")
_SEPARATORS = re.compile(r"\s*[,،，、;:/|]\s*|\s+[-–—=]\s+|\s*\n\s*|\s+(?:aka|a\.k\.a\.)\s+")
_ARTICLE = re.compile(r"^the\s+", re.IGNORECASE)
_BESIDE = re.compile(
    r"\b(?:former(?:ly)?|now|ex|previously|officially|also|called|known as|see|part of|the|of|an?|"
    r"states?|province|territory|region|country|nation|island|overseas|department|dependency|"
    r"constituent|autonomous|district|possession|mainland|administered by)\b[\s:-]*",
    re.IGNORECASE,
)
_A_REGION = re.compile(r"(?:U\.?S\.? |American )?(?:state|province)", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['’ʼ][^\W_]+)*\.?")
_FUNCTION_WORDS = frozenset({"the", "of", "and"})
_ABBREVIATED_TEXT = (
    "afr barb br c dem e eq fed fr gren herz i is isl isls n p pop ppl rep s st sth nth sts ter "
    "terr utd vin w"
)
_ABBREVIATED = frozenset(_ABBREVIATED_TEXT.split())
# Beginnings of the words of official names, folded; "democratic" ones tell the Congos and Koreas.
_DEMOCRATIC_TEXT = (
    "democ demok démoc peoples popul volks демократ народ ديمقراط الديمقراط الشعب "
    "लोकतांत्रिक δημοκρατικ 민주 인민 ludowo demicrat"
)
_DEMOCRATIC = tuple(_DEMOCRATIC_TEXT.split())
_OFFICIAL_TEXT = (
    "republi repubbli repuvli kingdom reino royaume regno konigreich koninkrijk "
    "krolestwo kralovstvi kongerik kungari kralligi reich cumhuriyet rzeczpospolita "
    "commonwealth principa furstentum grand duchy duche duque sultan emirat federa "
    "foderat bundes confeder union state estado etat staat stato islamic islami arab "
    "socialist sozialist plurinational bolivarian cooperative independent former "
    "territor autonom gebiet sonderverwaltung special especial administrati region "
    "республик королевств федерати союз исламск социалист территор улс جمهوريه "
    "الجمهوريه مملكه المملكه دوله سلطنه العربيه الاسلاميه الاتحاديه الاراضي جمهوري "
    "गणराज्य संघीय 공화국 연방 왕국 δημοκρατια βασιλειο island"
)
_OFFICIAL = tuple(_OFFICIAL_TEXT.split())
_OFFICIAL_ABBREVIATIONS = frozenset(["dem", "fed", "ir", "is", "prov", "rb", "rep", "sar", "ras"])
_SMALL_TEXT = (
    "of the de du des da do dos di del della d la le les el l al and e et y i und von der den "
    "van het en"
)
_SMALL = frozenset(_SMALL_TEXT.split())
_HAN_OFFICIAL = re.compile(
    "(?P<start>^(?:中国|中國|中华人民共和国|中華人民共和国|中華人民共和國))|(?P<end>(?:人民|民主|主义|主義|社会|社會|"
    "伊斯兰|伊斯蘭|阿拉伯|联邦|聯邦|共和国|共和國|王国|王國|公国|公國|特别行政区|特別行政區|特別行政区|领土|領土|"
    "自治区|自治區|国|國|민주|인민|공화국|왕국)+$)"
)
_OFFICIAL_START = re.compile(
    r"^(?:ประเทศ|สาธารณรัฐ|ราชอาณาจักร|รัฐ|"
    r"(?:cộng hòa|cộng hoà|vương quốc|nước|dân chủ|nhân dân|liên bang|"
    r"xã hội chủ nghĩa)\s+)+",
    re.IGNORECASE,
)
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_LETTER_OFFSET = 0x1F1E6 - ord("A")


class CountryNames:
    """Names of countries and of their first-level regions -> alpha-2 codes.

    `codes3`: alpha-3 -> alpha-2; `names`: folded name -> code; `phrases`: English name in words ->
    code; `regions`: folded name of a region -> the countries that have one of that name;
    `lone_regions`: those that name nothing else.
    """

    def __init__(
        self,
        codes3: Mapping[str, str],
        names: Mapping[str, str],
        phrases: Mapping[str, str],
        regions: Mapping[str, Sequence[str]],
        lone_regions: Mapping[str, str],
    ) -> None:
        self._code_of_code = dict(codes3) | {code: code for code in codes3.values()}
        self._code_of_name = names
        self._phrases = phrases
        self._regions = regions
        self._lone_regions = lone_regions

    def named(self, name: str) -> str | None:
        """The code of exactly this name, whatever its case and accents; no codes, no regions."""
        return self._code_of_name.get(fold(name))

    def items(self) -> Iterable[tuple[str, str]]:
        """(folded name, code) of every name."""
        return self._code_of_name.items()

    def region_countries(self, name: str) -> Sequence[str]:
        """The countries that have a first-level region of this name."""
        return self._regions.get(fold(name), ())

    def code(self, name: str) -> str | None:
        """The code of the one country that a text names, itself or by a part of it, else None."""
        if not name or len(name) > _LONGEST_NAME:
            return None
        if code := self._by_code(name):
            return code
        # "S. Sudan" is not the Sudan that Ganda spells with two S.
        cut_short = self._in_other_words(name) if "." in name else None
        return cut_short or self.named(name) or self._read(name.strip())

    def _by_code(self, name: str) -> str | None:
        bare = name.strip().replace(".", "")
        if not (len(bare) <= 3 and bare.isascii() and bare.isalpha()):
            return None
        if bare.istitle() and (code := self.named(bare)):
            return code
        code = self._code_of_code.get(bare.upper())
        # "n/a" and "N.A." say nothing; only the code itself is Namibia.
        if code and (code != "NA" or name.strip() == "NA"):
            return code
        return SPORTS_CODES.get(bare)

    def _read(self, text: str) -> str | None:
        if code := self._one_name(text):
            return code
        inside = [part.strip() for part in _BRACKETS.findall(text) if part.strip()]
        outside = _BRACKETS.sub(" ", text).strip()
        if inside and outside:
            return self._bracketed(outside, inside[0])
        parts = [part for part in _SEPARATORS.split(text) if part][:_MOST_PARTS]
        if len(parts) > 1:
            return self._of_parts(parts)
        if len(parts) == 1 and parts[0] != text:
            return self.code(parts[0])
        return self._lone_regions.get(fold(_ARTICLE.sub("", text)))

    def _one_name(self, text: str) -> str | None:
        """The text read as one name: as it is, abbreviated, or in its official form."""
        bare = _ARTICLE.sub("", text)
        return (
            self.named(text)
            or self.named(bare)
            or self._in_other_words(bare)
            or self._unofficial(bare)
            or self._flag(text)
        )

    def _bracketed(self, outside: str, inside: str) -> str | None:
        """ "Guinea (Bissau)" is one name; "China (Taiwan)" is what stands in brackets."""
        if _A_REGION.fullmatch(inside) and (countries := self.region_countries(outside)):
            return countries[0]
        beside = _BESIDE.sub(" ", inside).strip()
        for joined in (f"{inside} {outside}", f"{outside} {inside}", f"{beside} {outside}"):
            if code := self.named(joined):
                return code
        outer, inner = self.code(outside), self.code(inside) or self.code(beside)
        if outer is None or inner is None:
            return outer or inner
        return outer if outer in CLAIMED.get(inner, ()) else inner

    def _of_parts(self, parts: Sequence[str]) -> str | None:
        """ "Sydney, Australia"; of two countries the one that lies in the other, else none."""
        if code := self.named(" ".join(reversed(parts))):
            return code
        codes = [self.code(part) for part in parts]
        known = [code for code in dict.fromkeys(codes) if code]
        if len(known) < 2:
            return known[0] if known else None
        first, last = known[0], known[-1]
        if last in CLAIMED.get(first, ()):
            return last
        if first in CLAIMED.get(last, ()):
            return first
        # "Georgia, USA" names the region; "Mexico, Missouri" a town in one.
        is_region = last in self.region_countries(parts[0]) or (
            self.named(parts[-1]) is None and bool(self.region_countries(parts[-1]))
        )
        return last if is_region else None

    @cached_property
    def _bags(self) -> dict[tuple[str, ...], str]:
        """The words of every English name, in the order of the alphabet -> code."""
        bags: dict[tuple[str, ...], str] = {}
        for phrase, code in self._phrases.items():
            bags.setdefault(tuple(sorted(word for word, _ in _words(phrase))), code)
        return bags

    @cached_property
    def _bags_with(self) -> dict[str, list[tuple[str, ...]]]:
        """A word -> the bags it is in."""
        bags: dict[str, list[tuple[str, ...]]] = {}
        for bag in self._bags:
            for word in set(bag):
                bags.setdefault(word, []).append(bag)
        return bags

    def _in_other_words(self, text: str) -> str | None:
        """ "Congo, Dem. Rep.": the words of one English name in any order, cut short or whole."""
        words = _words(text) if fold(text).isascii() else []
        if not 2 <= len(words) <= 10:
            return None
        if code := self._bags.get(tuple(sorted(word for word, _ in words))):
            return code
        if not any(is_short for _, is_short in words):
            return None
        whole = max((word for word, is_short in words if not is_short), key=len, default="")
        bags = self._bags_with.get(whole, ()) if whole else self._bags
        codes = {self._bags[bag] for bag in bags if _abbreviates(words, bag)}
        return codes.pop() if len(codes) == 1 else None

    def _unofficial(self, text: str) -> str | None:
        """The name without "Republic of" and the like, in the languages that have such words."""
        rest, is_democratic = _without_official_words(text)
        code = self.named(rest) if rest else None
        if code and is_democratic:
            return {"CG": "CD", "KR": "KP"}.get(code, code)
        return code

    def _flag(self, text: str) -> str | None:
        flag = _FLAG.search(text)
        letters = "".join(chr(ord(c) - _LETTER_OFFSET) for c in flag.group()) if flag else ""
        return self._code_of_code.get(letters)


def _words(text: str) -> list[tuple[str, bool]]:
    """(folded word, whether it is cut short) of every word that is no "of", "the" or "and"."""
    found = _WORD.findall(re.sub(r"\b([A-Za-z])\.(?=[A-Za-z]\.)", r"\1", text))
    words = [(fold(word), word.endswith(".")) for word in found]
    return [
        (word, cut or word in _ABBREVIATED)
        for word, cut in words
        if word and word not in _FUNCTION_WORDS
    ]


def _abbreviates(words: Sequence[tuple[str, bool]], bag: tuple[str, ...]) -> bool:
    """Whether every word is one of the bag's, or begins it where it is cut short."""
    left = list(bag)
    if len(left) != len(words):
        return False
    for word, is_short in sorted(words, key=lambda each: (each[1], -len(each[0]))):
        fitting = [each for each in left if each == word or (is_short and _begins(each, word))]
        if not fitting:
            return False
        left.remove(fitting[0])
    return True


def _begins(word: str, short: str) -> bool:
    """ "rep" begins "republic"; "utd" and "sts" are contractions of "united" and "states"."""
    letters = iter(word)
    is_contraction = (
        len(short) > 1
        and word[0] == short[0]
        and word[-1] == short[-1]
        and all(letter in letters for letter in short)
    )
    return word.startswith(short) or is_contraction


def _without_official_words(text: str) -> tuple[str, bool]:
    """What is left of an official name, nothing where it is none; whether it was "democratic"."""
    if (bare := _HAN_OFFICIAL.sub("", text)) != text or (
        bare := _OFFICIAL_START.sub("", text)
    ) != text:
        return bare, any(word in text for word in ("民主", "민주", "인민", "dân chủ"))
    words = [(word, fold(word)) for word in _WORD.findall(text)]
    kept = [word for word, folded in words if not _is_official(folded)]
    if len(kept) == len(words):
        return "", False
    is_democratic = any(folded == "dem" or folded.startswith(_DEMOCRATIC) for _, folded in words)
    rest = [word for word in kept if fold(word) not in _SMALL]
    return " ".join(chain(rest)), is_democratic


def _is_official(folded: str) -> bool:
    return folded in _OFFICIAL_ABBREVIATIONS or folded.startswith((*_OFFICIAL, *_DEMOCRATIC))
