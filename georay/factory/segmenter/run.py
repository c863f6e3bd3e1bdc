"""From a recipe to the files that are shipped."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import save
from transformers import MaskFormerForInstanceSegmentation

from georay.config.segmenter import TrainSegmenterRecipe
from georay.core.manifest import write_atomic
from georay.core.run_folder import only_writer, publishing
from georay.factory.resumable import Progress
from georay.factory.segmenter.calibrate import calibrated
from georay.factory.segmenter.camvid import read_split
from georay.factory.segmenter.drawn import held_out_scenes
from georay.factory.segmenter.evaluate import DRAWN, evaluate
from georay.factory.segmenter.label_sets import head_labels
from georay.factory.segmenter.lessons import camvid_source, crop_weights, lessons_of
from georay.factory.segmenter.loop import train
from georay.factory.segmenter.maskformer import SmallMaskFormerTask, small_image_processor
from georay.factory.segmenter.outdoor import evaluate_outdoor, sets_that_are_there
from georay.factory.segmenter.small import (
    SmallSegmenterTask,
    balanced_class_weights,
    starting_network,
    undo_class_weights,
)
from georay.locatability.labels import ADE20K_LABELS, LABEL_INDEX
from georay.models.segmenters.abstention import Abstention
from georay.models.segmenters.network import SmallSegmenterNetwork
from georay.models.segmenters.small import OTHER, load_small

WEIGHTS_FILE = "small_segmenter.safetensors"


def train_segmenter(recipe: TrainSegmenterRecipe, report: Callable[[Progress], None]) -> Path:
    """Trains by the recipe and writes the result in half precision; returns its path.

    A file small_segmenter.safetensors, or a folder maskformer for transformers. Raises
    ValueError if CamVid is not where the recipe says or another run writes to the same folder,
    ModelUnavailable without the encoder.
    """
    with only_writer(recipe.out):
        return _train(recipe, report)


def _train(recipe: TrainSegmenterRecipe, report: Callable[[Progress], None]) -> Path:
    if recipe.architecture == "small":
        return _train_small(recipe, report)
    return _train_maskformer(recipe, report)


def evaluate_file(recipe: TrainSegmenterRecipe, weights: Path, split: str) -> str:
    """The scores of a weights file on CamVid, on held-out drawn scenes and on photographs, as text.

    Folders that do not exist are left out, and drawn scenes where the recipe has none.
    """
    torch.set_num_threads(recipe.threads)
    segmenter = load_small(weights)
    lines = [segmenter.id]
    if recipe.camvid is not None and recipe.camvid.exists():
        score = evaluate(segmenter, read_split(recipe.camvid, split))
        lines += [f"CamVid, {split}", score.as_text()]
    if recipe.drawn is not None:
        score = evaluate(segmenter, held_out_scenes(recipe.drawn), DRAWN)
        lines += [f"drawn scenes, seed {recipe.drawn.test_seed}", score.as_text()]
    sets = sets_that_are_there(recipe.evaluation)
    if sets:
        outdoor = evaluate_outdoor(segmenter, sets, split)
        lines += [f"photographs of {', '.join(one.folder.name for one in sets)}, {split}"]
        lines += [outdoor.as_text()]
    return "\n".join(lines)


def _train_small(recipe: TrainSegmenterRecipe, report: Callable[[Progress], None]) -> Path:
    labels = list(head_labels())
    sources, lessons = lessons_of(recipe)
    task = SmallSegmenterTask(
        recipe, starting_network(recipe, full_names(labels)), lessons, crop_weights(sources)
    )
    network = cast(SmallSegmenterNetwork, train(recipe, task, sources, report))
    if recipe.drawn is not None:
        undo_class_weights(network, lessons[-1].class_weights, recipe.prior_shift)
    file = save_small(network, full_names(labels), recipe.out / WEIGHTS_FILE)
    if recipe.abstention is not None:
        bounds = calibrated(load_small(file), recipe.evaluation, "val", recipe.abstention)
        save_small(network, full_names(labels), file, bounds)
    return file


def full_names(labels: Sequence[str]) -> list[str]:
    """Labels as ADE20K writes them in full, by which weights files name them."""
    return [ADE20K_LABELS[LABEL_INDEX[one]] if one != OTHER else OTHER for one in labels]


def save_small(
    network: SmallSegmenterNetwork,
    labels: list[str],
    file: Path,
    bounds: Abstention | None = None,
) -> Path:
    """Writes weights as float16 with their labels and, where known, the bounds of abstention.

    Batch norm's step counters are dropped.
    """
    tensors = {
        name: value.half().contiguous()
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    metadata = {"labels": json.dumps(labels)}
    if bounds is not None:
        metadata["abstention"] = json.dumps(asdict(bounds))
    write_atomic(file, save(tensors, metadata=metadata))
    return file


def _train_maskformer(recipe: TrainSegmenterRecipe, report: Callable[[Progress], None]) -> Path:
    source = camvid_source(recipe)
    task = SmallMaskFormerTask(recipe, balanced_class_weights(source.examples))
    trained = train(recipe, task, [source], report)
    model = cast(MaskFormerForInstanceSegmentation, trained)
    with publishing(recipe.out) as fresh:
        folder = fresh / "maskformer"
        model.to(torch.float16).save_pretrained(folder)
        small_image_processor().save_pretrained(folder)
    return recipe.out / folder.name
