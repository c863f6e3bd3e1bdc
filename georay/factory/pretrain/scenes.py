"""StreetWorld scenes with what is true of them, drawn once to disk and read back. Without torch."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from georay.config.pretrain import PretrainScenes
from georay.core.images import squeezed
from georay.core.manifest import write_atomic
from georay.core.tables import conform
from georay.streetworld.scene import Scene
from georay.streetworld.words.questions import Pair, balanced, questions_of
from georay.streetworld.words.things import Thing, located_things
from georay.streetworld.world import StreetWorld

_PER_SHARD = 250
_QUALITY = 95
MASK_SIDE = 64
"""Points of a scene's class mask on each side, whatever the size of its picture."""

_QUESTION = pa.struct([(name, pa.string()) for name in ("kind", "topic", "question", "answer")])
_THING = pa.struct(
    [("kind", pa.string()), ("text", pa.string()), ("box", pa.list_(pa.float32(), 4))]
)
ASKED_SCENES = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("image", pa.binary(), nullable=False),
        pa.field("questions", pa.list_(_QUESTION), nullable=False),
        pa.field("mask", pa.binary(), nullable=False),
        pa.field("things", pa.list_(_THING), nullable=False),
    ]
)
"""A scene as JPEG, squeezed to the model's size; everything that is asked about it; its class mask
of ADE20K ids as PNG, sampled at MASK_SIDE × MASK_SIDE points; and its things with their boxes."""


@dataclass(frozen=True)
class AskedScene:
    """A JPEG picture of the model's size, the questions about it, and what it shows where."""

    image_id: str
    image: bytes
    questions: tuple[Pair, ...]
    mask: bytes
    things: tuple[Thing, ...]

    def picture(self) -> Image.Image:
        return Image.open(io.BytesIO(self.image)).convert("RGB")

    def labels(self) -> NDArray[np.uint8]:
        """ADE20K ids, [MASK_SIDE, MASK_SIDE]."""
        return np.asarray(Image.open(io.BytesIO(self.mask)))


def training_scenes(
    settings: PretrainScenes, side: int, say: Callable[[str], None]
) -> list[AskedScene]:
    """The scenes to train on, drawn if they are not there yet; their answers are balanced."""
    scenes = _scenes(settings, side, settings.seed, settings.num_scenes, say)
    return _balanced(scenes, settings)


def held_out_scenes(
    settings: PretrainScenes, side: int, say: Callable[[str], None]
) -> list[AskedScene]:
    """The scenes to evaluate on, of another seed, balanced in the same way."""
    scenes = _scenes(settings, side, settings.test_seed, settings.num_test_scenes, say)
    return _balanced(scenes, settings)


def _scenes(
    settings: PretrainScenes, side: int, seed: int, number: int, say: Callable[[str], None]
) -> list[AskedScene]:
    """Scenes 0 to `number` of a seed; shards that are there stay, so a killed run goes on."""
    folder = settings.folder / f"seed-{seed}-{side}"
    shards = {
        first: folder / f"{first:08d}-{min(first + _PER_SHARD, number):08d}.parquet"
        for first in range(0, number, _PER_SHARD)
    }
    missing = [path for path in shards.values() if not _is_whole(path)]
    if missing:
        draw = partial(_draw_shard, seed, side)
        # Spawned, because a fork of a process with threads may hang.
        with ProcessPoolExecutor(settings.processes, get_context("spawn")) as pool:
            for path, _ in zip(missing, pool.map(draw, missing), strict=True):
                say(f"drew scenes of seed {seed} up to {_last(path):,} of {number:,}")
    return [scene for path in shards.values() for scene in _read(path)]


def _is_whole(shard: Path) -> bool:
    """Whether a shard is there, to its end, and holds what is asked for today."""
    try:
        return pq.read_schema(shard).equals(ASKED_SCENES)
    except (OSError, pa.ArrowException):
        return False


def _last(shard: Path) -> int:
    return int(shard.stem.split("-")[1])


def _draw_shard(seed: int, side: int, path: Path) -> None:
    world = StreetWorld(seed)
    first = int(path.stem.split("-")[0])
    rows = [_row(world, index, side) for index in range(first, _last(path))]
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=ASKED_SCENES), buffer)
    write_atomic(path, buffer.getvalue())


def _row(world: StreetWorld, index: int, side: int) -> dict[str, object]:
    scene = world.scene(index)
    buffer = io.BytesIO()
    picture = squeezed(Image.fromarray(scene.image), side)
    picture.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return {
        "image_id": scene.name,
        "image": buffer.getvalue(),
        "questions": [asdict(pair) for pair in questions_of(scene)],
        "mask": _sampled(scene),
        "things": [asdict(thing) for thing in located_things(scene)],
    }


def _sampled(scene: Scene) -> bytes:
    """The class mask at the middles of a grid's cells, as PNG."""
    places = ((np.arange(MASK_SIDE) + 0.5) * len(scene.mask) / MASK_SIDE).astype(np.intp)
    buffer = io.BytesIO()
    Image.fromarray(scene.mask[np.ix_(places, places)]).save(buffer, "PNG")
    return buffer.getvalue()


def _read(path: Path) -> list[AskedScene]:
    table = conform(pq.read_table(path), ASKED_SCENES, path.name)
    return [_scene(row) for row in table.to_pylist()]


def _scene(row: dict[str, Any]) -> AskedScene:
    return AskedScene(
        row["image_id"],
        row["image"],
        tuple(Pair(**pair) for pair in row["questions"]),
        row["mask"],
        tuple(Thing(thing["kind"], thing["text"], tuple(thing["box"])) for thing in row["things"]),
    )


def _balanced(scenes: Sequence[AskedScene], settings: PretrainScenes) -> list[AskedScene]:
    """The scenes with the questions that keep every topic's answers balanced."""
    asked = [(place, pair) for place, scene in enumerate(scenes) for pair in scene.questions]
    topics = [pair.topic for _, pair in asked]
    answers = [pair.answer for _, pair in asked]
    kept: list[list[Pair]] = [[] for _ in scenes]
    for row in balanced(topics, answers, settings.commonest_answer, settings.seed):
        place, pair = asked[row]
        kept[place].append(pair)
    return [
        replace(scene, questions=tuple(pairs))
        for scene, pairs in zip(scenes, kept, strict=True)
        if pairs
    ]
