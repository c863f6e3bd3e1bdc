"""The page of `georay evaluate`: figures, charts and maps, whole in itself."""

from dataclasses import dataclass

from georay.evaluation.judging import Judgement
from georay.evaluation.report.charts import Bar, reliability_bars, risk_path
from georay.evaluation.report.maps import WorldMap, map_of_mistakes, map_of_places
from georay.evaluation.sections import (
    Section,
    distances_section,
    paired_section,
    sections_of,
)
from georay.evaluation.side_by_side import SideBySide
from georay.evaluation.tables import HEADS, LEVELS
from georay.pages import render_page

_MOST_ROWS = 500


@dataclass(frozen=True)
class _File:
    """One judged file as the template draws it."""

    label: str
    judgement: Judgement
    text: str
    sections: list[Section]
    places: WorldMap | None
    num_placed: int
    mistakes: WorldMap | None
    bars: list[Bar]
    risk: str


def render_judgements(found: SideBySide) -> str:
    """One HTML document that loads nothing from anywhere."""
    return render_page(
        __package__,
        "judgement.html",
        ("style.css", "judgement.css"),
        comparison=found.comparison,
        distances=distances_section(found.comparison),
        pairs=paired_section(found.tests) if found.tests else None,
        files=[_file(label, one) for label, runs in found.judgements.items() for one in runs],
        levels=LEVELS,
        most_rows=_MOST_ROWS,
        heads=HEADS,
    )


def _file(label: str, one: Judgement) -> _File:
    outcomes = one.outcomes
    placed = outcomes.placed
    return _File(
        label=label,
        judgement=one,
        text=one.evaluation.as_text(),
        sections=sections_of(one),
        places=map_of_places(outcomes.points[placed], one.right[placed]) if placed.any() else None,
        num_placed=int(placed.sum()),
        mistakes=map_of_mistakes(one.confusion) if one.confusion and one.confusion.wrong else None,
        bars=reliability_bars(one.calibration) if one.calibration else [],
        risk=risk_path(one.risk_coverage) if one.risk_coverage else "",
    )
