"""From a recipe to the folder of the tiny base that the package can carry."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from georay.config.load import dump_recipe
from georay.config.pretrain import PretrainRecipe
from georay.core.manifest import write_atomic, write_json
from georay.core.run_folder import only_writer, publishing
from georay.factory.pretrain.attention import PlainAttention
from georay.factory.pretrain.card import model_card
from georay.factory.pretrain.evaluate import Evaluation, commonest_answers, evaluate
from georay.factory.pretrain.eyes import open_eyes
from georay.factory.pretrain.forms import as_form, forget_unused_words, half_as_forms
from georay.factory.pretrain.groups import slower
from georay.factory.pretrain.packing import PackedBatch, Packer, read_answers
from georay.factory.pretrain.scenes import AskedScene, held_out_scenes, training_scenes
from georay.factory.pretrain.start import look_nearby
from georay.factory.resumable import Learning, place_in_epochs, train_steps
from georay.models.families.qwen_vl import QwenVLFamily
from georay.models.families.qwen_vl.tiny import build_tiny
from georay.streetworld.words.questions import Pair

Say = Callable[[str], None]
Ask = Callable[[Sequence[Pair]], list[tuple[str, str]]]
MODEL_FOLDER = "tiny"


def pretrain(recipe: PretrainRecipe, say: Say) -> Path:
    """Draws, trains, evaluates and writes the model; returns its folder.

    Run again after a kill it goes on at its last checkpoint and ends on the same weights. Raises
    ValueError if the folder holds a run of another recipe, or another run writes to it.
    """
    with only_writer(recipe.out):
        return _pretrain(recipe, say)


def _pretrain(recipe: PretrainRecipe, say: Say) -> Path:
    _claim(recipe)
    side = recipe.model.visual.image_size
    scenes = training_scenes(recipe.scenes, side, say)
    held_out = held_out_scenes(recipe.scenes, side, say)
    say(f"{_count(scenes)} to train on, {_count(held_out)} held out")
    family = untrained(recipe, scenes)
    if recipe.eyes is not None:
        open_eyes(recipe, recipe.eyes, family, scenes, held_out, say)
    family.network = train(recipe, family, scenes, say, plain_questions).float()
    family.network = train(_forms(recipe), family, scenes, say, half_as_forms).float()
    forget_unused_words(family, _answers(recipe, scenes), recipe.seed)
    usual = commonest_answers(pair for scene in scenes for pair in scene.questions)
    family.network = family.network.half().float()  # as it will be read
    scores = evaluate(family, held_out, usual)
    say(scores.as_text())
    return write_model(recipe, family, scores)


def untrained(recipe: PretrainRecipe, scenes: Sequence[AskedScene]) -> QwenVLFamily:
    """The model before training, its vocabulary learnt from the questions of the first scenes."""
    pairs = [pair for scene in scenes[: recipe.vocabulary_scenes] for pair in scene.questions]
    texts = {pair.question for pair in pairs} | {pair.answer for pair in pairs}
    family = build_tiny(recipe.model, sorted(texts))
    look_nearby(family.network)
    return family


def train(
    recipe: PretrainRecipe,
    family: QwenVLFamily,
    scenes: Sequence[AskedScene],
    say: Say,
    ask: Ask,
) -> nn.Module:
    """Trains all of the network on the answers; returns the average of its weights over time."""
    packer = Packer(family)
    optimizer = torch.optim.AdamW(
        _groups(recipe, family),
        lr=recipe.learning_rate,
        betas=(0.9, 0.95),
        fused=True,
    )
    return train_steps(
        recipe,
        family.network,
        Learning(optimizer, recipe.max_gradient_norm),
        lambda step: draw_batch(recipe, packer, scenes, step, ask),
        lambda batch: loss_of(family, batch),
        lambda progress: say(progress.as_text()),
    )


def _groups(recipe: PretrainRecipe, family: QwenVLFamily) -> list[dict[str, Any]]:
    """Everything at one rate; an encoder that has had lessons of its own at a share of it."""
    share = 1.0 if recipe.eyes is None else recipe.eyes.share_of_rate_later
    visual = family.network.transformer.visual
    return slower(family.network, visual, recipe.learning_rate, recipe.weight_decay, share)


def _forms(recipe: PretrainRecipe) -> PretrainRecipe:
    """The lessons at the end as a run of their own, in a folder of their own."""
    return recipe.model_copy(update=recipe.forms.model_dump() | {"out": recipe.out / "forms"})


def _answers(recipe: PretrainRecipe, scenes: Sequence[AskedScene]) -> list[str]:
    """Every answer that was learnt from, and enough forms to have all of their words."""
    forms = [as_form(scene.questions)[1] for scene in scenes[: recipe.vocabulary_scenes]]
    return forms + [pair.answer for scene in scenes for pair in scene.questions]


def loss_of(family: QwenVLFamily, batch: PackedBatch) -> Tensor:
    """What a step lowers."""
    with PlainAttention():
        return read_answers(family.network, batch).weighted_loss()


def plain_questions(pairs: Sequence[Pair]) -> list[tuple[str, str]]:
    """Each question with its answer."""
    return [(pair.question, pair.answer) for pair in pairs]


def draw_batch(
    recipe: PretrainRecipe, packer: Packer, scenes: Sequence[AskedScene], step: int, ask: Ask
) -> PackedBatch:
    """The scenes of a step, each with some of its questions in an order of their own."""
    random = np.random.default_rng((recipe.seed, step))
    start = step * recipe.batch_size
    places = (
        place_in_epochs(position, len(scenes), recipe.seed)
        for position in range(start, start + recipe.batch_size)
    )
    chosen = [scenes[place] for place in places]
    asked = []
    for scene in chosen:
        order = random.permutation(len(scene.questions))[: recipe.questions_per_scene]
        asked.append(ask([scene.questions[i] for i in order]))
    return packer.pack([scene.picture() for scene in chosen], asked)


def write_model(recipe: PretrainRecipe, family: QwenVLFamily, scores: Evaluation) -> Path:
    """The model in half precision with its tokenizer, its scores and its card."""
    with publishing(recipe.out) as fresh:
        folder = fresh / MODEL_FOLDER
        family.network.half().save_pretrained(folder)
        family.network.float()
        family.processor.save_pretrained(folder)
        write_json(folder / "scores.json", scores.as_json())
        write_atomic(folder / "README.md", model_card(recipe, family, scores, folder))
    return recipe.out / MODEL_FOLDER


def _claim(recipe: PretrainRecipe) -> None:
    """Leaves the recipe in the run's folder, and refuses to go on with another one."""
    path, text = recipe.out / "recipe.yaml", dump_recipe(recipe)
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise ValueError(
            f"{recipe.out} holds a run of another recipe: name another folder (out), or remove it"
        )
    write_atomic(path, text)


def _count(scenes: Sequence[AskedScene]) -> str:
    return f"{sum(len(s.questions) for s in scenes):,} questions on {len(scenes):,} scenes"
