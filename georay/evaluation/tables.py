"""Tables of several models side by side, like the paper's Tables 1 and 2 and its Figure 6."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev

from georay.evaluation.intervals import Figure
from georay.evaluation.metrics import Evaluation, Level, LevelScores

LEVELS: tuple[Level, ...] = ("country", "city")
MEASURES = ("accuracy", "recall", "f1", "accuracy_over_all")
HEADS = {
    "accuracy": "Accuracy",
    "recall": "Recall",
    "f1": "F1",
    "accuracy_over_all": "Of all images",
}


@dataclass(frozen=True)
class Cell:
    """A figure over the runs of one row.

    mean: None where any run has no such figure. sd: sample standard deviation, with two runs or
    more. low, high: the 95 % interval over images, with one run.
    """

    mean: float | None
    sd: float | None
    low: float | None
    high: float | None

    def as_text(self) -> str:
        if self.mean is None:
            return "-"
        if self.sd is not None:
            return f"{self.mean:.4f} ± {self.sd:.4f}"
        return f"{self.mean:.4f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class ComparisonRow:
    """One model: its runs (one per seed), and its figures by level and measure."""

    label: str
    evaluations: tuple[Evaluation, ...]
    cells: Mapping[Level, Mapping[str, Cell]]


@dataclass(frozen=True)
class Comparison:
    """Several models, each measured on the predictions files that stand below the table."""

    title: str
    rows: tuple[ComparisonRow, ...]

    def as_markdown(self) -> str:
        """A table per level, aligned to be read as plain text, and the files behind it."""
        tables = [line for level in LEVELS for line in [*_table(self.rows, level), ""]]
        sources = [
            f"- {row.label}: {one.source.as_text()}" for row in self.rows for one in row.evaluations
        ]
        note = (
            "Accuracy counts effective answers, 'Of all images' every one with a known truth. "
            "Brackets: 95 % interval over images; ±: standard deviation over runs. "
            "Predictions files:"
        )
        return "\n".join([f"### {self.title}", "", *tables, note, "", *sources])

    def to_json(self) -> dict[str, object]:
        """Figures by row, level and measure, and the files that each row came from."""
        rows = [
            {
                "label": row.label,
                "figures": {
                    level: {name: asdict(cell) for name, cell in cells.items()}
                    for level, cells in row.cells.items()
                },
                "sources": [asdict(one.source) for one in row.evaluations],
                "num_images": [one.num_images for one in row.evaluations],
            }
            for row in self.rows
        ]
        return {"title": self.title, "rows": rows}


def compare(title: str, runs: Mapping[str, Sequence[Evaluation]]) -> Comparison:
    """A comparison of models, by label, each with the evaluations of its runs.

    Raises ValueError if a model has no run, or the same predictions file twice.
    """
    return Comparison(title, tuple(_row(label, found) for label, found in runs.items()))


def _row(label: str, evaluations: Sequence[Evaluation]) -> ComparisonRow:
    hashes = {one.source.sha256 for one in evaluations}
    if not evaluations or len(hashes) < len(evaluations):
        raise ValueError(
            f"{label!r} has {len(evaluations)} evaluations of {len(hashes)} different predictions "
            "files: give each run's file once"
        )
    cells = {
        level: {
            name: cell_of([_figure(one, level, name) for one in evaluations]) for name in MEASURES
        }
        for level in LEVELS
    }
    return ComparisonRow(label, tuple(evaluations), cells)


def _scores(found: Evaluation, level: Level) -> LevelScores:
    return found.country if level == "country" else found.city


def _figure(found: Evaluation, level: Level, measure: str) -> Figure:
    figure: Figure = getattr(_scores(found, level), measure)
    return figure


def _num_images(row: ComparisonRow, level: Level) -> str:
    """Images with a known truth: one number, or one per run where they differ."""
    numbers = [_scores(one, level).num_images for one in row.evaluations]
    return " / ".join(f"{number:,}" for number in sorted(set(numbers)))


def cell_of(figures: Sequence[Figure]) -> Cell:
    """The figure of several runs: their mean and deviation; of one run with its interval."""
    values = [figure.value for figure in figures if figure.value is not None]
    if len(values) < len(figures):
        return Cell(None, None, None, None)
    if len(figures) == 1:
        return Cell(values[0], None, figures[0].low, figures[0].high)
    return Cell(fmean(values), stdev(values), None, None)


def _table(rows: Sequence[ComparisonRow], level: Level) -> list[str]:
    heads = [level.capitalize(), "Images", *(HEADS[name] for name in MEASURES)]
    body = [
        [
            row.label,
            _num_images(row, level),
            *(row.cells[level][name].as_text() for name in MEASURES),
        ]
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [heads, *body]) for column in range(len(heads))]
    rule = ["-" * width for width in widths]
    return [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in [heads, rule, *body]
    ]
