"""From a recipe to the files that are shipped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import save
from transformers import MaskFormerForInstanceSegmentation

from georay.config.segmenter import TrainSegmenterRecipe
from georay.core.manifest import write_atomic
from georay.core.run_folder import only_writer, publishing
from georay.factory.resumable import Progress
from georay.factory.segmenter.camvid import (
    ADE20K_LABELS_OF_CLASS,
    CLASSES,
    Example,
    read_split,
)
from georay.factory.segmenter.drawn import head_labels, held_out_scenes, training_scenes
from georay.factory.segmenter.evaluate import DRAWN, evaluate
from georay.factory.segmenter.loop import Source, train
from georay.factory.segmenter.maskformer import SmallMaskFormerTask, small_image_processor
from georay.factory.segmenter.small import (
    SmallSegmenterTask,
    balanced_class_weights,
    starting_network,
    undo_class_weights,
)
from georay.locatability.labels import ADE20K_LABELS, LABEL_INDEX
from georay.models.segmenters.network import SmallSegmenterNetwork
from georay.models.segmenters.small import load_small


def train_segmenter(recipe: TrainSegmenterRecipe, report: Callable[[Progress], None]) -> Path:
    """Trains by the recipe and writes the result in half precision; returns its path.

    A file small_segmenter.safetensors, or a folder maskformer for transformers. Raises
    ValueError if CamVid is not where the recipe says or another run writes to the same folder,
    ModelUnavailable without the encoder.
    """
    with only_writer(recipe.out):
        return _train(recipe, report)


def _train(recipe: TrainSegmenterRecipe, report: Callable[[Progress], None]) -> Path:
    examples = [
        example for split in recipe.train_splits for example in read_split(recipe.camvid, split)
    ]
    if recipe.architecture == "small":
        return _train_small(recipe, examples, report)
    return _train_maskformer(recipe, examples, report)


def evaluate_file(recipe: TrainSegmenterRecipe, weights: Path, split: str) -> str:
    """The scores of a weights file on CamVid's split and on held-out drawn scenes, as text.

    CamVid is left out where its folder does not exist, drawn scenes where the recipe has none.
    """
    torch.set_num_threads(recipe.threads)
    segmenter = load_small(weights)
    lines = [segmenter.id]
    if recipe.camvid.exists():
        score = evaluate(segmenter, read_split(recipe.camvid, split))
        lines += [f"CamVid, {split}", score.as_text()]
    if recipe.drawn is not None:
        score = evaluate(segmenter, held_out_scenes(recipe.drawn), DRAWN)
        lines += [f"drawn scenes, seed {recipe.drawn.test_seed}", score.as_text()]
    return "\n".join(lines)


def _train_small(
    recipe: TrainSegmenterRecipe, examples: list[Example], report: Callable[[Progress], None]
) -> Path:
    labels = [ADE20K_LABELS[LABEL_INDEX[label]] for label in head_labels()]
    groups = [
        [labels.index(label) for label in _full_labels(name) if label in labels] for name in CLASSES
    ]
    sources = [_camvid(recipe, examples)]
    drawn_weights = None
    if recipe.drawn is not None:
        scenes = training_scenes(recipe.drawn)
        sources.append(Source(scenes, recipe.drawn.augmentation, recipe.drawn.num_crops))
        drawn_weights = balanced_class_weights(
            (scenes[index] for index in range(0, len(scenes), 4)), len(labels)
        )
    task = SmallSegmenterTask(
        recipe,
        starting_network(recipe, labels),
        groups,
        balanced_class_weights(examples),
        drawn_weights,
    )
    network = cast(SmallSegmenterNetwork, train(recipe, task, sources, report))
    if drawn_weights is not None:
        undo_class_weights(network, drawn_weights, recipe.prior_shift)
    return save_small(network, labels, recipe.out / "small_segmenter.safetensors")


def _camvid(recipe: TrainSegmenterRecipe, examples: list[Example]) -> Source:
    return Source(examples, recipe.augmentation, recipe.num_camvid_crops)


def _full_labels(camvid_class: str) -> list[str]:
    return [ADE20K_LABELS[LABEL_INDEX[label]] for label in ADE20K_LABELS_OF_CLASS[camvid_class]]


def save_small(network: SmallSegmenterNetwork, labels: list[str], file: Path) -> Path:
    """Writes weights as float16 with their labels; batch norm's step counters are dropped."""
    tensors = {
        name: value.half().contiguous()
        for name, value in network.state_dict().items()
        if value.is_floating_point()
    }
    write_atomic(file, save(tensors, metadata={"labels": json.dumps(labels)}))
    return file


def _train_maskformer(
    recipe: TrainSegmenterRecipe, examples: list[Example], report: Callable[[Progress], None]
) -> Path:
    task = SmallMaskFormerTask(recipe, balanced_class_weights(examples))
    trained = train(recipe, task, [_camvid(recipe, examples)], report)
    model = cast(MaskFormerForInstanceSegmentation, trained)
    with publishing(recipe.out) as fresh:
        folder = fresh / "maskformer"
        model.to(torch.float16).save_pretrained(folder)
        small_image_processor().save_pretrained(folder)
    return recipe.out / folder.name
