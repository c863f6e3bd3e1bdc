"""Writes the `labels.csv` that names licence and attribution of exported pictures."""

import csv
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import TextIO

from georay.core.paths import AnyPath, write_text
from georay.core.tables import TERMS

_LABELS = "labels.csv"


@dataclass(frozen=True, slots=True)
class Credit:
    """The terms of a picture, as its source words them; None where it says nothing."""

    source: str | None = None
    licence: str | None = None
    attribution: str | None = None


UNKNOWN = Credit()


def credit_of(row: Mapping[str, object]) -> Credit:
    """The terms of a sample's picture (row of schema SAMPLES)."""
    told = (row[f"picture_{name}"] for name in TERMS)
    return Credit(*(None if value is None else str(value) for value in told))


class CreditTable:
    """Writes the `labels.csv` of a folder of pictures; no file where no terms are known."""

    def __init__(self, folder: AnyPath) -> None:
        self._folder = folder
        self._file: TextIO | None = None

    def add(self, name: str, credit: Credit) -> None:
        """name: the picture's, from the folder."""
        if credit == UNKNOWN:
            return
        if self._file is None:
            self._file = write_text(self._folder / _LABELS)
            csv.writer(self._file).writerow(("file", *TERMS))
        csv.writer(self._file).writerow((name, *astuple(credit)))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
