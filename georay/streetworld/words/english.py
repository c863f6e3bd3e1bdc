"""Small repairs of sentences that are put together from parts."""

import re

_A_BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeioAEIO])")


def with_articles(text: str) -> str:
    """The text with "an" where "a" stands before a vowel: colours and things vary."""
    return _A_BEFORE_VOWEL.sub(r"\1n ", text)
