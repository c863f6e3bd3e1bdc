"""Recognises the columns of a list by the names that people give them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from georay.core.tables import TERMS

ALIASES = {
    "uri": (
        "uri", "file", "path", "image", "filename", "filepath", "img", "imagepath", "imgpath",
        "imagefile", "imagefilename", "imagename", "imgname", "photo", "picture", "url",
    ),
    "latitude": ("latitude", "lat", "gpslatitude", "gpslat"),
    "longitude": ("longitude", "lon", "lng", "long", "gpslongitude", "gpslon", "gpslng"),
    "country": ("country", "countryname", "countrycode"),
    "city": ("city", "town", "cityname"),
    "heading": ("heading", "bearing", "compassangle"),
    "source": ("source", "provider"),
    "licence": ("licence", "license"),
    "attribution": ("attribution", "credit", "credits"),
}  # fmt: skip
"""Names of each column of INPUTS, the likeliest first; case, blanks and signs do not count."""


@dataclass(frozen=True)
class Columns:
    """The position of each column that is used, by what it says, and the names of the others."""

    used: dict[str, int]
    unused: tuple[str, ...]


_HOLDS = {
    "uri": "names of files: write its pictures out as files, and name those",
    "country": "text",
    "city": "text",
}


def choose_columns(
    names: Sequence[str], misfit: Callable[[str, int], str | None], source: str
) -> Columns:
    """What each column of a list says.

    misfit: the type of the column at a position, if it cannot say that. Raises ValueError if no
    column names the files, one holds what it cannot mean, or two have one name.
    """
    used = {}
    for meaning, aliases in ALIASES.items():
        found = [at for at, name in enumerate(names) if _plain(name) in aliases]
        found.sort(key=lambda at: aliases.index(_plain(names[at])))
        misfits = [misfit(meaning, at) for at in found]
        if None in misfits:
            used[meaning] = found[misfits.index(None)]
        elif found and meaning not in TERMS:  # words as usual as these may mean something else
            raise ValueError(
                f"{source}: the column {names[found[0]]!r} holds {misfits[0]}, not "
                f"{_HOLDS.get(meaning, 'numbers')}"
            )
    if "uri" not in used:
        raise ValueError(f"{source}: needs a column `uri` or `file`, found: {', '.join(names)}")
    _refuse_namesakes(names, used, source)
    others = [name for at, name in enumerate(names) if at not in used.values() and name]
    return Columns(used, tuple(others))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _refuse_namesakes(names: Sequence[str], used: dict[str, int], source: str) -> None:
    for at in used.values():
        if list(names).count(names[at]) > 1:
            raise ValueError(
                f"{source}: two columns are called {names[at]!r}; rename or remove one of them"
            )
