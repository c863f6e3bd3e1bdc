"""The figures behind the report's charts: arrays in, small arrays out, whatever the run's size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MIN_PICTURES_PER_BIN = 3
"""A bin with fewer pictures has no mean worth drawing."""


@dataclass(frozen=True)
class Histogram:
    """Pictures per bin of locatability; `kept` and `dropped` add up to the bin's height."""

    edges: Floats  # [num_bins + 1]
    kept: Counts  # [num_bins]
    dropped: Counts  # [num_bins]


@dataclass(frozen=True)
class BuildingCurve:
    """Locatability by building share: mean and spread per bin, NaN where pictures are too few."""

    edges: Floats  # [num_bins + 1], shares in [0, 1]
    count: Counts  # [num_bins]
    mean: Floats  # [num_bins]
    spread: Floats  # [num_bins], one standard deviation


@dataclass(frozen=True)
class Places:
    """Points of the map: cell centres in degrees, with the pictures kept and dropped in each."""

    longitude: Floats  # [num_places]
    latitude: Floats  # [num_places]
    kept: Counts  # [num_places]
    dropped: Counts  # [num_places]


def is_kept(locatability: Floats, threshold: float) -> NDArray[np.bool_]:
    """[num_images] whether each picture reaches the threshold; no score (NaN) does not."""
    return locatability >= threshold


def axis_end(values: Floats, threshold: float, step: float = 0.1) -> float:
    """The round number at which an axis from 0 may end: past every value and the threshold."""
    highest = max([threshold, *values.max(initial=0.0, keepdims=True)])
    return float(round(np.floor(highest / step + 1e-9) * step + step, 6))


def locatability_histogram(locatability: Floats, threshold: float) -> Histogram:
    """Counts of [num_images] scores, split at the threshold even inside a bin."""
    end = axis_end(locatability, threshold)
    edges = np.linspace(0.0, end, round(end / _bin_width(threshold)) + 1)
    kept = is_kept(locatability, threshold)
    return Histogram(
        edges=edges,
        kept=np.histogram(locatability[kept], edges)[0],
        dropped=np.histogram(locatability[~kept], edges)[0],
    )


def _bin_width(threshold: float) -> float:
    """A width that divides 0.1 and, if one does, the threshold, so that it falls on an edge."""
    offsets = {width: abs(threshold / width - round(threshold / width)) for width in (0.02, 0.025)}
    return min(offsets, key=lambda width: round(offsets[width], 6))


def kept_at(locatability: Floats, thresholds: Floats) -> Counts:
    """How many of [num_images] scores reach each of [num_thresholds] thresholds."""
    ordered = np.sort(locatability)
    return len(ordered) - np.searchsorted(ordered, thresholds, side="left")


def building_curve(share: Floats, locatability: Floats, num_bins: int = 10) -> BuildingCurve:
    """Figure 5 of the paper: [num_images] building shares against [num_images] scores."""
    edges = np.linspace(0.0, 1.0, num_bins + 1)
    where = np.clip(np.digitize(share, edges) - 1, 0, num_bins - 1)
    count = np.bincount(where, minlength=num_bins)
    total = np.bincount(where, weights=locatability, minlength=num_bins)
    mean = np.divide(total, count, out=np.full(num_bins, np.nan), where=count > 0)
    squares = np.bincount(where, weights=(locatability - mean[where]) ** 2, minlength=num_bins)
    spread = np.sqrt(np.divide(squares, count, out=np.full(num_bins, np.nan), where=count > 0))
    few = count < MIN_PICTURES_PER_BIN
    mean[few] = np.nan
    spread[few] = np.nan
    return BuildingCurve(edges, count, mean, spread)


def density(
    share: Floats, locatability: Floats, end: float, shape: tuple[int, int] = (50, 30)
) -> Counts:
    """[columns, rows] pictures per cell of the plane share 0..1 × locatability 0..end."""
    grid, _, _ = np.histogram2d(share, locatability, bins=shape, range=[(0.0, 1.0), (0.0, end)])
    return grid.astype(np.int64)


def bin_places(
    latitude: Floats,
    longitude: Floats,
    kept: NDArray[np.bool_],
    cell_degrees: float = 0.5,
    max_places: int = 2000,
) -> Places:
    """Pictures per cell of a degree grid; the fullest `max_places` cells when there are more.

    latitude, longitude: [num_images] in degrees, finite.
    """
    row = np.floor(latitude / cell_degrees).astype(np.int64)
    column = np.floor(longitude / cell_degrees).astype(np.int64)
    cells, where = np.unique(np.stack([row, column], axis=1), axis=0, return_inverse=True)
    where = where.reshape(-1)
    total = np.bincount(where, minlength=len(cells))
    reached = np.bincount(where[kept], minlength=len(cells))
    fullest = np.sort(np.argsort(-total, kind="stable")[:max_places])
    centre = (cells[fullest] + 0.5) * np.float64(cell_degrees)
    return Places(centre[:, 1], centre[:, 0], reached[fullest], (total - reached)[fullest])
