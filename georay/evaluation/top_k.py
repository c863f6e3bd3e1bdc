"""Top-k accuracy: whether the truth is among the likeliest candidates of each image."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from georay.evaluation.intervals import Figure, share
from georay.evaluation.outcomes import LevelOutcome, Outcomes, town_id

TOP_K = (1, 2, 3, 5, 10)
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class TopK:
    """Shares of the images with a known truth; one without candidates counts as missed.

    countries, cities: None where no candidate is one.
    """

    k: int
    num_with_candidates: int
    countries: Figure
    cities: Figure | None


def top_k_of(rows: pa.Table, found: Outcomes) -> tuple[TopK, ...]:
    """Of a table of schema JUDGED, for every k up to the longest list; nothing without lists."""
    lists = rows.column("candidates").combine_chunks()
    row = np.asarray(pc.list_parent_indices(lists), dtype=np.int64)
    candidates = pc.list_flatten(lists)
    if not len(candidates):
        return ()
    codes = np.array(candidates.field("country").to_pylist(), dtype=object)
    ranks = _ranks(row, _numbers(candidates.field("probability")))
    countries = _rank_of_truth(row, codes, ranks, found.country)
    cities = _rank_of_town(row, codes, candidates.field("towns"), found)
    longest = int(ranks.max()) + 1
    return tuple(
        TopK(
            k=k,
            num_with_candidates=len(np.unique(row)),
            countries=_within(countries, k, found.country),
            cities=None if cities is None else _within(cities, k, found.city),
        )
        for k in TOP_K
        if k <= longest
    )


def _rank_of_town(
    row: Ints, codes: NDArray[np.object_], towns: pa.Array, found: Outcomes
) -> Ints | None:
    """Of all towns of an image's candidate countries, by the probability of both together."""
    of_candidate = np.asarray(pc.list_parent_indices(towns), dtype=np.int64)
    flat = pc.list_flatten(towns)
    if not len(flat):
        return None
    pairs = zip(flat.field("city").to_pylist(), codes[of_candidate].tolist(), strict=True)
    ids = np.array([town_id(*pair) for pair in pairs], dtype=object)
    images = row[of_candidate]
    ranks = _ranks(images, _numbers(flat.field("probability")))
    return _rank_of_truth(images, ids, ranks, found.city)


def _numbers(column: pa.Array) -> NDArray[np.float64]:
    values: NDArray[np.float64] = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _ranks(row: Ints, probability: NDArray[np.float64]) -> Ints:
    """From 0, the place of each candidate among those of its row; without shares as they stand."""
    order = np.lexsort((-np.nan_to_num(probability), row))
    starts = np.searchsorted(row[order], row[order])
    ranks = np.empty(len(row), dtype=np.int64)
    ranks[order] = np.arange(len(row)) - starts
    return ranks


def _rank_of_truth(row: Ints, names: NDArray[np.object_], ranks: Ints, level: LevelOutcome) -> Ints:
    """[num_images] where in its list the truth stands; beyond every list where it does not."""
    best = np.full(len(level.known), np.iinfo(np.int64).max)
    is_true = (names == level.truth[row]) & level.known[row]
    np.minimum.at(best, row[is_true], ranks[is_true])
    return best


def _within(ranks: Ints, k: int, level: LevelOutcome) -> Figure:
    return share(int((ranks[level.known] < k).sum()), int(level.known.sum()))
