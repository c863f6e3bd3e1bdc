"""What an encoder is to say of each patch and each thing of a scene, as numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from georay.factory.pretrain.scenes import MASK_SIDE, AskedScene
from georay.locatability.labels import NUM_LABELS

_OPEN = ("description", "layout")


class Choices:
    """Closed questions: groups, and in each the answers that occur often enough to be learnt."""

    def __init__(self, seen: Iterable[tuple[str, str]], at_least: int) -> None:
        """seen: (group, choice) of everything in the training scenes."""
        kept = sorted(pair for pair, number in Counter(seen).items() if number >= at_least)
        self.groups = sorted({group for group, _ in kept})
        self._group_of = {group: number for number, group in enumerate(self.groups)}
        self._choice_of = {pair: number for number, pair in enumerate(kept)}
        self.allowed = torch.zeros(len(self.groups), len(kept), dtype=torch.bool)
        """[groups, choices], True where a choice answers a group's question."""
        for (group, _), choice in self._choice_of.items():
            self.allowed[self._group_of[group], choice] = True

    def __len__(self) -> int:
        return len(self._choice_of)

    def find(self, group: str, choice: str) -> tuple[int, int] | None:
        """The numbers of a group and a choice; None for what is too rare to be learnt."""
        number = self._choice_of.get((group, choice))
        return None if number is None else (self._group_of[group], number)


@dataclass(frozen=True)
class Asked:
    """Closed questions of a batch: the image, the group and the true choice of each [n]."""

    image: Tensor
    group: Tensor
    choice: Tensor


@dataclass(frozen=True)
class EyeBatch:
    """shares [images, patches, classes] of each patch's area; boxes [things, 4] as in `Thing`."""

    pixels: Tensor
    shares: Tensor
    things: Asked
    boxes: Tensor
    topics: Asked


@dataclass(frozen=True)
class Vocabulary:
    """All that the heads can say: classes of patches, looks of things, answers about scenes."""

    classes: tuple[int, ...]
    looks: Choices
    answers: Choices

    @classmethod
    def of(cls, scenes: Sequence[AskedScene], at_least: int) -> "Vocabulary":
        """What occurs in the training scenes; looks and answers at least so many times."""
        seen = np.zeros(NUM_LABELS, bool)
        for scene in scenes:
            seen[scene.labels()] = True
        looks = ((thing.kind, thing.text) for scene in scenes for thing in scene.things)
        answers = (said for scene in scenes for said in closed(scene))
        return cls(
            tuple(np.flatnonzero(seen).tolist()),
            Choices(looks, at_least),
            Choices(answers, at_least),
        )

    def shares(self, scene: AskedScene, grid: int) -> Tensor:
        """[grid * grid, classes]: how much of each patch each class covers, in float32."""
        cells = MASK_SIDE // grid
        place = np.full(NUM_LABELS, len(self.classes), np.int64)
        place[list(self.classes)] = np.arange(len(self.classes))
        points = place[scene.labels()].reshape(grid, cells, grid, cells).swapaxes(1, 2)
        one_hot = np.eye(len(self.classes) + 1, dtype=np.float32)[points.reshape(grid * grid, -1)]
        return torch.from_numpy(one_hot[..., :-1].mean(axis=1))


def closed(scene: AskedScene) -> list[tuple[str, str]]:
    """(topic, answer) of the questions that have few answers."""
    return [(p.topic, p.answer) for p in scene.questions if p.kind not in _OPEN]


def asked(choices: Choices, said: Sequence[Iterable[tuple[str, str]]]) -> tuple[Asked, list[int]]:
    """The closed questions of each image, and the places in `said`, counted over all, they had."""
    rows, places, place = [], [], 0
    for image, pairs in enumerate(said):
        for pair in pairs:
            found = choices.find(*pair)
            if found is not None:
                rows.append((image, *found))
                places.append(place)
            place += 1
    table = torch.tensor(rows, dtype=torch.long).reshape(-1, 3)
    return Asked(*table.unbind(dim=1)), places


def eye_batch(
    vocabulary: Vocabulary, scenes: Sequence[AskedScene], pixels: Tensor, grid: int
) -> EyeBatch:
    """pixels: [images, 3, side, side] of the scenes' pictures; grid: patches on each side."""
    assert MASK_SIDE % grid == 0, "every patch has the same number of the mask's points"
    things = [thing for scene in scenes for thing in scene.things]
    looks, places = asked(
        vocabulary.looks, [[(t.kind, t.text) for t in scene.things] for scene in scenes]
    )
    topics, _ = asked(vocabulary.answers, [closed(scene) for scene in scenes])
    boxes = torch.tensor([things[place].box for place in places]).reshape(-1, 4)
    shares = torch.stack([vocabulary.shares(scene, grid) for scene in scenes])
    return EyeBatch(pixels, shares, looks, boxes, topics)
