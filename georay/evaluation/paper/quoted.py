"""What the paper prints, from the file of quotations in this package."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("quoted.json")

Value = float | str


@dataclass(frozen=True)
class QuotedTable:
    """One table of the paper. where: its number and section. num_images: of the test set."""

    number: int
    where: str
    columns: Sequence[str]
    rows: Mapping[str, Sequence[Value]]
    num_images: int | None = None

    def number_in(self, row: str, column: str) -> float:
        """A figure, by the names of its row and column."""
        value = self.rows[row][list(self.columns).index(column)]
        assert not isinstance(value, str), f"{row}, {column} is a text"
        return float(value)


@dataclass(frozen=True)
class Claim:
    """A sentence that `subject` is `percent` better than `other` by a column of Table 1."""

    where: str
    subject: str
    other: str
    column: str
    percent: float


@dataclass(frozen=True)
class Paper:
    """All that is quoted. exact_parameters: counts by their column of Table 6.

    same_rows: rows of Table 1 and Table 2 that are about one model.
    """

    source: str
    tables: Mapping[int, QuotedTable]
    claims: Sequence[Claim]
    exact_parameters: Mapping[str, int]
    same_rows: Sequence[tuple[str, str]]


@cache
def the_paper() -> Paper:
    """The quotations, read once."""
    content = json.loads(_FILE.read_text(encoding="utf-8"))
    tables = {number: QuotedTable(number, **content[str(number)]) for number in range(1, 7)}
    return Paper(
        source=content["source"],
        tables=tables,
        claims=[Claim(**claim) for claim in content["claims"]],
        exact_parameters={k: v for k, v in content["exact_parameters"].items() if k != "where"},
        same_rows=[(first, second) for first, second in content["same_rows"]],
    )
