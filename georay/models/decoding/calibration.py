"""Probabilities that mean what they say: one temperature, fitted on pictures with known answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.optimize import minimize_scalar

from georay.core.manifest import write_json

FILE = "calibration.json"
_NUM_BINS = 15
_LOWEST, _HIGHEST = 0.05, 20.0  # temperatures: beyond them the ranking says nothing at all

Scores = NDArray[np.float64]


class Calibration(BaseModel):
    """A temperature and what it did on the pictures it was fitted on.

    `nll`: mean negative log-probability of the true country. `ece`: expected calibration error, 15
    bins of equal width. Both in the order (before, after).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(gt=0)
    num_pictures: int = Field(ge=1)
    nll: tuple[float, float]
    ece: tuple[float, float]

    @classmethod
    def fit(cls, log_probabilities: Scores, truth: Sequence[int]) -> Self:
        """The temperature of the least NLL (Guo et al. 2017).

        log_probabilities: [pictures, countries], each row's exponentials summing to 1. truth: the
        column of each picture's country. Raises ValueError where there is nothing to fit on.
        """
        columns = np.array(truth, dtype=np.int64)
        if not len(columns) or log_probabilities.shape[0] != len(columns):
            raise ValueError("a calibration needs pictures, and the true country of each of them")

        def nll(log_temperature: float) -> float:
            return _nll(tempered(log_probabilities, float(np.exp(log_temperature))), columns)

        bounds = (float(np.log(_LOWEST)), float(np.log(_HIGHEST)))
        best = float(np.exp(minimize_scalar(nll, bounds=bounds, method="bounded").x))
        after = tempered(log_probabilities, best)
        return cls(
            temperature=best,
            num_pictures=len(columns),
            nll=(_nll(log_probabilities, columns), _nll(after, columns)),
            ece=(_ece_of(log_probabilities, columns), _ece_of(after, columns)),
        )

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
            raise ValueError(f"{path} is not a calibration: {problem}") from None


def tempered(log_probabilities: Scores, temperature: float) -> Scores:
    """Log-probabilities [..., countries] at another temperature, normalised again."""
    scaled = log_probabilities / temperature
    top = scaled.max(axis=-1, keepdims=True)
    scores: Scores = scaled - top - np.log(np.exp(scaled - top).sum(axis=-1, keepdims=True))
    return scores


def expected_calibration_error(confidence: Scores, correct: NDArray[np.bool_]) -> float:
    """Mean over pictures of |confidence − share correct| within 15 bins of confidence."""
    bins = np.minimum((confidence * _NUM_BINS).astype(np.int64), _NUM_BINS - 1)
    surplus = np.bincount(bins, weights=confidence - correct, minlength=_NUM_BINS)
    return float(np.abs(surplus).sum() / len(confidence))


def _nll(log_probabilities: Scores, columns: NDArray[np.int64]) -> float:
    return float(-log_probabilities[np.arange(len(columns)), columns].mean())


def _ece_of(log_probabilities: Scores, columns: NDArray[np.int64]) -> float:
    confidence = np.exp(log_probabilities.max(axis=-1))
    return expected_calibration_error(confidence, log_probabilities.argmax(axis=-1) == columns)
