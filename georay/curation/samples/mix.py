"""Training pictures at one size and a chosen share of highly locatable ones."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from georay.core.splits import fraction


def mix_locatable(
    scores: pa.Table, share: float, size: int, seed: int, threshold: float = 0.4
) -> pa.Table:
    """`size` rows of which `share` (to the nearest row) have locatability ≥ threshold.

    For the paper's figure 6 (section 4.1.2). scores: a table with `image_id` and `locatability`;
    rows without a score are passed over. Who is chosen depends on ids and seed alone, not on the
    order, and grows with the share: locatable pictures of a smaller share are in every larger one.
    Raises ValueError if there are too few pictures of either kind, saying how many.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of locatable pictures must be in [0, 1], got {share}")
    values = np.array(scores.column("locatability").to_pylist(), dtype=np.float64)
    ids = scores.column("image_id").to_pylist()
    rank = np.array([fraction("mix", seed, image_id) for image_id in ids])
    num_high = round(share * size)
    high = _first(np.flatnonzero(values >= threshold), rank, num_high, f"of {threshold} or more")
    low = _first(np.flatnonzero(values < threshold), rank, size - num_high, f"below {threshold}")
    return scores.take(pa.array(np.sort(np.concatenate([high, low]))))


def _first(
    rows: NDArray[np.int64], rank: NDArray[np.float64], wanted: int, kind: str
) -> NDArray[np.int64]:
    if len(rows) < wanted:
        raise ValueError(
            f"the mix asks for {wanted:,} pictures with a locatability {kind}, and there are "
            f"{len(rows):,}: ask for fewer, or score more pictures"
        )
    return rows[np.argsort(rank[rows], kind="stable")[:wanted]]
