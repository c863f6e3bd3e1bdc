"""A judgement as tables of text: what the terminal, Markdown and the page all show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from georay.core.gazetteer import Gazetteer
from georay.evaluation.breakdown import Breakdown
from georay.evaluation.confidence import Calibration, RiskCoverage
from georay.evaluation.confusion import Confusion
from georay.evaluation.faithfulness import Faithfulness
from georay.evaluation.intervals import Figure
from georay.evaluation.judging import Judgement
from georay.evaluation.paired import PairedTest
from georay.evaluation.placement import number_text
from georay.evaluation.readings import Reading
from georay.evaluation.tables import Cell, Comparison, cell_of
from georay.evaluation.top_k import TopK

_NUM_WORDS = 5
_SHORT = 10
"""Rows of a long table that a terminal shows; the page and JSON have them all."""


@dataclass(frozen=True)
class Section:
    """A table under a heading. lead: what it says, in a sentence or two."""

    title: str
    lead: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_lines(self) -> list[str]:
        """Columns that line up, the first rows of a long table."""
        shown = self.rows if len(self.rows) <= _SHORT + 2 else self.rows[:_SHORT]
        widths = [max(map(len, column)) for column in zip(self.heads, *shown, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (self.heads, *shown)
        ]
        more = len(self.rows) - len(shown)
        rest = [f"and {more:,} more (--json, --html and --markdown have them)"] if more else []
        return [self.title, *([self.lead] if self.lead else []), *lines, *rest]

    def as_markdown(self) -> list[str]:
        """The whole table under a heading."""
        cells = [[cell.replace("|", "\\|") for cell in row] for row in (self.heads, *self.rows)]
        head, *body = [f"| {' | '.join(row)} |" for row in cells]
        rule = f"|{'|'.join(' --- ' for _ in self.heads)}|"
        return [f"### {self.title}", "", self.lead, "", head, rule, *body, ""]


def sections_of(found: Judgement) -> list[Section]:
    """All that a judgement says beside the paper's figures."""
    sections: list[Section] = []
    if found.top_k:
        sections.append(_top_k(found.top_k))
    if found.calibration:
        sections.append(_calibration(found.calibration, found.judged_by))
    if found.risk_coverage:
        sections.append(_risk_coverage(found.risk_coverage, found.judged_by))
    sections += [_breakdown(one) for one in found.breakdowns]
    if found.confusion and found.confusion.wrong:
        sections.append(_confusion(found.confusion))
    if found.readings:
        sections.append(_readings(found.readings))
    if found.faithfulness:
        sections.append(_faithfulness(found.faithfulness))
        if found.faithfulness.invented:
            sections.append(_invented(found.faithfulness))
    return sections


def _share(figure: Figure | None) -> str:
    return "-" if figure is None else figure.as_text()


def _top_k(found: Sequence[TopK]) -> Section:
    rows = [(str(one.k), _share(one.countries), _share(one.cities)) for one in found]
    lead = f"{found[0].num_with_candidates:,} images have candidates; the others count as missed."
    return Section("Truth among the first k candidates", lead, ("k", "country", "city"),
                   tuple(rows))  # fmt: skip


def _calibration(found: Calibration, judged_by: str) -> Section:
    lead = (
        f"{found.num_answers:,} answers with a confidence, right by {judged_by}: expected "
        f"calibration error {found.expected_error:.4f}, largest {found.largest_error:.4f}, "
        f"Brier score {found.brier:.4f}."
    )
    rows = [
        (
            f"{one.low:.1f} to {one.high:.1f}",
            f"{one.num_answers:,}",
            f"{one.mean_confidence:.4f}",
            one.accuracy.as_text(),
        )
        for one in found.bins
    ]
    heads = ("confidence", "answers", "mean", "right")
    return Section("Calibration", lead, heads, tuple(rows))


def _risk_coverage(found: RiskCoverage, judged_by: str) -> Section:
    lead = (
        f"Area under risk over coverage {found.aurc:.4f} (best possible order "
        f"{found.best_aurc:.4f}), right by {judged_by}. If only answers at least so confident "
        "were given:"
    )
    rows = [
        (f"{one.threshold:.4g}", f"{one.coverage:.1%}", one.accuracy.as_text())
        for one in found.abstaining
    ]
    return Section("Abstaining", lead, ("confidence", "answers", "right"), tuple(rows))


def _breakdown(found: Breakdown) -> Section:
    thresholds = list(found.groups[0].within_km)
    heads = (found.by, "images", "country", "city", *(f"{km:g} km" for km in thresholds), "median")
    rows = [
        (
            one.name,
            f"{one.num_images:,}",
            *(
                "-" if share.value is None else f"{share.value:.3f}"
                for share in (one.country, one.city, *one.within_km.values())
            ),
            "-" if one.median_km.value is None else f"{number_text(one.median_km.value)} km",
        )
        for one in found.groups
    ]
    return Section(f"By {found.by}", "Shares of all images of a group.", heads, tuple(rows))


