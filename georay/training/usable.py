"""Finds the samples that can be learnt, their lengths, and why others cannot."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from georay.training.collate import Sample

_NAMED = 20


@dataclass(frozen=True)
class UsableSamples:
    """Samples in the order of their ids. num_tokens, num_learnt: [num_samples]."""

    samples: tuple[Sample, ...]
    num_tokens: NDArray[np.int64]
    num_learnt: NDArray[np.int64]
    left_out: dict[str, str]

    def note(self) -> str | None:
        """What was left out, by number and name; None if nothing was."""
        if not self.left_out:
            return None
        named = [f"{sample} ({why})" for sample, why in list(self.left_out.items())[:_NAMED]]
        more = len(self.left_out) - len(named)
        tail = f", and {more:,} more" if more else ""
        return f"{len(self.left_out):,} samples were left out: {', '.join(named)}{tail}"


def usable_samples(samples: pa.Table, measures: pa.Table, max_length: int) -> UsableSamples:
    """The samples that fit into max_length tokens and whose pictures can be read.

    measures: schema MEASURES, with a row for every sample, in any order.
    """
    by_id = {row["sample_id"]: row for row in measures.to_pylist()}
    kept: list[Sample] = []
    sizes: list[tuple[int, int]] = []
    left_out: dict[str, str] = {}
    for row in samples.to_pylist():
        sample, measure = Sample.from_row(row), by_id[row["sample_id"]]
        reason = _reason(measure, max_length)
        if reason is not None:
            left_out[sample.sample_id] = reason
            continue
        kept.append(sample)
        sizes.append((measure["num_tokens"], measure["num_learnt"]))
    lengths = np.array(sizes, dtype=np.int64).reshape(-1, 2)
    return UsableSamples(tuple(kept), lengths[:, 0], lengths[:, 1], left_out)


def _reason(measure: dict[str, object], max_length: int) -> str | None:
    if measure["error"] is not None:
        return str(measure["error"])
    tokens = measure["num_tokens"]
    assert isinstance(tokens, int)
    return f"{tokens:,} tokens, more than {max_length:,}" if tokens > max_length else None
