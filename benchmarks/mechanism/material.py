"""What all studies share: the drawn scenes, the samples made of them, and the trainings' length."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from georay.flow.drawn import make_samples

SEED, NUM_SCENES, TEST_IMAGES = 52, 12_000, 1_000
REASONING_SCENES = 1_000
"""Scenes whose clues are learnt: fewer reasons than located pictures, as in the paper."""
MIX_IMAGES = 600
EPOCHS = {"reasoning": 3, "location": 10}

Seeds = Sequence[int]
Files = dict[str, list[Path]]
"""Predictions of each row, one file per seed."""


def samples(folder: Path, share: float | None = None) -> Path:
    """Samples of both stages; with a share, stage 2 is a mix of that many locatable pictures."""
    out = folder / ("samples-few-clues" if share is None else f"samples-{share:g}")
    mix: Mapping[str, Any] | None = None
    if share is not None:
        mix = {"locatable_share": share, "num_images": MIX_IMAGES}
    if not (out / "samples.json").exists():
        print(make_samples(_clues_to_learn(folder), folder / "curation", out, mix), flush=True)
    return out / "samples"


def _clues_to_learn(folder: Path) -> Path:
    few = folder / "clues-to-learn.parquet"
    clues = pq.read_table(folder / "scenes" / "clues.parquet")
    first = pc.less(clues["image_id"], f"streetworld-{SEED}-{REASONING_SCENES:08d}")
    pq.write_table(clues.filter(first), few)
    return few
