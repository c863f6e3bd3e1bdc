"""Measures how well confidence predicts accuracy: calibration, and the gain of abstaining.

Calibration compares the confidence of answers with the share of them that is right (Guo et al.
2017). The risk at a coverage is the share of wrong answers among the most confident ones, and AURC
its mean over all coverages (Geifman & El-Yaniv 2017): 0 where every right answer is more confident
than every wrong one and none is wrong.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from georay.evaluation.intervals import Figure, share

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

NUM_BINS = 10
_COVERAGES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_NUM_DRAWN = 100


@dataclass(frozen=True)
class Bin:
    """Answers with a confidence above `low` and up to `high` (the first bin: from 0)."""

    low: float
    high: float
    num_answers: int
    mean_confidence: float
    accuracy: Figure

    @property
    def share_right(self) -> float:
        assert self.accuracy.value is not None, "bins without an answer are left out"
        return self.accuracy.value


@dataclass(frozen=True)
class Calibration:
    """expected_error: ECE, the mean gap between confidence and accuracy over the answers' bins.

    bins: those that hold an answer. brier: mean squared gap of single answers.
    """

    num_answers: int
    expected_error: float
    largest_error: float
    brier: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class Abstaining:
    """Answering only what is at least as confident as `threshold`: how much that is of the answers
    and how much of it is right.
    """

    threshold: float
    coverage: float
    accuracy: Figure


@dataclass(frozen=True)
class RiskCoverage:
    """aurc: area under the curve of risk over coverage. best_aurc: of the best possible order.

    curve: (coverage, risk) at up to 100 coverages. abstaining: at some of them.
    """

    num_answers: int
    aurc: float
    best_aurc: float
    curve: tuple[tuple[float, float], ...]
    abstaining: tuple[Abstaining, ...]


def confidences(rows: pa.Table, country: NDArray[np.object_]) -> Floats:
    """How sure each answer of a table (schema JUDGED) is [num_images], NaN where nothing says it.

    Its `confidence`; else the probability that the candidates give to the answered country.
    country: the code of that, [num_images].
    """
    given: Floats = rows.column("confidence").to_numpy(zero_copy_only=False).astype(np.float64)
    candidates = rows.column("candidates").combine_chunks()
    named = np.asarray(pc.list_parent_indices(candidates), dtype=np.int64)
    flat = pc.list_flatten(candidates)
    if not len(flat):
        return given
    codes = np.array(flat.field("country").to_pylist(), dtype=object)
    shares = flat.field("probability").to_numpy(zero_copy_only=False).astype(np.float64)
    is_answer = (codes == country[named]) & np.isnan(given[named])
    np.fmax.at(given, named[is_answer], shares[is_answer])  # of a country named twice the higher
    return given


def calibration_of(confidence: Floats, right: Mask, num_bins: int = NUM_BINS) -> Calibration | None:
    """Of [num_answers] answers; None for none, or for confidences that are no probabilities."""
    if not len(confidence) or confidence.min() < 0 or confidence.max() > 1:
        return None
    edges = np.linspace(0.0, 1.0, num_bins + 1)
    # A confidence equal to an edge is in the bin below it, as in scikit-learn.
    where = np.searchsorted(edges[1:-1], confidence)
    bins = tuple(
        _bin(edges[number], edges[number + 1], confidence[where == number], right[where == number])
        for number in range(num_bins)
        if (where == number).any()
    )
    gaps = [abs(one.mean_confidence - one.share_right) for one in bins]
    weights = [one.num_answers / len(confidence) for one in bins]
    return Calibration(
        num_answers=len(confidence),
        expected_error=float(np.dot(gaps, weights)),
        largest_error=max(gaps),
        brier=float(np.mean((confidence - right) ** 2)),
        bins=bins,
    )


def _bin(low: float, high: float, confidence: Floats, right: Mask) -> Bin:
    return Bin(
        low=float(low),
        high=float(high),
        num_answers=len(confidence),
        mean_confidence=float(confidence.mean()),
        accuracy=share(int(right.sum()), len(right)),
    )


def risk_coverage_of(confidence: Floats, right: Mask) -> RiskCoverage | None:
    """Of [num_answers] answers, None for none. Answers of one confidence are taken together: their
    order is chance, and counts as all orders do on average.
    """
    number = len(confidence)
    if not number:
        return None
    wrong = _wrong_among_first(confidence, right)
    counts = np.arange(1, number + 1)
    risk = wrong / counts
    num_wrong = number - int(right.sum())
    best = np.maximum(counts - (number - num_wrong), 0) / counts
    drawn = np.unique(np.linspace(0, number - 1, min(number, _NUM_DRAWN)).round().astype(int))
    return RiskCoverage(
        num_answers=number,
        aurc=float(risk.mean()),
        best_aurc=float(best.mean()),
        curve=tuple((float(counts[n] / number), float(risk[n])) for n in drawn),
        abstaining=_abstaining(confidence, right),
    )


def _wrong_among_first(confidence: Floats, right: Mask) -> Floats:
    """How many of the first 1, 2, … answers are wrong on average over the orders of equals."""
    levels, level, sizes = np.unique(-confidence, return_inverse=True, return_counts=True)
    wrong = np.bincount(level, weights=~right, minlength=len(levels))
    per_answer = np.repeat(wrong / sizes, sizes)
    cumulated: Floats = np.cumsum(per_answer)
    return cumulated


def _abstaining(confidence: Floats, right: Mask) -> tuple[Abstaining, ...]:
    """Thresholds that answer at least so much; a threshold cannot part equals."""
    ordered = np.sort(confidence)[::-1]
    thresholds = {float(ordered[max(0, round(c * len(ordered)) - 1)]) for c in _COVERAGES}
    found = []
    for threshold in sorted(thresholds, reverse=True):
        answered = confidence >= threshold
        accuracy = share(int(right[answered].sum()), int(answered.sum()))
        found.append(Abstaining(threshold, float(answered.mean()), accuracy))
    return tuple(found)
