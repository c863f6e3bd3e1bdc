"""Turns a run's results into what the page's template draws: percentages, labels, paths."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from georay.core.panoramas import EQUIRECTANGULAR, VIEW
from georay.curation.report.data import Example, ScoredPictures
from georay.curation.report.figures import (
    BuildingCurve,
    Floats,
    Histogram,
    building_curve,
    density,
    kept_at,
    locatability_histogram,
)
from georay.locatability.colours import class_colour
from georay.locatability.labels import ADE20K_LABELS, short_name
from georay.locatability.pictures import overlay_uri, photograph_uri
from georay.locatability.score import contributions

_KINDS: dict[object, tuple[str]] = {
    VIEW: ("view of a panorama",),
    EQUIRECTANGULAR: ("whole panorama",),
}
MAX_SCATTERED = 800
"""Pictures up to which the building chart shows each one; beyond, it shows their density."""
_DENSITY_LEVELS = 5
_MANY = 2000
"""Pictures from which the building curve can afford bins of a twentieth."""


@dataclass(frozen=True)
class Part:
    """One class of one picture: its area, its weight, and what they give."""

    label: str
    colour: str
    area: float
    weight: float
    contribution: float


@dataclass(frozen=True)
class Explained:
    """A photograph with its score taken apart; the parts shown and `rest` add up to the score."""

    name: str
    place: str
    photograph: str
    overlay: str
    alt: str
    wide: bool
    score: float
    kept: bool
    parts: list[Part]
    rest: float
    rest_area: float


@dataclass(frozen=True)
class Bar:
    """One bin of the histogram; heights in percent of the tallest."""

    low: float
    high: float
    count: int
    kept_height: float
    dropped_height: float


@dataclass(frozen=True)
class Tick:
    """A label on an axis, at a position in percent of its length."""

    label: str
    position: float


@dataclass(frozen=True)
class WeightBar:
    """A class, its weight, and the share of the run's pictures that it covers."""

    label: str
    colour: str
    weight: float
    mean_area: float


@dataclass(frozen=True)
class BuildingChart:
    """The chart after Figure 5 in a 100 × 100 plane, y downward."""

    dots: str
    density: list[tuple[float, str]]  # opacity, path
    band: str
    line: str
    points: list[tuple[str, str]]  # path of one dot, its caption
    finding: str


def explained(example: Example, weights: Floats, threshold: float, max_side: int) -> Explained:
    """The example with pictures embedded at up to `max_side` pixels and its largest parts named."""
    area = np.asarray(example.row["area_ratio"], dtype=np.float64)
    score = float(str(example.row["locatability"]))
    parts = [
        Part(part.label, class_colour(part.label), part.area_ratio, part.weight, part.contribution)
        for part in contributions(area, weights)
    ]
    shown = [part for part in parts if part.contribution >= 0.0005 or part.area >= 0.05][:6]
    name = PurePosixPath(str(example.row["uri"])).name
    width, height = example.image.size
    places = [str(example.row[key]) for key in ("city", "country") if example.row.get(key)]
    return Explained(
        name=name,
        place=", ".join([*places, *_KINDS.get(example.row.get("projection"), ())]),
        photograph=photograph_uri(example.image, max_side),
        overlay=overlay_uri(example.class_map, example.image.size, min(max_side, 400)),
        alt=_alt_text(name, parts, score),
        wide=not 0.9 <= width / height <= 2.1,
        score=score,
        kept=score >= threshold,
        parts=shown,
        rest=max(score - sum(part.contribution for part in shown), 0.0),
        rest_area=max(1.0 - sum(part.area for part in shown), 0.0),
    )


def _alt_text(name: str, parts: list[Part], score: float) -> str:
    largest = sorted(parts, key=lambda part: -part.area)[:3]
    shows = ", ".join(f"{part.label} {part.area:.0%}" for part in largest)
    return f"Picture {name}, locatability {score:.2f}. It shows {shows}."


def histogram_bars(histogram: Histogram) -> list[Bar]:
    """Bars from left to right."""
    total = histogram.kept + histogram.dropped
    tallest = max(int(total.max(initial=0)), 1)
    return [
        Bar(
            low=float(histogram.edges[at]),
            high=float(histogram.edges[at + 1]),
            count=int(total[at]),
            kept_height=100 * float(histogram.kept[at]) / tallest,
            dropped_height=100 * float(histogram.dropped[at]) / tallest,
        )
        for at in range(len(total))
    ]


def histogram_of(pictures: ScoredPictures, threshold: float) -> list[Bar]:
    """The bars of a run's locatability."""
    return histogram_bars(locatability_histogram(pictures.locatability, threshold))


