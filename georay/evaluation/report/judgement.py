"""The page of `georay evaluate`: figures, charts and maps, whole in itself."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

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

_MOST_ROWS = 500
_TEMPLATES = Path(__file__).with_name("templates")


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
    environment = Environment(
        loader=PackageLoader("georay.evaluation.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    style = "".join(
        (_TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "judgement.css")
    )
    return environment.get_template("judgement.html").render(
        comparison=found.comparison,
        distances=distances_section(found.comparison),
        pairs=paired_section(found.tests) if found.tests else None,
        files=[_file(label, one) for label, runs in found.judgements.items() for one in runs],
        levels=LEVELS,
        most_rows=_MOST_ROWS,
        heads=HEADS,
        style=Markup(style),
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