def _confusion(found: Confusion) -> Section:
    name_of = Gazetteer.load().country_name
    rows = [(name_of(one.truth), name_of(one.answer), f"{one.count:,}") for one in found.wrong]
    total = sum(found.right.values()) + sum(one.count for one in found.wrong)
    lead = f"{sum(found.right.values()):,} of {total:,} answers name the right country."
    return Section("Countries taken for others", lead, ("true", "answered", "images"), tuple(rows))


def _readings(found: Sequence[Reading]) -> Section:
    heads = (
        "part", "same", "neither", "only ours", "only theirs", "differ", "ours right",
        "theirs right",
    )  # fmt: skip
    rows = [
        (one.part, *(f"{n:,}" for n in (one.same, one.neither, one.only_ours, one.only_beside,
                                        one.differ, one.ours_right, one.beside_right)))
        for one in found
    ]  # fmt: skip
    alone = [
        f"{one.part}, {who} alone: {_most(words)}."
        for one in found
        for who, words in (("ours", one.ours_alone), ("theirs", one.beside_alone))
        if words
    ]
    lead = (
        "Our reading of the raw answers beside the file's own; right: of those that are not the "
        "same, which has the truth (positions: within 750 km). " + " ".join(alone)
    )
    return Section("Two readings of the same answers", lead.strip(), heads, tuple(rows))


def _most(words: Sequence[tuple[str, int]]) -> str:
    more = "" if len(words) <= _NUM_WORDS else " …"
    return ", ".join(f"{word} ({count})" for word, count in words[:_NUM_WORDS]) + more


def _faithfulness(found: Faithfulness) -> Section:
    lead = (
        "Of pictures whose clues are known. Visible: things are named, and the picture shows all "
        "of them. Of the country: the answered country is known by all of them. Invented: a thing "
        "is named that the picture does not show. The rest names no thing that anybody knows."
    )
    heads = ("of", "number", "naming a thing", "visible", "of the country", "both", "invented")
    rows = tuple(
        (
            one.level,
            f"{one.number:,}",
            f"{one.num_naming:,}",
            *(_share(f) for f in (one.visible, one.conventional, one.both, one.invented)),
        )
        for one in found.levels
    )
    return Section("Faithfulness of reasons", lead, heads, rows)


def _invented(found: Faithfulness) -> Section:
    rows = tuple((thing, f"{count:,}") for thing, count in found.invented)
    return Section("Things named and not to be seen", "", ("thing", "times"), rows)


def distances_section(comparison: Comparison) -> Section:
    """Rows of systems, with shares of all images by distance, and the Geoscore."""
    first = comparison.rows[0].evaluations[0]
    heads = tuple(f"{first.measuring.within} {one.threshold_km:g} km" for one in first.distances)
    rows = []
    for row in comparison.rows:
        near = [[one.distances[n].of_all for one in row.evaluations] for n in range(len(heads))]
        points = cell_of([one.placement.geoscore for one in row.evaluations])
        rows.append((row.label, *(cell_of(figures).as_text() for figures in near), _points(points)))
    lead = "Shares of all images whose place is known. ±: standard deviation over runs."
    return Section("Distances side by side", lead, ("system", *heads, "Geoscore"), tuple(rows))


def _points(cell: Cell) -> str:
    if cell.mean is None:
        return "-"
    return f"{cell.mean:,.0f}" + (f" ± {cell.sd:,.0f}" if cell.sd is not None else "")


def paired_section(tests: Sequence[PairedTest]) -> Section:
    """Pairs of systems on the same images, by every measure."""
    heads = ("measure", "first", "second", "images", "first only", "second only", "difference",
             "p", "p (Holm)")  # fmt: skip
    lead = (
        "Difference: first minus second, of the shares of the images that both were asked about "
        "and that are right, with a 95 % bootstrap interval. p: exact McNemar test that they are "
        "equally good; Holm: for all pairs of a measure together."
    )
    return Section("Pairs on the same images", lead, heads, tuple(_paired_rows(tests)))


def _paired_rows(tests: Sequence[PairedTest]) -> Iterator[tuple[str, ...]]:
    for one in tests:
        counts = ["-" if n is None else f"{n:,}" for n in (one.first_only, one.second_only)]
        p_values = ["-" if p is None else f"{p:.2g}" for p in (one.p_value, one.p_adjusted)]
        yield (one.measure, one.first, one.second, f"{one.num_images:,}", *counts,
               f"{one.difference.value:+.4f} [{one.difference.low:+.3f}, "
               f"{one.difference.high:+.3f}]", *p_values)  # fmt: skip


def as_text(found: Judgement) -> str:
    """The paper's figures, what was taken otherwise than written, and then all others."""
    notes = [f"Note: {note}" for note in found.notes]
    blocks = [["", *section.as_lines()] for section in sections_of(found)]
    parts = [found.evaluation.as_text(), *notes, *(line for block in blocks for line in block)]
    return "\n".join(parts)