def score_ticks(end: float) -> list[Tick]:
    """Every 0.1 of an axis from 0 to `end`, every 0.2 of a long one."""
    step = 0.1 if end <= 0.61 else 0.2
    marks = [step * at for at in range(int(end / step + 1e-9) + 1)]
    return [Tick(f"{mark:.1f}", 100 * mark / end) for mark in marks]


def count_ticks(tallest: int) -> list[Tick]:
    """Two to five round counts up to the tallest bar."""
    power = 10 ** int(np.log10(max(tallest, 1)))
    step = next(
        power * k // 10
        for k in (2, 5, 10, 20, 50)
        if power * k // 10 * 5 >= tallest and power * k >= 10
    )
    return [Tick(f"{mark:,}", 100 * mark / tallest) for mark in range(step, tallest + 1, step)]


def kept_by_threshold(locatability: Floats, end: float) -> list[int]:
    """Pictures kept at thresholds 0.00, 0.01 … `end`."""
    return [int(count) for count in kept_at(locatability, np.arange(round(end * 100) + 1) / 100)]


def weight_bars(weights: Floats, mean_area: Floats, count: int = 14) -> list[WeightBar]:
    """The classes that weigh most, heaviest first."""
    order = np.argsort(-weights, kind="stable")[:count]
    names = [short_name(ADE20K_LABELS[index]) for index in order]
    return [
        WeightBar(name, class_colour(name), float(weights[index]), float(mean_area[index]))
        for name, index in zip(names, order, strict=True)
    ]


def building_chart(pictures: ScoredPictures, end: float) -> BuildingChart:
    """Locatability (0 to `end`) against building share (0 to 1) of the scored pictures."""
    share, score = pictures.building_share, pictures.locatability
    curve = building_curve(share, score, num_bins=20 if len(score) >= _MANY else 10)
    centre = 50 * (curve.edges[:-1] + curve.edges[1:])
    drawn = np.isfinite(curve.mean)
    x = centre[drawn]
    mean, spread = curve.mean[drawn], curve.spread[drawn]
    y, high, low = (100 - 100 * v / end for v in (mean, mean + spread, mean - spread))
    scattered = len(score) <= MAX_SCATTERED
    return BuildingChart(
        dots=_dots(100 * share, 100 - 100 * score / end) if scattered else "",
        density=[] if scattered else _density_layers(share, score, end),
        band=_polyline(np.r_[x, x[::-1]], np.clip(np.r_[high, low[::-1]], 0, 100)),
        line=_polyline(x, y),
        points=[
            (_dots(x[i : i + 1], y[i : i + 1]), _bin_caption(curve, int(at)))
            for i, at in enumerate(np.flatnonzero(drawn))
        ],
        finding=_finding(curve),
    )


def _bin_caption(curve: BuildingCurve, at: int) -> str:
    return (
        f"{curve.edges[at]:.0%} to {curve.edges[at + 1]:.0%} building: mean {curve.mean[at]:.2f} "
        f"± {curve.spread[at]:.2f} over {curve.count[at]:,} pictures"
    )


def _finding(curve: BuildingCurve) -> str:
    drawn = np.flatnonzero(np.isfinite(curve.mean))
    if len(drawn) < 3:
        return "This run holds too few different pictures to draw the curve."
    peak, last = int(drawn[np.argmax(curve.mean[drawn])]), int(drawn[-1])
    low, high = curve.edges[peak], curve.edges[peak + 1]
    best = (
        f"In this run the mean is highest, {curve.mean[peak]:.2f}, "
        f"where buildings fill {low:.0%} to {high:.0%} of the picture"
    )
    if peak == last:
        return f"{best}: it does not fall within the shares seen here."
    low, high = curve.edges[last], curve.edges[last + 1]
    return f"{best}, and stands at {curve.mean[last]:.2f} where they fill {low:.0%} to {high:.0%}."


def _density_layers(share: Floats, score: Floats, end: float) -> list[tuple[float, str]]:
    grid = density(share, score, end)
    columns, rows = grid.shape
    level = np.ceil(_DENSITY_LEVELS * np.sqrt(grid / max(int(grid.max()), 1)))
    layers = []
    for step in range(1, _DENSITY_LEVELS + 1):
        path = "".join(
            f"M{100 * i / columns:g} {100 - 100 * (j + 1) / rows:.4g}"
            f"h{100 / columns:g}v{100 / rows:.4g}h-{100 / columns:g}z"
            for i, j in np.argwhere(level == step)
        )
        layers.append((step / _DENSITY_LEVELS, path))
    return [layer for layer in layers if layer[1]]


def _dots(x: Floats, y: Floats) -> str:
    return "".join(f"M{a:.2f} {b:.2f}h0" for a, b in zip(x, y, strict=True))


def _polyline(x: Floats, y: Floats) -> str:
    return "M" + "L".join(f"{a:.2f} {b:.2f}" for a, b in zip(x, y, strict=True)) if len(x) else ""
