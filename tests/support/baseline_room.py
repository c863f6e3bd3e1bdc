"""Drawn pictures as samples, and recipes of baselines so small that they train in seconds."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch

from georay.config.baselines import BaselineRecipe
from georay.config.load import parse_recipe
from georay.config.predict import PredictRecipe
from georay.core.images import content_id
from georay.core.manifest import digest
from georay.core.prompts import LOCATION, target_answer
from georay.core.tables import SAMPLES, rows_to_table
from georay.evaluation.baselines.learner import Learner, num_steps
from georay.evaluation.baselines.locator import viewer_of
from georay.evaluation.baselines.pictures import LearntPictures, View, Viewer, stacked
from georay.evaluation.baselines.protocol import Baseline
from georay.evaluation.baselines.systems import build_system, system_class
from georay.evaluation.datasets import KnownPicture, read_split
from georay.models.locations import Location
from georay.streetworld.export.records import jpeg_bytes
from georay.streetworld.world import StreetWorld

SCENES = {"train": 20, "test": 6}
RESNET = {"small": {"kind": "resnet", "width": 64}}
VIT = {"small": {"kind": "vit", "width": 64, "depth": 2, "patch_size": 8}}
CELLS = {"min_pictures": 1, "max_pictures": 1}
LEVELS = [{"min_pictures": 1, "max_pictures": most} for most in (8, 3, 1)]
SYSTEMS: dict[str, dict[str, Any]] = {
    "vit": {"backbone": VIT},
    "streetclip": {"backbone": VIT, "towns_per_country": 20},
    "geoclip": {"backbone": RESNET, "queue_size": 32},
    "planet": {"backbone": RESNET, "partition": CELLS},
    "cplanet": {
        "backbone": RESNET,
        "partition": CELLS,
        "num_partitions": 6,
        "num_classes": 12,
    },
    "isns": {"backbone": RESNET, "partitions": LEVELS},
    "translocator": {"backbone": VIT, "partitions": LEVELS},
    "geodecoder": {
        "backbone": RESNET,
        "partitions": LEVELS,
        "independent_layers": 1,
        "dependent_layers": 1,
        "num_heads": 2,
    },
}
SLOWER = {"streetclip": {"num_epochs": 110, "learning_rate": 7e-4}}
"""What learns the same pictures in more or smaller steps."""


def write_samples(folder: Path) -> Path:
    """Located scenes of both splits as samples of the stage "location"."""
    folder.mkdir(exist_ok=True)
    world, rows, number = StreetWorld(seed=3, size=96), [], 0
    for split, count in SCENES.items():
        for _ in range(count):
            scene = world.scene(number)
            raw, number = jpeg_bytes(scene.image), number + 1
            path = folder / f"{content_id(raw)}.jpg"
            path.write_bytes(raw)
            answer = target_answer(LOCATION, country=scene.country, city=scene.city)
            rows.append(
                {
                    "sample_id": digest(number),
                    "stage": "location",
                    "split": split,
                    "place": f"{scene.country}/{scene.city}",
                    "image_id": content_id(raw),
                    "uri": str(path),
                    "question": LOCATION.question,
                    "answer": answer,
                    "country": scene.country,
                    "city": scene.city,
                    "latitude": scene.latitude,
                    "longitude": scene.longitude,
                }
            )
    pq.write_table(rows_to_table(rows, SAMPLES), folder / "samples.parquet")
    return folder / "samples.parquet"


def recipe_of(samples: Path, output: Path, name: str, /, **changes: Any) -> BaselineRecipe:
    """A small system that learns its few pictures by heart."""
    content: dict[str, Any] = {
        "samples": [str(samples)],
        "output": str(output),
        "system": {"name": name} | SYSTEMS[name],
        "image_size": 48,
        "learning": {
            "num_epochs": 40,
            "batch_size": 10,
            "learning_rate": 2e-3,
            "weight_decay": 0.0,
            "min_scale": 1.0,
        }
        | SLOWER.get(name, {}),
        "checkpoints": {"every": 10},
    }
    return parse_recipe(content | changes, BaselineRecipe, "test")


def asked_of(samples: Path, model: Path, output: Path, /, **changes: Any) -> PredictRecipe:
    """What `georay predict` is asked about a baseline's folder."""
    content: dict[str, Any] = {
        "samples": [str(samples)],
        "model": str(model),
        "output": str(output),
        "answering": {"top_k": 3, "batch_size": 4},
        "shard_size": 4,
    }
    return parse_recipe(content | changes, PredictRecipe, "test")


_SEEN: dict[tuple[object, ...], View] = {}


class _RememberingViewer(Viewer):
    """Segmenting takes most of a test's time, and all systems look at the same pictures."""

    def read(self, picture: KnownPicture) -> View:
        key = (picture.image_id, self._size, self._segmenter is None)
        if key not in _SEEN:
            _SEEN[key] = super().read(picture)
        return _SEEN[key]


def _viewer(recipe: BaselineRecipe, *, with_scenes: bool) -> Viewer:
    found = viewer_of(recipe, "cpu", with_scenes=with_scenes)
    found.__class__ = _RememberingViewer
    return found


def learnt_by_heart(recipe: BaselineRecipe) -> tuple[Baseline, float, float]:
    """A system trained in this process, without Ray, and its first and last loss."""
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    pictures = train_pictures(recipe)
    network = build_system(recipe, system_class(recipe).facts(recipe, pictures))
    network.start()
    viewer = _viewer(recipe, with_scenes=network.sees_scenes != "never")
    seen = LearntPictures(viewer, pictures, 2**30)
    assert recipe.learning is not None and not seen.left_out
    learner = Learner(network, recipe.learning, seen, recipe.seed)
    total = num_steps(len(pictures), recipe.learning)
    losses = [learner.step(number, number / total) for number in range(total)]
    return network.eval(), losses[0], losses[-1]


def answers(network: Baseline, recipe: BaselineRecipe, top_k: int = 3) -> list[Location]:
    """What it says of its own training pictures."""
    viewer = _viewer(recipe, with_scenes=network.sees_scenes == "always")
    return network.locations(stacked([viewer.read(one) for one in train_pictures(recipe)]), top_k)


def train_pictures(recipe: BaselineRecipe) -> list[KnownPicture]:
    return list(read_split(recipe.samples, "train", "location"))
