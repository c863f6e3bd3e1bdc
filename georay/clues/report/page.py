"""From counts and the two tables to the page."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from georay.clues.summary import CluesSummary, Counts
from georay.clues.workspace import CluesFiles
from georay.config.clues import CluesRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.paths import AnyPath, open_parquet, path_of
from georay.core.world_outline import WIDTH, outlines, project
from georay.pages import render_page

_MOST_BARS, _MOST_EXAMPLES, _LOOKED_AT = 16, 4, 20_000
_LARGEST_DOT = 22.0
_SOUTH = -57.0


@dataclass(frozen=True)
class Bar:
    """A number with its name; share: of the largest beside it."""

    name: str
    count: int
    share: float
    note: str = ""


@dataclass(frozen=True)
class Dot:
    """A country on the map, in SVG units."""

    x: float
    y: float
    radius: float
    title: str


@dataclass(frozen=True)
class Examples:
    """Sentences that were kept, or dropped for one reason; in their text the places are marked."""

    name: str
    rows: Sequence[tuple[Markup, str]]


@dataclass(frozen=True)
class Page:
    """Everything that the template names."""

    title: str
    lead: str
    funnel: list[Bar]
    lists: list[tuple[str, list[Bar]]]
    dots: list[Dot]
    view_box: str
    land: str
    borders: str
    no_country: int
    kept: list[Examples]
    dropped: list[Examples]
    notes: list[str]
    facts: list[tuple[str, str]]


def render_report(
    recipe: CluesRecipe, summary: CluesSummary, manifest: Mapping[str, object], files: CluesFiles
) -> str:
    """The report as one HTML document that loads nothing from anywhere.

    files: where the finished tables lie; only their first rows are looked at, for examples.
    """
    return render_page(__package__, "page.html", page=_page(recipe, summary, manifest, files))


def _page(
    recipe: CluesRecipe, summary: CluesSummary, manifest: Mapping[str, object], files: CluesFiles
) -> Page:
    counts, gazetteer = summary.counts, Gazetteer.load()
    land, borders = outlines()
    height = project(np.array([0.0]), np.array([_SOUTH]))[1][0]
    names = [path_of(one.path).name for one in recipe.sources]
    kept, dropped = _head(files.table), _head(files.dropped)
    return Page(
        title=recipe.title or f"Clues of {', '.join(names)}",
        lead=f"{counts.num_kept:,} of {counts.num_read:,} sentences are clues: they, or their "
        "source, say which place they are about.",
        funnel=_funnel(counts),
        lists=_lists(counts, gazetteer),
        dots=_dots(counts, gazetteer),
        view_box=f"0 0 {WIDTH:g} {height:.0f}",
        land=land,
        borders=borders,
        no_country=counts.countries[""],
        kept=_examples(kept, "rule", _marked),
        dropped=_examples(dropped, "kind", lambda row: escape(row["text"] or "–")),
        notes=_notes(summary),
        facts=[(key, str(value)) for key, value in manifest.items() if key != "recipe"],
    )


def _funnel(counts: Counts) -> list[Bar]:
    """Sentences read, what each reason takes away, and the clues that are left."""
    left, bars = counts.num_read, []
    bars.append(Bar("sentences read", left, 1.0))
    for kind, count in counts.dropped.most_common():
        left -= count
        bars.append(Bar(f"after “{kind}”", left, left / max(counts.num_read, 1), f"−{count:,}"))
    return bars


def _lists(counts: Counts, gazetteer: Gazetteer) -> list[tuple[str, list[Bar]]]:
    countries = Counter(
        {gazetteer.country_name(code): n for code, n in counts.countries.items() if code}
    )
    licences = Counter(counts.licences_as_text())
    lists = [
        ("What proves the place", _bars(counts.rules)),
        ("Countries", _bars(countries)),
        ("Classes spoken of", _bars(counts.labels)),
        ("Languages", _bars(counts.languages)),
        ("Pictures", _bars(counts.pairings)),
        ("Sources and licences", _bars(licences)),
    ]
    return [(name, bars) for name, bars in lists if bars]


def _bars(counter: Counter[str]) -> list[Bar]:
    rows = counter.most_common(_MOST_BARS)
    most = rows[0][1] if rows else 1
    bars = [Bar(name, count, count / most) for name, count in rows]
    rest = counter.total() - sum(bar.count for bar in bars)
    others = len(counter) - len(bars)
    return [*bars, Bar(f"{others} others", rest, min(rest / most, 1.0))] if others else bars


def _dots(counts: Counts, gazetteer: Gazetteer) -> list[Dot]:
    """A dot per country at its largest town, its area as the number of clues."""
    most = max((n for code, n in counts.countries.items() if code), default=1)
    dots = []
    for code, count in counts.countries.most_common():
        towns = gazetteer.cities(code) if code else ()
        if not towns:
            continue
        x, y = project(np.array([towns[0].longitude]), np.array([towns[0].latitude]))
        gone = counts.countries_dropped[code]
        title = f"{gazetteer.country_name(code)}: {count:,} clues, {gone:,} dropped"
        radius = max(1.5, _LARGEST_DOT * (count / most) ** 0.5)
        dots.append(Dot(float(x[0]), float(y[0]), radius, title))
    return dots


def _head(path: AnyPath) -> list[dict[str, object]]:
    """The first rows of a table, spread over its first row groups."""
    rows: list[dict[str, object]] = []
    for batch in open_parquet(path).iter_batches(batch_size=1_000):
        rows += batch.to_pylist()
        if len(rows) >= _LOOKED_AT:
            break
    return rows


def _examples(rows: Sequence[dict[str, object]], by: str, html: object) -> list[Examples]:
    assert callable(html)
    groups: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        groups.setdefault(str(row[by]), []).append(row)
    return [
        Examples(name, [(html(row), _origin(row)) for row in _spread(found)])
        for name, found in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]


def _spread(rows: Sequence[dict[str, object]]) -> Sequence[dict[str, object]]:
    step = max(1, len(rows) // _MOST_EXAMPLES)
    return rows[step // 2 :: step][:_MOST_EXAMPLES]


def _origin(row: dict[str, object]) -> str:
    said = [f"{row['source']}, row {row['row']}", str(row["country"] or "no country")]
    return " · ".join(said + ([str(row["reason"])] if row.get("reason") else []))


def _marked(row: dict[str, object]) -> Markup:
    """The text with its places in <mark>."""
    text, at, parts = str(row["text"]), 0, []
    for span in row["spans"] or []:  # type: ignore[attr-defined]
        parts += [escape(text[at : span["start"]]), Markup("<mark>")]
        parts += [escape(text[span["start"] : span["end"]]), Markup("</mark>")]
        at = span["end"]
    return Markup("").join([*parts, escape(text[at:])])


def _notes(summary: CluesSummary) -> list[str]:
    notes = [
        f"Columns of {source} that were not used: {', '.join(columns)}."
        for source, columns in summary.ignored_columns.items()
    ]
    unknown = summary.counts.unknown
    if unknown:
        shown = ", ".join(f"{name} ({count:,})" for name, count in unknown.most_common(20))
        notes.append(f"Words of sources for a country that the gazetteer does not have: {shown}.")
    return notes
