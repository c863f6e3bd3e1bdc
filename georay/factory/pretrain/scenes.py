"""StreetWorld scenes with their questions, drawn once to disk and read back. Without torch."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from georay.config.pretrain import PretrainScenes
from georay.core.images import squeezed
from georay.core.manifest import write_atomic
from georay.core.tables import conform
from georay.streetworld.words.questions import Pair, balanced, questions_of
from georay.streetworld.world import StreetWorld

_PER_SHARD = 250
_QUALITY = 95

_QUESTION = pa.struct([(name, pa.string()) for name in ("kind", "topic", "question", "answer")])
ASKED_SCENES = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("image", pa.binary(), nullable=False),
        pa.field("questions", pa.list_(_QUESTION), nullable=False),
    ]
)
"""A scene as JPEG, squeezed to the model's size, and everything that is asked about it."""


@dataclass(frozen=True)
class AskedScene:
    """A JPEG picture of the model's size and the questions about it."""

    image_id: str
    image: bytes
    questions: tuple[Pair, ...]

    def picture(self) -> Image.Image:
        return Image.open(io.BytesIO(self.image)).convert("RGB")


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
    """Whether a shard is there, to its end: a Parquet file closes with what is in it."""
    try:
        pq.read_metadata(shard)
    except (OSError, pa.ArrowException):
        return False
    return True


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
    questions = [asdict(pair) for pair in questions_of(scene)]
    return {"image_id": scene.name, "image": buffer.getvalue(), "questions": questions}


def _read(path: Path) -> list[AskedScene]:
    table = conform(pq.read_table(path), ASKED_SCENES, path.name)
    return [
        AskedScene(row["image_id"], row["image"], tuple(Pair(**pair) for pair in row["questions"]))
        for row in table.to_pylist()
    ]


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
        AskedScene(scene.image_id, scene.image, tuple(pairs))
        for scene, pairs in zip(scenes, kept, strict=True)
        if pairs
    ]
