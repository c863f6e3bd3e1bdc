"""The training loop that the small segmenter and the small MaskFormer share.

Every random choice derives from (seed, step), so a resumed run takes the same crops.
"""

import copy
import json
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from georay.config.segmenter import Augmentation, TrainSegmenterRecipe
from georay.training.segmenter.camvid import Example, training_crop


class Task(Protocol):
    """What is trained: a network, its groups of parameters and its loss."""

    network: nn.Module

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Parameters with their peak learning rate `lr`."""
        ...

    def loss(self, pixels: Tensor, classes: Tensor) -> Tensor:
        """pixels: uint8 [N, 3, H, W]; classes: int64 [N, H, W] with VOID."""
        ...


@dataclass(frozen=True)
class Source:
    """Examples, how crops are drawn from them, and how many of a batch's crops are theirs."""

    examples: Sequence[Example]
    augmentation: Augmentation
    num_crops: int


@dataclass(frozen=True)
class Progress:
    """Where a run stands; `loss` is the mean since the last report, times in seconds."""

    step: int
    num_steps: int
    loss: float
    seconds_per_step: float

    def as_text(self) -> str:
        minutes = (self.num_steps - self.step) * self.seconds_per_step / 60
        return (
            f"step {self.step:,} of {self.num_steps:,}  loss {self.loss:.3f}  "
            f"{self.seconds_per_step:.2f} s/step  {minutes:.1f} min left"
        )


def train(
    recipe: TrainSegmenterRecipe,
    task: Task,
    sources: Sequence[Source],
    report: Callable[[Progress], None],
) -> nn.Module:
    """Trains to the recipe's last step, from its checkpoint if one exists.

    Every batch holds the crops of each source, in the order of the sources.
    Returns the moving average of the weights, in evaluation mode.
    """
    torch.set_num_threads(recipe.threads)
    optimizer = torch.optim.AdamW(task.parameter_groups(), weight_decay=recipe.weight_decay)
    run = _Run(recipe, task, optimizer, copy.deepcopy(task.network))
    first = run.resume()
    with ThreadPoolExecutor(max_workers=1) as ahead:
        batch = ahead.submit(draw_batch, recipe, sources, first)
        losses, since = [], time.perf_counter()
        for step in range(first, recipe.num_steps):
            pixels, classes = batch.result()
            batch = ahead.submit(draw_batch, recipe, sources, step + 1)
            losses.append(run.advance(step, pixels, classes))
            if (step + 1) % recipe.log_every == 0:
                pace = (time.perf_counter() - since) / len(losses)
                report(Progress(step + 1, recipe.num_steps, float(np.mean(losses)), pace))
                losses, since = [], time.perf_counter()
            if (step + 1) % recipe.checkpoint_every == 0 or step + 1 == recipe.num_steps:
                run.save(step + 1)
    return run.average.eval()


def draw_batch(
    recipe: TrainSegmenterRecipe, sources: Sequence[Source], step: int
) -> tuple[Tensor, Tensor]:
    """The crops of a step: pixels uint8 [N, 3, H, W], classes int64 [N, H, W]."""
    random = np.random.default_rng((recipe.seed, step))
    crops = [
        training_crop(
            _example_at(source.examples, step * source.num_crops + offset, recipe.seed),
            source.augmentation,
            random,
        )
        for source in sources
        for offset in range(source.num_crops)
    ]
    pixels = torch.from_numpy(np.stack([pixels for pixels, _ in crops])).permute(0, 3, 1, 2)
    return pixels, torch.from_numpy(np.stack([classes for _, classes in crops])).long()


def _example_at(examples: Sequence[Example], position: int, seed: int) -> Example:
    """Each epoch sees every example once, in an order of its own."""
    epoch, index = divmod(position, len(examples))
    order = np.random.default_rng((seed, epoch, 1)).permutation(len(examples))
    return examples[order[index]]


def learning_rate_factor(step: int, num_steps: int, warmup_steps: int) -> float:
    """Linear warm-up, then a half cosine to zero."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    done = (step - warmup_steps) / max(1, num_steps - warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * done))


class _Run:
    """The state of a run: weights, their moving average and the optimizer."""

    def __init__(
        self,
        recipe: TrainSegmenterRecipe,
        task: Task,
        optimizer: torch.optim.Optimizer,
        average: nn.Module,
    ) -> None:
        self.average = average
        self._recipe, self._task, self._optimizer = recipe, task, optimizer
        self._peaks = [group["lr"] for group in optimizer.param_groups]

    def advance(self, step: int, pixels: Tensor, classes: Tensor) -> float:
        """One optimizer step; returns its loss."""
        recipe = self._recipe
        torch.manual_seed(recipe.seed * 1_000_003 + step)  # dropout
        factor = learning_rate_factor(step, recipe.num_steps, recipe.warmup_steps)
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        self._task.network.train()
        self._optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.bf16):
            loss = self._task.loss(pixels, classes)
        loss.backward()
        nn.utils.clip_grad_norm_(self._task.network.parameters(), 5.0)
        self._optimizer.step()
        self._follow(min(recipe.ema_decay, (1 + step) / (10 + step)))
        return loss.item()

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        current = self._task.network.state_dict()
        for name, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])

    def save(self, step: int) -> None:
        """Writes the checkpoint; the old one stays until the new one is whole."""
        folder = self._recipe.out
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"network.{k}": v for k, v in self._task.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, slots in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in slots.items()}
        name = f"checkpoint-{step}.safetensors"
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, folder / name)
        pointer = folder / "checkpoint.json.new"
        pointer.write_text(json.dumps({"step": step, "weights": name}), encoding="utf-8")
        pointer.replace(folder / "checkpoint.json")
        for stale in set(folder.glob("checkpoint-*.safetensors")) - {folder / name}:
            stale.unlink()

    def resume(self) -> int:
        """Loads the checkpoint if there is one; returns the step to continue at."""
        pointer = self._recipe.out / "checkpoint.json"
        if not pointer.exists():
            return 0
        saved = json.loads(pointer.read_text(encoding="utf-8"))
        tensors = load_file(self._recipe.out / saved["weights"])
        self._task.network.load_state_dict(_under("network.", tensors))
        self.average.load_state_dict(_under("average.", tensors))
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _under("optimizer.", tensors).items():
            index, name = key.split(".")
            state.setdefault(int(index), {})[name] = value
        self._optimizer.load_state_dict(self._optimizer.state_dict() | {"state": state})
        return int(saved["step"])


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
