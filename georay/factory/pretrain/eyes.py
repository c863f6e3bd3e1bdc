"""The vision encoder learns to see before it meets the language model, as Qwen-VL's did.

Captions teach little per picture. Here every patch says which classes cover it, every thing says
what it looks like, and the vectors that the language model will get answer the closed questions
about the scene. No target names a country or a town. What the heads learnt is thrown away.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from georay.config.pretrain import EyesRecipe, PretrainRecipe
from georay.factory.pretrain.attention import PlainAttention
from georay.factory.pretrain.groups import parameter_groups
from georay.factory.pretrain.scenes import AskedScene
from georay.factory.pretrain.targets import Asked, EyeBatch, Vocabulary, eye_batch
from georay.factory.resumable import Learning, place_in_epochs, train_steps
from georay.models.families.qwen_vl import QwenVLFamily
from georay.models.families.qwen_vl.vision import CrossAttention, VisionTransformer

_SPREAD = 0.02
_BRIGHTNESS = 0.15  # of the normalised pixels' spread, either way
_BATCH = 16
_THING = "look of the "


class Eyes(nn.Module):
    """The encoder and its adapter, with the heads that are asked about what they see."""

    def __init__(self, visual: VisionTransformer, vocabulary: Vocabulary) -> None:
        super().__init__()
        width, out = visual.conv1.out_channels, visual.ln_post.normalized_shape[0]
        self.visual = visual
        self.seen = nn.LayerNorm(width)
        self.classes = nn.Linear(width, len(vocabulary.classes))
        self.looks = nn.Linear(width, len(vocabulary.looks))
        self.topics = nn.Parameter(torch.randn(len(vocabulary.answers.groups), out) * _SPREAD)
        self.ask = CrossAttention(out, visual.attn_pool.attn.heads)
        self.answers = nn.Linear(out, len(vocabulary.answers))
        self._allowed = (vocabulary.looks.allowed, vocabulary.answers.allowed)
        nn.init.normal_(self.ask.in_proj_weight, std=_SPREAD)
        nn.init.zeros_(self.ask.in_proj_bias)

    def forward(self, batch: EyeBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities: of classes [images, patches, classes], looks [things, looks] and
        answers [questions, answers]; what does not belong to the group is minus infinity."""
        patches = self.visual.patches(batch.pixels)
        seen = self.seen(patches)
        vectors = self.visual.gathered(patches)
        heard = self.ask(self.topics, vectors, vectors)[batch.topics.image, batch.topics.group]
        looks, answers = self._allowed
        return (
            self.classes(seen).float().log_softmax(dim=-1),
            _chosen(self.looks(within(seen, batch.things.image, batch.boxes)), looks, batch.things),
            _chosen(self.answers(heard), answers, batch.topics),
        )

    def loss(self, batch: EyeBatch) -> Tensor:
        """Cross-entropy of the three, each the mean over what it is asked about."""
        classes, looks, answers = self(batch)
        dense = -(batch.shares * classes).sum(dim=-1).mean()
        named = functional.nll_loss(looks, batch.things.choice)
        told = functional.nll_loss(answers, batch.topics.choice)
        return dense + named + told


def _chosen(logits: Tensor, allowed: Tensor, asked: Asked) -> Tensor:
    return logits.float().masked_fill(~allowed[asked.group], -torch.inf).log_softmax(dim=-1)


def within(patches: Tensor, image: Tensor, boxes: Tensor) -> Tensor:
    """The mean of what lies in each box [things, 4] of its image: [things, width].

    image [things]: whose box it is, in rising order.
    """
    grid = math.isqrt(patches.shape[1])
    edges = torch.arange(grid + 1) / grid
    left, top, right, bottom = (edge[:, None] for edge in boxes.unbind(dim=1))
    columns = (edges[1:].minimum(right) - edges[:-1].maximum(left)).clamp(min=0)
    rows = (edges[1:].minimum(bottom) - edges[:-1].maximum(top)).clamp(min=0)
    weights = (rows[:, :, None] * columns[:, None, :]).flatten(1)
    weights = weights / weights.sum(dim=1, keepdim=True)
    number = torch.bincount(image, minlength=len(patches))
    place = torch.arange(len(image)) - (number.cumsum(0) - number)[image]  # within its image
    by_image = weights.new_zeros(len(patches), int(number.max()), grid * grid)
    by_image[image, place] = weights
    return torch.bmm(by_image.to(patches.dtype), patches)[image, place]


