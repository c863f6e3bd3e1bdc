"""Probabilities that mean what they say, fitted on pictures whose countries are known.

The log-odds of the likeliest country are put on a line (Platt 1999, for whether it is right); every
other probability follows by the one temperature of the picture that gives the likeliest country its
share. So the order of the countries stays. One temperature for all pictures (Guo et al. 2017) was
measured too and left more error: a quarter of drawn scenes show nothing, the others a lot.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logsumexp

from georay.core.manifest import write_json

FILE = "calibration.json"
UNSURE_SHARE = 0.04
"""Of the pictures that count, those that may be called unsure."""

_NUM_BINS = 15
_STEEPEST = 20.0
_COLDEST, _HOTTEST = -12.0, 12.0  # log of the temperatures that are tried
_HALVINGS = 60
_ROUNDING = 1e-9

Scores = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Calibration(BaseModel):
    """A line for the log-odds of the likeliest country, and what it did where it was fitted.

    sure_from: a country less probable is not sure. weights: those that it was fitted for, hashes
    by name. nll: mean negative log-probability of the true country. ece: expected calibration
    error, 15 bins of equal width. Both (before, after).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float = Field(ge=0)
    offset: float
    sure_from: float = Field(ge=0, le=1)
    num_pictures: int = Field(ge=1)
    nll: tuple[float, float]
    ece: tuple[float, float]
    weights: dict[str, str]

    @classmethod
    def fit(
        cls,
        log_probabilities: Scores,
        truth: Sequence[int],
        weights: Mapping[str, str],
        counted: Mask | None = None,
    ) -> Self:
        """The line of the likeliest fit, and the highest threshold that calls few pictures unsure.

        log_probabilities: [pictures, countries], each row's exponentials summing to 1. truth: the
        column of each picture's country. weights: of the model, by name and hash. counted: which
        pictures [pictures] may not be called unsure more often than `UNSURE_SHARE`, by default
        those whose likeliest country is right.
        Raises ValueError where there is nothing to fit on.
        """
        columns = np.array(truth, dtype=np.int64)
        if not len(columns) or log_probabilities.shape[0] != len(columns):
            raise ValueError("a calibration needs pictures, and the true country of each of them")
        right = log_probabilities.argmax(axis=-1) == columns
        slope, offset = _line(_log_odds(log_probabilities), right)
        after = _likeliest_at(
            log_probabilities, expit(slope * _log_odds(log_probabilities) + offset)
        )
        confidence = np.exp(after.max(axis=-1))
        return cls(
            slope=slope,
            offset=offset,
            sure_from=_threshold(confidence[right if counted is None else counted]),
            num_pictures=len(columns),
            nll=(_nll(log_probabilities, columns), _nll(after, columns)),
            ece=(_ece_of(log_probabilities, right), _ece_of(after, right)),
            weights=dict(weights),
        )

    def applied(self, log_probabilities: Scores) -> Scores:
        """Calibrated log-probabilities [..., countries], in the same order."""
        log_odds = _log_odds(log_probabilities)
        return _likeliest_at(log_probabilities, expit(self.slope * log_odds + self.offset))

    def is_sure(self, confidence: float) -> bool:
        """Whether an answer of this (calibrated) confidence is sure."""
        return confidence >= self.sure_from - _ROUNDING

    def is_of(self, weights: Mapping[str, str]) -> bool:
        """Whether it was fitted for these weights, by name and hash."""
        return self.weights == dict(weights)

    def save(self, folder: Path) -> None:
        """Writes it beside the model or the adapters that it belongs to."""
        write_json(folder / FILE, self.model_dump(mode="json"))

    @classmethod
    def find(cls, folder: Path) -> Self | None:
        """What `save` left in a folder, if anything. Raises ValueError for a damaged file."""
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, ValidationError) as problem:
            again = "fit it again with georay calibrate, or remove it"
            raise ValueError(f"{path} is not a calibration ({again}): {problem}") from None


def tempered(log_probabilities: Scores, temperature: float) -> Scores:
    """Log-probabilities [..., countries] at another temperature, normalised again."""
    scaled = log_probabilities / temperature
    top = scaled.max(axis=-1, keepdims=True)
    scores: Scores = scaled - top - np.log(np.exp(scaled - top).sum(axis=-1, keepdims=True))
    return scores


def expected_calibration_error(confidence: Scores, correct: Mask) -> float:
    """Mean over pictures of |confidence − share correct| within 15 bins of confidence."""
    bins = np.minimum((confidence * _NUM_BINS).astype(np.int64), _NUM_BINS - 1)
    surplus = np.bincount(bins, weights=confidence - correct, minlength=_NUM_BINS)
    return float(np.abs(surplus).sum() / len(confidence))


def _log_odds(log_probabilities: Scores) -> Scores:
    """Of the likeliest country against all others together, [...]; exact for the very sure."""
    ordered = np.sort(log_probabilities, axis=-1)
    odds: Scores = ordered[..., -1] - logsumexp(ordered[..., :-1], axis=-1)
    return odds


def _line(log_odds: Scores, right: Mask) -> tuple[float, float]:
    """Slope and offset of the likeliest line; Platt's targets keep it finite for few pictures."""
    num_right, num_wrong = int(right.sum()), int((~right).sum())
    target = np.where(right, (num_right + 1) / (num_right + 2), 1 / (num_wrong + 2))

    def loss(line: Scores) -> float:
        at = line[0] * log_odds + line[1]
        return float(-np.mean(target * log_expit(at) + (1 - target) * log_expit(-at)))

    bounds = ((0.0, _STEEPEST), (-_STEEPEST, _STEEPEST))
    slope, offset = minimize(loss, np.array([1.0, 0.0]), bounds=bounds).x
    return float(slope), float(offset)


def _likeliest_at(log_probabilities: Scores, share: Scores) -> Scores:
    """Each row at the temperature that gives its likeliest country a share, as near as can be."""
    below = log_probabilities - log_probabilities.max(axis=-1, keepdims=True)
    cold, hot = np.full(share.shape, _COLDEST), np.full(share.shape, _HOTTEST)
    for _ in range(_HALVINGS):
        middle = (cold + hot) / 2
        reached = 1 / np.exp(below / np.exp(middle)[..., None]).sum(axis=-1)
        cold = np.where(reached >= share, middle, cold)
        hot = np.where(reached >= share, hot, middle)
    scaled = below / np.exp((cold + hot) / 2)[..., None]
    scores: Scores = scaled - logsumexp(scaled, axis=-1, keepdims=True)
    return scores


def _threshold(confidence: Scores) -> float:
    """The highest that so few are below; 1 where nobody is ever right."""
    if not len(confidence):
        return 1.0
    return float(np.sort(confidence)[int(UNSURE_SHARE * len(confidence))])


def _nll(log_probabilities: Scores, columns: NDArray[np.int64]) -> float:
    return float(-log_probabilities[np.arange(len(columns)), columns].mean())


def _ece_of(log_probabilities: Scores, right: Mask) -> float:
    return expected_calibration_error(np.exp(log_probabilities.max(axis=-1)), right)
