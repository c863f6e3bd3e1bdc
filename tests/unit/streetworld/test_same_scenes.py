"""Twelve scenes of three seeds are those that were drawn before, byte for byte.

`python tests/unit/streetworld/test_same_scenes.py` writes the record anew, where scenes are meant
to change.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from georay.streetworld.scene import Scene
from georay.streetworld.words.questions import questions_of
from georay.streetworld.words.sentences import clue_rows
from georay.streetworld.world import StreetWorld

RECORD = Path(__file__).parent / "golden" / "twelve.json"
SCENES = [(seed, index) for seed in (4, 20, 77) for index in range(4)]
SIZE, GRID = 128, 4


def _drawn(seed: int, index: int) -> Scene:
    return StreetWorld(seed, SIZE).scene(index)


def _picture(scene: Scene) -> dict[str, object]:
    """Its digest, and its mean colours, for a processor that rounds blends the other way."""
    cells = scene.image.reshape(GRID, SIZE // GRID, GRID, SIZE // GRID, 3)
    return {
        "digest": hashlib.sha256(scene.image.tobytes()).hexdigest(),
        "colours": cells.mean(axis=(1, 3)).round().astype(int).ravel().tolist(),
    }


def _truth(scene: Scene) -> str:
    """The digest of the mask and of all that is said of the scene."""
    said = [
        [scene.caption, scene.country, scene.city, scene.latitude, scene.longitude, scene.heading],
        [asdict(clue) for clue in scene.clues],
        list(clue_rows(scene)),
        [asdict(pair) for pair in questions_of(scene)],
    ]
    text = json.dumps(said, ensure_ascii=False).encode()
    return hashlib.sha256(scene.mask.tobytes() + text).hexdigest()


@pytest.mark.parametrize(("seed", "index"), SCENES)
def test_a_scene_is_the_one_of_the_record(seed: int, index: int) -> None:
    kept = json.loads(RECORD.read_text())[f"{seed}-{index}"]
    scene = _drawn(seed, index)
    assert _truth(scene) == kept["truth"]
    picture = _picture(scene)
    if picture["digest"] != kept["digest"]:
        assert np.abs(np.subtract(picture["colours"], kept["colours"])).max() <= 1


if __name__ == "__main__":
    record = {}
    for seed, index in SCENES:
        scene = _drawn(seed, index)
        record[f"{seed}-{index}"] = {"truth": _truth(scene), **_picture(scene)}
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(record[name])}" for name in record)
    RECORD.write_text(f"{{\n{lines}\n}}\n")
