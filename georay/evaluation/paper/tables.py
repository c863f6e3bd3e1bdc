"""Tables 1 to 6 in the paper's form: what is quoted, and below it what was run here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from georay.core.gazetteer import Gazetteer
from georay.core.geo import distance_km
from georay.evaluation.inputs.truth import Truth
from georay.evaluation.intervals import Figure, share
from georay.evaluation.metrics import Measuring, is_within
from georay.evaluation.paper.inconsistencies import Inconsistency, inconsistencies
from georay.evaluation.paper.quoted import QuotedTable, Value, the_paper
from georay.evaluation.paper.rows import MeasuredRow, RowFiles, run_row

_FLOOR = "the closest town's centre (no name can do better)"


@dataclass(frozen=True)
class TableRow:
    """origin: "quoted" from the paper, or "run here"."""

    name: str
    origin: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class PaperTable:
    """One table. notes: where its figures come from, and what they leave open."""

    number: int
    title: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PaperTables:
    """The tables asked for, and what in the paper does not fit together."""

    source: str
    tables: tuple[PaperTable, ...]
    inconsistencies: tuple[Inconsistency, ...]

    def as_markdown(self) -> str:
        """Tables that line up to be read as plain text too, and the findings below."""
        lines = [f"Quoted rows: {self.source}.", ""]
        for table in self.tables:
            lines += [f"### Table {table.number}. {table.title}", "", *_grid(table), ""]
            lines += [*(f"- {note}" for note in table.notes), ""]
        lines += ["### What does not fit together in the paper", ""]
        lines += [f"- {one.told}" for one in self.inconsistencies]
        return "\n".join(lines) + "\n"

    def to_json(self) -> dict[str, object]:
        """Everything, as JSON has it."""
        return asdict(self)


_TITLES = {
    1: "Countries and cities: comparison with other models",
    2: "Countries and cities: ablation of the two stages",
    3: "Im2GPS: shares within a distance",
    4: "Im2GPS3k: shares within a distance",
    5: "Settings of training",
    6: "Speed and size of training and inference",
}


def paper_tables(
    numbers: Iterable[int],
    rows: Sequence[RowFiles],
    truths: Mapping[int, Truth],
    measuring: Measuring,
) -> PaperTables:
    """The tables of these numbers with the rows that were run here.

    truths: by the number of a table, its test set: the truth of its rows, and of Tables 3 and 4
    what they can be held against. Raises ValueError as `run_row` does.
    """
    ran: dict[int, list[MeasuredRow]] = {number: [] for number in _TITLES}
    for row in rows:
        ran[row.number] += run_row(row, truths, measuring)
    floors = {number: _floor(truths[number], measuring) for number in (3, 4) if number in truths}
    paper = the_paper()
    tables = [_table(paper.tables[number], ran[number], floors.get(number)) for number in numbers]
    reached = {number: floor["1 km"].value or 0.0 for number, floor in floors.items()}
    return PaperTables(paper.source, tuple(tables), tuple(inconsistencies(paper, reached)))


def _table(
    quoted: QuotedTable, ran: Sequence[MeasuredRow], floor: Mapping[str, Figure] | None
) -> PaperTable:
    if quoted.number == 5:
        return _settings_table(quoted, ran)
    rows = [
        TableRow(name, "quoted", tuple(map(_printed, values, quoted.columns)))
        for name, values in quoted.rows.items()
    ]
    rows += [
        TableRow(one.name, "run here", tuple(one.cells.get(c, "-") for c in quoted.columns))
        for one in ran
    ]
    if floor is not None:
        cells = tuple(floor[column].as_text() for column in quoted.columns)
        rows.append(TableRow(_FLOOR, "run here", cells))
    columns = tuple(column.replace("_", " ") for column in quoted.columns)
    return PaperTable(
        quoted.number, _TITLES[quoted.number], columns, tuple(rows), _notes(quoted, ran)
    )


def _settings_table(quoted: QuotedTable, ran: Sequence[MeasuredRow]) -> PaperTable:
    """Settings down, the paper and each recipe across."""
    rows = [
        TableRow(name, "quoted", (_printed(values[0], ""), *(one.cells[name] for one in ran)))
        for name, values in quoted.rows.items()
    ]
    columns = ("paper", *(f"{one.name} (run here)" for one in ran))
    return PaperTable(5, _TITLES[5], columns, tuple(rows), _notes(quoted, ran))


def _notes(quoted: QuotedTable, ran: Sequence[MeasuredRow]) -> tuple[str, ...]:
    here = [f"{one.name}: {source}" for one in ran for source in dict.fromkeys(one.sources)]
    return (f"Quoted from {quoted.where}.", *(here or ["No row was run here."]))


def _printed(value: Value, column: str) -> str:
    """With the paper's own decimals."""
    if isinstance(value, str):
        return value
    if column.endswith(("_accuracy", "_f1")):
        return f"{value:.4f}"
    return f"{value:.2f}" if column.endswith(("_recall", "km")) else f"{value:g}"


def _floor(truth: Truth, measuring: Measuring) -> dict[str, Figure]:
    """Shares of a test set's images that the closest town's centre is near enough to."""
    latitude, longitude = (
        truth.table.column(f"true_{name}").to_numpy().astype(np.float64)
        for name in ("latitude", "longitude")
    )
    known = ~(np.isnan(latitude) | np.isnan(longitude))
    latitude, longitude = latitude[known], longitude[known]
    towns = Gazetteer.load().nearest_of_each(latitude, longitude)
    far = distance_km(latitude, longitude, towns.latitude, towns.longitude, measuring.formula)
    return {
        f"{km:g} km": share(int(is_within(far, km, measuring).sum()), len(far))
        for km in (1.0, 25.0, 750.0)
    }


def _grid(table: PaperTable) -> list[str]:
    heads = ("", "", *table.columns)
    body = [(row.name, row.origin, *row.cells) for row in table.rows]
    widths = [max(len(line[at]) for line in (heads, *body)) for at in range(len(heads))]
    rule = tuple("-" * max(3, width) for width in widths)
    return [
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in (heads, rule, *body)
    ]
