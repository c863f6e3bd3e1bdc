"""Whose pictures they are: the `labels.csv` beside pictures tells licence and attribution."""

import csv
import os
from dataclasses import dataclass
from functools import lru_cache
from io import TextIOWrapper
from pathlib import Path
from sys import intern

from georay.core.paths import AnyPath, open_output
from georay.core.storage import LocalAddress, parse_address

_LABELS = "labels.csv"
_LEVELS = 4  # folders above a picture in which such a table may lie
_FOLDERS_KEPT = 64


@dataclass(frozen=True, slots=True)
class Credit:
    """The terms of a picture, as its source words them; None where it says nothing."""

    licence: str | None = None
    attribution: str | None = None


UNKNOWN = Credit()


class Credits:
    """Finds the terms of pictures; the tables of few folders are kept in memory."""

    def __init__(self) -> None:
        self._told_in = lru_cache(maxsize=_FOLDERS_KEPT)(_credits)

    def of(self, file: str) -> Credit:
        """The terms of the picture in a file, by the nearest `labels.csv` with a row about it.

        file: a uri of the tables. Of pictures in storage nothing is known: what lies beside them
        is not read.
        """
        address = parse_address(file)
        if not isinstance(address, LocalAddress) or not address.is_text():
            return UNKNOWN
        folder = address.parent
        for _ in range(_LEVELS):
            name = os.path.relpath(address.path, folder.path)
            if (found := self._told_in(folder.path).get(name)) is not None:
                return found
            folder = folder.parent
        return UNKNOWN


class CreditTable:
    """Writes the `labels.csv` of a folder of pictures; no file where nothing is told of any."""

    def __init__(self, folder: AnyPath) -> None:
        self._folder = folder
        self._file: TextIOWrapper | None = None

    def add(self, name: str, credit: Credit) -> None:
        """name: the picture's, from the folder."""
        if credit == UNKNOWN:
            return
        if self._file is None:
            out = open_output(self._folder / _LABELS)
            self._file = TextIOWrapper(out, encoding="utf-8", newline="")
            csv.writer(self._file).writerow(("file", "licence", "attribution"))
        csv.writer(self._file).writerow((name, credit.licence, credit.attribution))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _credits(folder: str) -> dict[str, Credit]:
    """Terms by the picture's name from this folder; empty where no table here tells any."""
    table = Path(folder) / _LABELS
    if not table.is_file():
        return {}
    kept: dict[tuple[str, str], Credit] = {}
    credits: dict[str, Credit] = {}
    with table.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        rows = csv.DictReader(file, skipinitialspace=True)
        if "file" not in (names := rows.fieldnames or ()) or not {"licence", "attribution"} & set(
            names
        ):
            return {}
        for row in rows:
            terms = (row.get("licence") or "", row.get("attribution") or "")
            credit = kept.setdefault(terms, Credit(terms[0] or None, terms[1] or None))
            credits[intern(os.path.normpath(row["file"] or ""))] = credit
    return credits