def open_eyes(
    recipe: PretrainRecipe,
    settings: EyesRecipe,
    family: QwenVLFamily,
    scenes: Sequence[AskedScene],
    held_out: Sequence[AskedScene],
    say: Callable[[str], None],
) -> None:
    """Trains the family's encoder and adapter in place, resumable below the recipe's folder."""
    visual = family.network.transformer.visual
    vocabulary = Vocabulary.of(scenes, settings.at_least)
    torch.manual_seed(recipe.seed)
    eyes = Eyes(visual, vocabulary)
    run = recipe.model_copy(update=settings.model_dump() | {"out": recipe.out / "eyes"})
    optimizer = torch.optim.AdamW(
        parameter_groups(eyes, settings.weight_decay),
        lr=settings.learning_rate,
        betas=(0.9, 0.95),
        fused=True,
    )

    def loss(batch: EyeBatch) -> Tensor:
        with PlainAttention():
            return eyes.loss(batch)

    trained = train_steps(
        run,
        eyes,
        Learning(optimizer, recipe.max_gradient_norm),
        lambda step: _draw(run, family, vocabulary, scenes, step),
        loss,
        lambda progress: say(f"eyes: {progress.as_text()}"),
    )
    for line in sights(trained, family, vocabulary, held_out).as_lines():
        say(line)
    visual.load_state_dict(trained.visual.state_dict())


def _draw(
    run: PretrainRecipe,
    family: QwenVLFamily,
    vocabulary: Vocabulary,
    scenes: Sequence[AskedScene],
    step: int,
) -> EyeBatch:
    """The scenes of a step, each a little brighter or darker than it was drawn."""
    first = step * run.batch_size
    places = [
        place_in_epochs(position, len(scenes), run.seed)
        for position in range(first, first + run.batch_size)
    ]
    random = np.random.default_rng((run.seed, step, 2))
    batch = _whole([scenes[place] for place in places], family, vocabulary)
    shift = random.uniform(-_BRIGHTNESS, _BRIGHTNESS, (len(places), 1, 1, 1)).astype(np.float32)
    batch.pixels.add_(torch.from_numpy(shift))
    return batch


def _whole(scenes: Sequence[AskedScene], family: QwenVLFamily, vocabulary: Vocabulary) -> EyeBatch:
    vision = family.network.config.vision
    pixels = family.processor.pixels([scene.picture() for scene in scenes])
    return eye_batch(vocabulary, scenes, pixels, vision.image_size // vision.patch_size)


@dataclass(frozen=True)
class Sights:
    """Shares of right answers on held-out scenes, by what was asked, and of right patches."""

    patches: float
    right: Mapping[str, tuple[int, float]]

    def as_lines(self) -> list[str]:
        rows = [f"eyes: {name}: {share:.3f} of {n:,}" for name, (n, share) in self.right.items()]
        return [f"eyes: class of most of a patch: {self.patches:.3f}", *rows]


@torch.inference_mode()
def sights(
    eyes: Eyes, family: QwenVLFamily, vocabulary: Vocabulary, scenes: Sequence[AskedScene]
) -> Sights:
    """How well the heads answer about scenes that were not trained on."""
    marks: dict[str, list[float]] = defaultdict(list)
    patches = []
    for first in range(0, len(scenes), _BATCH):
        batch = _whole(scenes[first : first + _BATCH], family, vocabulary)
        classes, looks, answers = eyes(batch)
        patches.append((classes.argmax(-1) == batch.shares.argmax(-1)).float().mean().item())
        kinds = [_THING + group for group in vocabulary.looks.groups]
        for said, asked, names in (
            (looks, batch.things, kinds),
            (answers, batch.topics, vocabulary.answers.groups),
        ):
            right = (said.argmax(-1) == asked.choice).tolist()
            for group, hit in zip(asked.group.tolist(), right, strict=True):
                marks[names[group]].append(hit)
    shares = {name: (len(hits), float(np.mean(hits))) for name, hits in sorted(marks.items())}
    return Sights(float(np.mean(patches)), shares)
