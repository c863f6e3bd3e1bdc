"""Matches names of one file in different spellings: Unicode forms, case, backslashes."""

import os
import unicodedata
from collections.abc import Iterable

from georay.core.storage import LocalAddress


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _without_case(name: str) -> str:
    return _composed(_composed(name).casefold())


# The closer spelling first; the looser one counts only where no closer one is there.
_FORMS = (_composed, _without_case)


class Names:
    """Finds the one name among many that another spelling means."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_form: tuple[dict[str, str | None], ...] = tuple({} for _ in _FORMS)
        for name in names:
            for form, known in zip(_FORMS, self._by_form, strict=True):
                key = form(name)
                known[key] = name if known.get(key, name) == name else None

    def find(self, name: str) -> str | None:
        """The only name that is meant; None if there is none, or several."""
        for spelling in dict.fromkeys((name, with_slashes(name))):
            for form, known in zip(_FORMS, self._by_form, strict=True):
                if (key := form(spelling)) in known:
                    return known[key]
        return None


def is_respelt(name: str, found: str) -> bool:
    """Whether two spellings differ by more than the form of their Unicode."""
    return _composed(name) != _composed(found)


def with_slashes(name: str) -> str:
    """The name as it would be had its folders been written on another system."""
    return name.replace("\\", "/").replace("/./", "/")


class LocalFiles:
    """Files of this machine by names that may be spelt otherwise; each folder is read once."""

    def __init__(self) -> None:
        self._names: dict[str, Names] = {}

    def find(self, address: LocalAddress) -> LocalAddress:
        """The file as its folder spells it, or the address as it is where no file is meant."""
        found = self._find(address.path) or self._find(with_slashes(address.path))
        return LocalAddress(found) if found else address

    def _find(self, path: str) -> str | None:
        if os.path.lexists(path):
            return path
        folder, _, name = path.rstrip("/").rpartition("/")
        if not folder or (there := self._find(folder)) is None:
            return None
        if there not in self._names:
            self._names[there] = Names(_names_in(there))
        found = self._names[there].find(name)
        return f"{there}/{found}" if found else None


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  # Path would make objects of them
    except OSError:
        return []
