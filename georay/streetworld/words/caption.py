"""Plain captions: what is seen, never where."""

from georay.streetworld.canvas.setting import Kind, Setting, Weather
from georay.streetworld.words.english import with_articles

_KINDS: dict[Kind, str] = {
    "street": "A town street",
    "suburb": "A residential street",
    "road": "A country road",
    "coast": "A seaside road",
    "tunnel": "The inside of a road tunnel",
    "wall": "A plain wall close to the camera",
    "forest": "A forest",
    "fog": "A road that disappears in fog",
    "field": "An empty field",
}
_WEATHERS: dict[Weather, str] = {
    "clear": "on a sunny day",
    "hazy": "on a hazy day",
    "overcast": "under an overcast sky",
    "golden": "in low evening sun",
    "dusk": "at dusk",
    "rain": "in the rain",
}


def caption_of(setting: Setting) -> str:
    """One sentence about the scene that names no country and no city."""
    subject = _KINDS[setting.kind]
    seen = list(dict.fromkeys(setting.features))[:4]
    with_them = f" with {_listed(seen)}" if seen else ""
    when = "" if setting.kind == "tunnel" else f" {_WEATHERS[setting.weather]}"
    return with_articles(f"{subject}{with_them}{when}.")


def _listed(words: list[str]) -> str:
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} and {words[-1]}"
