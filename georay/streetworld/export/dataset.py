"""Any number of scenes as Parquet through Ray Data, in flat memory: the one file here with Ray."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import ray.data

from georay.core.run_folder import new_folder
from georay.streetworld.export.records import SCENES, scene_row
from georay.streetworld.world import DEFAULT_SIZE, StreetWorld

Batch = dict[str, np.ndarray]
ROWS_PER_FILE = 512
_BATCH = 32


@dataclass(frozen=True)
class SceneRange:
    """Which scenes to draw: `num_images` from number `first` of the world `seed`."""

    seed: int
    num_images: int
    first: int = 0
    size: int = DEFAULT_SIZE

    def __post_init__(self) -> None:
        if self.num_images < 1:
            raise ValueError(f"draw at least one image, got {self.num_images}")
        if self.first < 0:
            raise ValueError(f"scenes are numbered from 0, got {self.first}")


class DrawScenes:
    """Ray Data operator: draws and encodes the scenes whose numbers it is given."""

    reads = ("id",)
    adds = tuple(SCENES.names)

    def __init__(self, scenes: SceneRange) -> None:
        self._world = StreetWorld(scenes.seed, scenes.size)
        self._first = scenes.first

    def __call__(self, batch: Batch) -> pa.Table:
        rows = [scene_row(self._world.scene(self._first + int(i))) for i in batch["id"]]
        return pa.Table.from_pylist(rows, schema=SCENES)


def write_scenes(scenes: SceneRange, folder: Path, workers: int = 1) -> None:
    """Streams the scenes into Parquet files of `ROWS_PER_FILE` rows in a new folder.

    Blocks are sized explicitly, so that memory does not grow with the number of scenes. Needs a
    running Ray. Raises ValueError if the folder already has files.
    """
    with new_folder(folder) as fresh:
        _write(scenes, fresh, workers)


def _write(scenes: SceneRange, folder: Path, workers: int) -> None:
    num_blocks = -(-scenes.num_images // ROWS_PER_FILE)
    numbers = ray.data.range(scenes.num_images, override_num_blocks=num_blocks)
    drawn = numbers.map_batches(
        DrawScenes,
        fn_constructor_args=(scenes,),
        batch_size=_BATCH,
        batch_format="numpy",
        zero_copy_batch=True,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=0.5,
    )
    drawn.write_parquet(str(folder), min_rows_per_file=ROWS_PER_FILE)
