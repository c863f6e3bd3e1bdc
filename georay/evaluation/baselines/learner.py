"""Steps of training, on one worker or as one of several; knows no Ray."""

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import Tensor, nn

from georay.config.baselines import LearningRecipe
from georay.core.manifest import write_atomic, write_json
from georay.core.paths import AnyPath
from georay.core.run_folder import read_facts
from georay.evaluation.baselines.pictures import LearntPictures, randomly_cropped

_STATE, _PROGRESS = "state.safetensors", "progress.json"


class Learner:
    """A network, its optimizer, and the pictures that this worker shows it."""

    def __init__(
        self,
        network: nn.Module,
        learning: LearningRecipe,
        pictures: LearntPictures,
        seed: int,
        rank: int = 0,
        num_workers: int = 1,
        device: str = "cpu",
    ) -> None:
        """network: maybe wrapped for several workers, each of which has its own pictures."""
        self._network, self._learning, self._pictures = network, learning, pictures
        self._seed, self._rank, self._device = seed, rank, device
        self._batch = max(1, learning.batch_size // num_workers)
        weights = [one for one in network.parameters() if one.requires_grad]
        self._optimizer = torch.optim.AdamW(
            weights, learning.learning_rate, weight_decay=learning.weight_decay
        )

    def step(self, number: int, progress: float) -> float:
        """One step of the optimizer; returns the loss of this worker's pictures.

        progress: of the whole training, in [0, 1): it decides the learning rate.
        Raises ValueError if the loss is no number.
        """
        torch.manual_seed(hash((self._seed, number, self._rank)))  # dropout and chance in losses
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning.learning_rate * rate(progress, self._learning.warmup_ratio)
        loss = self._loss(number)
        if not torch.isfinite(loss):
            raise ValueError(f"the loss of step {number:,} is {loss.item()}: lower learning_rate")
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), self._learning.max_grad_norm)
        self._optimizer.step()
        return loss.item()

    def _loss(self, number: int) -> Tensor:
        views, pictures = self._pictures.batch(self._chosen(number))
        if self._learning.min_scale < 1:
            dice = torch.Generator().manual_seed(hash((self._seed, number, self._rank)))
            views = randomly_cropped(views, self._learning.min_scale, dice)
        self._network.train()
        loss: Tensor = self._network(views.to(self._device), pictures)
        return loss

    def _chosen(self, number: int) -> list[int]:
        """Which pictures a step shows: every epoch all of them, each in its own order."""
        count = len(self._pictures.pictures)
        positions = range(number * self._batch, (number + 1) * self._batch)
        return [
            int(_order(count, self._seed, position // count)[position % count])
            for position in positions
        ]

    def save(self, folder: Path, num_steps: int, minutes: float) -> None:
        """Weights and the optimizer's state, after so many steps and minutes."""
        tensors = {f"network.{name}": one for name, one in self._network.state_dict().items()}
        for index, slots in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in slots.items()}
        whole = {name: value.cpu().contiguous().clone() for name, value in tensors.items()}
        write_atomic(folder / _STATE, save(whole))
        write_json(folder / _PROGRESS, {"num_steps": num_steps, "minutes": minutes})

    def restore(self, folder: Path) -> tuple[int, float]:
        """Takes up what `save` left; returns its steps and minutes."""
        done = read_facts(folder / _PROGRESS)
        assert done is not None, "Ray Train keeps whole checkpoints only"
        tensors = load_file(folder / _STATE)
        weights = {n.removeprefix("network."): t for n, t in tensors.items() if n[0] == "n"}
        self._network.load_state_dict(weights)
        state: dict[int, dict[str, Tensor]] = {}
        for name in tensors.keys() - {f"network.{one}" for one in weights}:
            _, index, slot = name.split(".")
            state.setdefault(int(index), {})[slot] = tensors[name]
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})
        return int(done["num_steps"]), float(done["minutes"])


def check_checkpoint(folder: AnyPath) -> None:
    """Raises ValueError if a folder does not hold what `Learner.save` writes."""
    if read_facts(folder / _PROGRESS) is None or not (folder / _STATE).is_file():
        raise ValueError(f"{folder} is not a checkpoint")


def num_steps(num_pictures: int, learning: LearningRecipe) -> int:
    """Steps of the whole training, if its minutes do not end it before."""
    return max(1, math.ceil(num_pictures * learning.num_epochs / learning.batch_size))


def rate(progress: float, warmup_ratio: float) -> float:
    """The share of the learning rate at a point of training: up in a line, down in a cosine."""
    if progress < warmup_ratio:
        return max(progress / warmup_ratio, 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup_ratio) / max(1 - warmup_ratio, 1e-9)))


@lru_cache(maxsize=4)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(count)
