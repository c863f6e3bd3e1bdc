"""A plain training loop that a kill does not change: the segmenters' and the tiny base's.

Whatever is drawn by chance derives from (seed, step), so a resumed run takes the same batches.
"""

import copy
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from georay.core.manifest import write_atomic, write_json
from georay.core.run_folder import read_facts
from georay.factory.precision import TrainingPrecision, training_precision

POINTER = "checkpoint.json"

B = TypeVar("B")
Network = TypeVar("Network", bound=nn.Module)


class LoopSettings(Protocol):
    """What a recipe says about the loop. `warmup_steps` rise to the peak, a half cosine falls."""

    @property
    def seed(self) -> int: ...
    @property
    def num_steps(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def warmup_steps(self) -> int: ...
    @property
    def ema_decay(self) -> float: ...
    @property
    def precision(self) -> TrainingPrecision: ...
    @property
    def threads(self) -> int: ...
    @property
    def checkpoint_every(self) -> int: ...
    @property
    def log_every(self) -> int: ...
    @property
    def out(self) -> Path: ...


@dataclass(frozen=True)
class Progress:
    """Where a run stands; `loss` is the mean since the last report, times in seconds."""

    step: int
    num_steps: int
    loss: float
    seconds_per_step: float
    batch_size: int

    def as_text(self) -> str:
        minutes = (self.num_steps - self.step) * self.seconds_per_step / 60
        return (
            f"step {self.step:,} of {self.num_steps:,}  loss {self.loss:.3f}  "
            f"{self.seconds_per_step:.2f} s/step  "
            f"{self.batch_size / self.seconds_per_step:.1f} samples/s  {minutes:.1f} min left"
        )


@dataclass(frozen=True)
class Learning:
    """What is optimised: the optimizer at its peak rates, and how a batch becomes a loss."""

    optimizer: torch.optim.Optimizer
    max_gradient_norm: float


def train_steps(
    settings: LoopSettings,
    network: Network,
    learning: Learning,
    draw: Callable[[int], B],
    loss: Callable[[B], Tensor],
    report: Callable[[Progress], None],
) -> Network:
    """Trains to the last step, from the checkpoint in `settings.out` if there is one.

    draw: the batch of a step, called one step ahead in a thread. Returns the moving average of
    the weights, in evaluation mode. Raises ValueError when the loss is no longer a number, or the
    checkpoint is damaged.
    """
    torch.set_num_threads(settings.threads)
    run = _Run(settings, network, learning)
    first = run.resume()
    with ThreadPoolExecutor(max_workers=1) as ahead:
        batch = ahead.submit(draw, first)
        losses, since = [], time.perf_counter()
        for step in range(first, settings.num_steps):
            drawn = batch.result()
            batch = ahead.submit(draw, step + 1)
            losses.append(run.advance(step, lambda drawn=drawn: loss(drawn)))  # type: ignore[misc]
            if (step + 1) % settings.log_every == 0:
                pace = (time.perf_counter() - since) / len(losses)
                mean = float(np.mean(losses))
                report(Progress(step + 1, settings.num_steps, mean, pace, settings.batch_size))
                losses, since = [], time.perf_counter()
            if (step + 1) % settings.checkpoint_every == 0 or step + 1 == settings.num_steps:
                run.save(step + 1)
    return run.average.eval()


def place_in_epochs(position: int, count: int, seed: int) -> int:
    """Which of `count` examples comes at a position; each epoch has all, in its own order."""
    epoch, index = divmod(position, count)
    return int(_order(count, seed, epoch)[index])


@lru_cache(maxsize=8)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, epoch, 1)).permutation(count)


def learning_rate_factor(step: int, num_steps: int, warmup_steps: int) -> float:
    """Linear warm-up, then a half cosine to zero."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    done = (step - warmup_steps) / max(1, num_steps - warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * done))


class _Run:
    """The state of a run: weights, their moving average and the optimizer."""

    def __init__(self, settings: LoopSettings, network: Network, learning: Learning) -> None:
        self.average = copy.deepcopy(network)
        self._settings, self._network = settings, network
        self._optimizer, self._limit = learning.optimizer, learning.max_gradient_norm
        self._peaks = [group["lr"] for group in self._optimizer.param_groups]
        self._bfloat16 = training_precision(settings.precision) is torch.bfloat16

    def advance(self, step: int, loss_of_batch: Callable[[], Tensor]) -> float:
        """One optimizer step; returns its loss."""
        settings = self._settings
        torch.manual_seed(settings.seed * 1_000_003 + step)  # dropout
        factor = learning_rate_factor(step, settings.num_steps, settings.warmup_steps)
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        self._network.train()
        self._optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._bfloat16):
            loss = loss_of_batch()
        if not torch.isfinite(loss):
            raise ValueError(f"the loss of step {step:,} is {loss.item()}: lower the learning rate")
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), self._limit)
        self._optimizer.step()
        self._follow(min(settings.ema_decay, (1 + step) / (10 + step)))
        return loss.item()

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        current = self._network.state_dict()
        for name, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])

    def save(self, step: int) -> None:
        """Writes the checkpoint; the old one stays until the new one is whole."""
        folder = self._settings.out
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"network.{k}": v for k, v in self._network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, slots in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in slots.items()}
        name = f"checkpoint-{step}.safetensors"
        write_atomic(folder / name, save({k: v.contiguous().clone() for k, v in tensors.items()}))
        write_json(folder / POINTER, {"step": step, "weights": name})
        for stale in set(folder.glob("checkpoint-*.safetensors")) - {folder / name}:
            stale.unlink()

    def resume(self) -> int:
        """Loads the checkpoint if there is one; returns the step to continue at."""
        folder = self._settings.out
        saved = read_facts(folder / POINTER)
        if saved is None:
            return 0
        try:
            tensors = load_file(folder / saved["weights"])
        except (OSError, SafetensorError) as problem:
            raise ValueError(
                f"the checkpoint {folder / saved['weights']} is damaged ({problem}); remove "
                f"{folder / POINTER} to start anew"
            ) from None
        self._network.load_state_dict(_under("network.", tensors))
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
