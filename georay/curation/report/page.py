"""The page itself: gathers the pieces and fills the template."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from georay.curation.report import counts, pieces
from georay.curation.report.data import Example, ReportData, scored_pictures
from georay.curation.report.figures import axis_end, bin_places
from georay.curation.report.pieces import Explained
from georay.curation.report.worldmap import WorldMap, world_map
from georay.pages import render_page

TEMPLATES = Path(__file__).with_name("templates")
_LEAD_SIDE, _GALLERY_SIDE = 1100, 560


@dataclass(frozen=True)
class FactGroup:
    """Facts of the manifest under one heading."""

    name: str
    facts: list[tuple[str, str]]


@dataclass(frozen=True)
class Page:
    """Everything that the template names."""

    title: str
    threshold: float
    threshold_text: str
    num_scored: int
    num_kept: int
    axis_end: float
    score_ticks: list[pieces.Tick]
    funnel: list[counts.Step]
    panoramas: str
    outside: str
    error_kinds: list[tuple[str, int]]
    errors: list[counts.ErrorRow]
    num_errors: int
    most: list[Explained]
    least: list[Explained]
    histogram: list[pieces.Bar]
    histogram_ticks: list[pieces.Tick]
    median: float
    kept_by_threshold: list[int]
    weights: list[pieces.WeightBar]
    heaviest: float
    building: pieces.BuildingChart
    map: WorldMap
    num_located: int
    countries: list[counts.Country]
    facts: list[FactGroup]


def render_report(data: ReportData) -> str:
    """The report as one HTML document that loads nothing from anywhere.

    Holds for any run, also one without a scored picture. Charts are binned, so the page does not
    grow with the number of rows.
    """
    script = (TEMPLATES / "threshold.js").read_text(encoding="utf-8")
    return render_page(
        __package__,
        "page.html",
        page=_page(data),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _page(data: ReportData) -> Page:
    scores = data.scores.rows
    pictures = scored_pictures(scores, data.threshold)
    located = np.isfinite(pictures.latitude) & np.isfinite(pictures.longitude)
    end = axis_end(pictures.locatability, data.threshold)
    bars = pieces.histogram_of(pictures, data.threshold)
    kinds = counts.errors_by_kind(scores)
    most = _explain(data.most, data)
    shown = {_id(example) for example in data.most}
    return Page(
        title=data.title,
        threshold=data.threshold,
        threshold_text=data.threshold_text,
        num_scored=len(pictures.locatability),
        num_kept=int(pictures.kept.sum()),
        axis_end=end,
        score_ticks=pieces.score_ticks(end),
        funnel=counts.funnel(data.scores, pictures, data.threshold_text),
        panoramas=counts.panoramas(data.scores),
        outside=counts.outside(data.scores),
        error_kinds=kinds,
        errors=counts.listed_errors(data.scores.failures),
        num_errors=sum(count for _, count in kinds),
        most=most,
        least=_explain([e for e in data.least if _id(e) not in shown], data),
        histogram=bars,
        histogram_ticks=pieces.count_ticks(max(bar.count for bar in bars)),
        median=float(np.median(pictures.locatability)) if len(pictures.locatability) else 0.0,
        kept_by_threshold=pieces.kept_by_threshold(pictures.locatability, end),
        weights=pieces.weight_bars(data.weights, data.scores.mean_area),
        heaviest=float(data.weights.max()) or 1.0,
        building=pieces.building_chart(pictures, end),
        map=world_map(
            bin_places(
                pictures.latitude[located], pictures.longitude[located], pictures.kept[located]
            )
        ),
        num_located=int(located.sum()),
        countries=counts.countries(scores, data.threshold),
        facts=_facts(data.manifest),
    )


def _explain(examples: Sequence[Example], data: ReportData) -> list[Explained]:
    return [
        pieces.explained(example, data.weights, data.threshold, _GALLERY_SIDE if at else _LEAD_SIDE)
        for at, example in enumerate(examples)
    ]


def _id(example: Example) -> str:
    return str(example.row["image_id"])


def _facts(manifest: Mapping[str, object]) -> list[FactGroup]:
    """The manifest as headed lists; what is nested deeper gets dotted names."""
    single = [(key, _shown(value)) for key, value in manifest.items() if not _is_group(value)]
    groups = [
        FactGroup(key, list(_flat(value))) for key, value in manifest.items() if _is_group(value)
    ]
    return [group for group in [FactGroup("run", single), *groups] if group.facts]


def _is_group(value: object) -> bool:
    return isinstance(value, dict)


def _flat(group: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    assert isinstance(group, dict)
    for key, value in group.items():
        if _is_group(value):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _shown(value)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, bool) or value is None:
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return str(value)
