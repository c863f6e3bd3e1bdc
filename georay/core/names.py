"""Normalises names of places, so that script, case and accents do not matter in comparisons."""

import re
import unicodedata
from hashlib import blake2b

# Letters that Unicode does not decompose into a base letter and an accent.
_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ı": "i",
        "ŋ": "n",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ə": "a",
        "ŧ": "t",
        "ʻ": "",
        "ʼ": "",
        "ة": "ه",
        "ى": "ي",
        "ی": "ي",
        "ک": "ك",
    }
)
# Accents of the Latin, Greek and Cyrillic scripts, Hebrew points and Arabic vowel signs.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]+")
_ABBREVIATION = re.compile(r"\b(?:st|ste|mt|ft)\b")
_FULL_WORDS = {"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort"}
_NOT_ASCII_WORD = re.compile(r"[^a-z0-9]+")


def fold(name: str) -> str:
    """The name without case, accents, spaces and punctuation, `St.` and its like written out.

    Two spellings of one name have one fold: `fold("SAINT-ÉTIENNE") == fold("St. Etienne")`. Vowel
    signs of Indic scripts stay, because without them different names would meet.
    """
    if name.isascii():
        return _NOT_ASCII_WORD.sub("", _written_out(name.lower()))
    plain = unicodedata.normalize("NFKD", name.casefold()).translate(_LETTERS)
    plain = _written_out(_ACCENTS.sub("", plain))
    if plain.isascii():
        return _NOT_ASCII_WORD.sub("", plain)
    return "".join(c for c in plain if c.isalnum() or unicodedata.category(c)[0] == "M")


def _written_out(lowered: str) -> str:
    return _ABBREVIATION.sub(lambda word: _FULL_WORDS[word.group()], lowered)


def name_key(folded: str) -> int:
    """A 48-bit key of a folded name: small enough to store a million names in a few megabytes."""
    return int.from_bytes(blake2b(folded.encode("utf-8", "replace"), digest_size=6).digest())
