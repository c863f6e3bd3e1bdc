"""One picture's locatability explained in a terminal: the gauge, then the sum class by class."""

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from georay.locatability.colours import class_colour
from georay.locatability.score import Contribution

_GAUGE_CELLS = 50
_BAR_CELLS = 24
_KEPT, _DROPPED, _MARK = "green", "bright_black", "red"


def explain(
    name: str, parts: Sequence[Contribution], threshold: float, max_parts: int = 8
) -> Group:
    """What `georay score` shows for one picture (equation 1 of the paper, written out).

    parts: the picture's contributions, largest first, all of them: they add up to its score.
    """
    score = sum(part.contribution for part in parts)
    return Group(
        _verdict(name, score, threshold),
        _gauge(score, threshold),
        _sum(parts[:max_parts], score),
    )


def _verdict(name: str, score: float, threshold: float) -> Text:
    kept = score >= threshold
    return Text.assemble(
        (name, "bold"),
        "\nlocatability ",
        (f"{score:.3f}", "bold"),
        (
            f"  {'kept' if kept else 'dropped'}: {'at or above' if kept else 'below'}"
            f" the threshold {threshold:g}",
            _KEPT if kept else _DROPPED,
        ),
    )


def _gauge(score: float, threshold: float) -> Text:
    """A line from 0 to 1, filled up to the score, with the threshold marked."""
    filled = round(min(score, 1.0) * _GAUGE_CELLS)
    mark = min(int(threshold * _GAUGE_CELLS), _GAUGE_CELLS - 1)
    gauge = Text("0 ")
    for cell in range(_GAUGE_CELLS):
        if cell == mark:
            gauge.append("┃", _MARK)
        else:
            gauge.append("━" if cell < filled else "─", _KEPT if cell < filled else _DROPPED)
    return gauge.append(" 1\n")


def _sum(parts: Sequence[Contribution], score: float) -> Table:
    table = Table(box=None, pad_edge=False, show_header=True, header_style="bright_black")
    for heading in ("class", "area × weight", "adds"):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "class" else "right")
    table.add_column("")
    longest = max((part.contribution for part in parts), default=0.0) or 1.0
    for part in parts:
        table.add_row(
            Text.assemble(("■ ", class_colour(part.label)), part.label),
            f"{part.area_ratio:.2f} × {part.weight:.2f} =",
            f"{part.contribution:.3f}",
            Text("█" * round(_BAR_CELLS * part.contribution / longest), class_colour(part.label)),
        )
    rest = score - sum(part.contribution for part in parts)
    if rest >= 0.0005:
        table.add_row("  everything else", "", f"{rest:.3f}", "", style="bright_black")
    table.add_row("  locatability", "", f"{score:.3f}", "", style="bold")
    return table
