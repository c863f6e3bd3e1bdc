"""From a comparison to one self-contained HTML page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from georay.evaluation.report.answers import PictureAnswers
from georay.evaluation.tables import HEADS, LEVELS, Comparison

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class ComparisonPage:
    """What the page shows.

    lead: a sentence that says what was compared and on what. links: name and address of further
    reports. notes: what a reader must know to trust the figures.
    """

    title: str
    lead: str
    comparison: Comparison
    pictures: Sequence[PictureAnswers] = ()
    links: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()


def render_comparison(page: ComparisonPage) -> str:
    """The page, whole in itself: figures with their intervals, answers, and the files behind."""
    environment = Environment(
        loader=PackageLoader("georay.evaluation.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("page.html").render(
        page=page,
        levels=LEVELS,
        heads=HEADS,
        style=Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),
    )
