"""From a comparison to one self-contained HTML page."""

from collections.abc import Sequence
from dataclasses import dataclass

from georay.evaluation.report.answers import PictureAnswers
from georay.evaluation.tables import HEADS, LEVELS, Comparison
from georay.pages import render_page


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
    return render_page(__package__, "page.html", page=page, levels=LEVELS, heads=HEADS)
