"""One worker's optimizer steps. Ray never appears: a test runs them in its own process."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed
from torch import Tensor

from georay.models.families.base import Batch


@dataclass(frozen=True)
class SlotBatch:
    """A slot's tensors; a filler takes part without weight."""

    batch: Batch
    is_filler: bool = False


@dataclass(frozen=True)
class StepResult:
    """What a step gave, the same on every worker.

    loss: mean over the answers' tokens, in nats. grad_norm: before clipping, None where DeepSpeed
    does not say it (ZeRO 0 in bfloat16).
    """

    loss: float
    grad_norm: float | None
    learning_rate: float


class Learner:
    """Takes an engine through steps and validation."""

    def __init__(self, engine: Any, seed: int, rank: int, num_workers: int) -> None:
        self._engine, self._seed = engine, seed
        self._rank, self._num_workers = rank, num_workers

    def step(self, number: int, slots: Iterable[SlotBatch], num_learnt: int) -> StepResult:
        """One optimizer step over this worker's slots of the global batch.

        num_learnt: tokens of all answers of the global batch, on all workers together.
        """
        self._engine.train()
        (group,) = self._engine.optimizer.param_groups
        learning_rate = float(group["lr"])
        total, grad_norm = torch.zeros((), dtype=torch.float64), None
        for place, slot in enumerate(slots):
            # Dropout depends on where in the run it is, not on what ran before in this process.
            torch.manual_seed(_mixed(self._seed, number, place, self._rank))
            loss = self._loss(slot, num_learnt)
            # Workers' gradients are averaged, and their losses are parts of one mean: sum them.
            self._engine.backward(loss * self._num_workers, scale_wrt_gas=False)
            grad_norm = self._norm_at_hand()
            self._engine.step()
            total += loss.detach().double().cpu()
        if (said := self._engine.get_global_grad_norm()) is not None:
            grad_norm = float(said)
        return StepResult(self._summed(total), grad_norm, learning_rate)

    @torch.no_grad()
    def mean_loss(self, steps: Iterable[tuple[Iterable[SlotBatch], int]]) -> float:
        """The mean over all answers' tokens of some steps; nothing is learnt."""
        self._engine.eval()
        total, num_tokens = torch.zeros((), dtype=torch.float64), 0
        for slots, num_learnt in steps:
            for slot in slots:
                total += self._loss(slot, 1).double().cpu()
            num_tokens += num_learnt
        return self._summed(total) / max(1, num_tokens)

    def _loss(self, slot: SlotBatch, num_learnt: int) -> Tensor:
        batch = self._on_device(slot.batch)
        loss: Tensor = self._engine(**batch, num_items_in_batch=num_learnt, use_cache=False).loss
        return loss * 0.0 if slot.is_filler else loss

    def _norm_at_hand(self) -> float | None:
        """The norm of gradients that lie with their weights: ZeRO 0 in float32 never reports it."""
        if self._engine.zero_optimization() or not self._engine.is_gradient_accumulation_boundary():
            return None
        found = [one.grad for one in self._engine.module.parameters() if one.grad is not None]
        return float(torch.nn.utils.get_total_norm(found)) if found else None

    def _on_device(self, batch: Batch) -> Batch:
        """To the engine's device, not the weights': those may be offloaded or not there yet."""
        engine = self._engine
        dtype = torch.bfloat16 if engine.bfloat16_enabled() else torch.float32
        return {
            name: tensor.to(engine.device, dtype if tensor.is_floating_point() else None)
            for name, tensor in batch.items()
        }

    def _summed(self, value: Tensor) -> float:
        shared = value.to(self._engine.device)
        if self._num_workers > 1:
            torch.distributed.all_reduce(shared)
        return float(shared)


def _mixed(*numbers: int) -> int:
    """One seed from several, each pair of inputs with its own."""
    mixed = 0
    for number in numbers:
        mixed = (mixed * 1_000_003 + number + 1) % (1 << 62)
    return mixed
