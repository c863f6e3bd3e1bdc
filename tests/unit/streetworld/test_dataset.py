"""Scenes through Ray Data: every one once, whatever worker drew it."""

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from georay.config.cluster import ClusterRecipe
from georay.runtime.connect import connect
from georay.streetworld.export import dataset
from georay.streetworld.export.records import SCENES
from georay.streetworld.world import StreetWorld


def test_streamed_scenes_are_the_same_as_those_drawn_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "ROWS_PER_FILE", 8)
    with connect(ClusterRecipe(num_cpus=2)):
        dataset.write_scenes(dataset.SceneRange(5, 20, first=100, size=64), tmp_path / "scenes")
    table = pq.read_table(tmp_path / "scenes").sort_by("index")
    assert table.schema.names == SCENES.names
    assert table["index"].to_pylist() == list(range(100, 120))
    row = table.slice(7, 1).to_pylist()[0]
    mask = np.asarray(Image.open(io.BytesIO(row["mask"])))
    assert np.array_equal(mask, StreetWorld(5, 64).scene(107).mask)
