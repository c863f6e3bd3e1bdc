"""Scenes as files and as a table."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from georay.streetworld.export.dataset import DrawScenes, SceneRange, write_scenes
from georay.streetworld.export.records import LABEL_COLUMNS, SCENES, write_folder
from georay.streetworld.world import StreetWorld


def test_a_folder_holds_pictures_masks_labels_and_clues(tmp_path: Path) -> None:
    world = StreetWorld(2, size=96)
    write_folder(world, 3, tmp_path, first=4)
    rows = list(csv.DictReader((tmp_path / "labels.csv").open(encoding="utf-8")))
    assert tuple(rows[0]) == LABEL_COLUMNS
    assert len(rows) == 3
    for index, row in enumerate(rows, 4):
        scene = world.scene(index)
        picture = np.asarray(Image.open(tmp_path / row["file"]), np.int16)
        mask = Image.open(tmp_path / "masks" / f"{scene.name}.png")
        assert np.abs(picture - scene.image).mean() < 6
        assert np.array_equal(np.asarray(mask), scene.mask)
        assert row["city"] == scene.city
        assert int(row["visible_clue_count"]) == scene.visible_clue_count
    assert pq.read_table(tmp_path / "clues.parquet").num_rows > 0


def test_the_drawing_stage_makes_rows_that_decode_to_the_scenes() -> None:
    stage = DrawScenes(SceneRange(seed=2, num_images=2, first=10, size=96))
    table = stage({"id": np.array([0, 1])})
    assert table.schema == SCENES
    row = table.to_pylist()[1]
    scene = StreetWorld(2, 96).scene(11)
    mask = np.asarray(Image.open(io.BytesIO(row["mask"])))
    assert np.array_equal(mask, scene.mask)
    assert row["image_id"] == scene.name
    assert [clue["kind"] for clue in json.loads(row["clues"])] == [c.kind for c in scene.clues]


def test_a_folder_with_old_scenes_and_empty_ranges_are_refused(tmp_path: Path) -> None:
    (tmp_path / "old.parquet").touch()
    with pytest.raises(ValueError, match="not empty"):
        write_scenes(SceneRange(0, 1), tmp_path)
    with pytest.raises(ValueError, match="at least one image"):
        SceneRange(0, 0)
    with pytest.raises(ValueError, match="at least one image"):
        write_folder(StreetWorld(0, 64), 0, tmp_path)
