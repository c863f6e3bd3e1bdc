"""One stage of a run: which adapter is trained, above which, and what it leaves behind."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from georay.config.train import StageRecipe, TrainRecipe
from georay.core.fetched import local_copy
from georay.core.manifest import digest
from georay.core.paths import AnyPath, copy_folder
from georay.models.adapter_card import LoraSettings
from georay.models.adapters import AdapterStack, lora_defaults
from georay.models.families.base import Family
from georay.models.loading import load_family
from georay.models.registry import REGISTRY
from georay.training.agreement import one_at_a_time
from georay.training.engine import put_weights, whole_weights

_MOST_FILLED = 0.9  # of a device's free memory


@dataclass(frozen=True)
class StageJob:
    """A stage of a recipe, in the folder of its run."""

    recipe: TrainRecipe
    number: int
    run: AnyPath

    @property
    def stage(self) -> StageRecipe:
        return self.recipe.stages[self.number]

    @property
    def below(self) -> tuple[str, ...]:
        """The finished adapters that this one is trained above."""
        return tuple(stage.adapter for stage in self.recipe.stages[: self.number])

    @property
    def adapters(self) -> AnyPath:
        """The folder with one folder per finished adapter."""
        return self.run / "adapters"

    @property
    def checkpoints(self) -> AnyPath:
        """Ray Train's folder, with a folder per stage."""
        return self.run / "checkpoints"

    @property
    def folder(self) -> AnyPath:
        """What belongs to this stage alone."""
        return self.run / "stages" / self.stage.adapter

    @property
    def measures(self) -> AnyPath:
        """Lengths of the stage's samples, so that a resumed run need not measure again."""
        return self.folder / "measures.parquet"

    @property
    def steps(self) -> AnyPath:
        """One line of JSON per finished step."""
        return self.folder / "steps.jsonl"

    @property
    def notes(self) -> AnyPath:
        """One line for each thing that a person should know of the stage."""
        return self.folder / "notes.txt"

    @property
    def outcome(self) -> AnyPath:
        """Written when the stage is done."""
        return self.folder / "outcome.json"

    @property
    def learning_rate(self) -> float:
        return self.stage.learning_rate or self.recipe.optimizer.learning_rate

    @property
    def seed(self) -> int:
        """Each stage draws its own numbers from the run's seed."""
        return self.recipe.seed * 1_009 + self.number


def load_base(recipe: TrainRecipe) -> Family:
    """The recipe's base model on the CPU; DeepSpeed moves it to where it trains."""
    base = recipe.base
    return load_family(
        base.model,
        revision=base.revision,
        precision=recipe.workers.dtype,
        max_pixels=base.max_pixels,
    )


def load_in_turn(job: StageJob, device: torch.device) -> Family:
    """The base where it will be trained, one worker of a machine after the other.

    All at once, eight workers of a machine would hold eight whole models in its main memory. What
    does not fit on the device as a whole, because ZeRO-3 is there to split it, stays on the CPU.
    """
    with one_at_a_time(f"load-{digest(str(job.run))}"):
        family = load_base(job.recipe)
        if device.type != "cpu" and _fits(family, device):
            network: Any = family.network
            network.to(device)
    return family


def _fits(family: Family, device: torch.device) -> bool:
    size = sum(one.numel() * one.element_size() for one in family.network.parameters())
    free, _ = torch.cuda.mem_get_info(device)
    return bool(size < _MOST_FILLED * free)


def base_name(recipe: TrainRecipe) -> str:
    """The base in words: an id with its revision, or a folder's name."""
    base = recipe.base
    if spec := REGISTRY.get(base.model):
        revision = base.revision or spec.revision
    else:
        revision = base.revision
    return f"{base.model}@{revision}" if revision else base.model


def build_stack(family: Family, job: StageJob) -> AdapterStack:
    """The finished adapters and a fresh one above them, which alone is trainable.

    Raises ValueError when an adapter below does not belong to this base.
    """
    network = family.network
    folder = local_copy(job.adapters) if job.below else Path()
    stack = AdapterStack.load(network, base_name(job.recipe), folder, job.below)
    torch.manual_seed(job.seed)
    stack.add(job.stage.adapter, lora_settings(family, job.recipe))
    stack.train_only(job.stage.adapter)
    if job.recipe.gradient_checkpointing:
        enable: Any = network.gradient_checkpointing_enable
        enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return stack


def lora_settings(family: Family, recipe: TrainRecipe) -> LoraSettings:
    """The recipe's LoRA, at the family's own places unless it names others."""
    lora = recipe.lora
    targets = lora.targets or lora_defaults(family.network).targets
    return LoraSettings(rank=lora.rank, alpha=lora.alpha, dropout=lora.dropout, targets=targets)


def frozen_adapters(stack: AdapterStack) -> dict[str, Tensor]:
    """Copies of the tensors of the adapters below the one that is trained, by parameter name."""
    return {
        name: parameter.detach().cpu().clone()
        for name, parameter in stack.model.named_parameters()
        if "lora_" in name and not parameter.requires_grad
    }


def export_adapters(
    engine: Any, stack: AdapterStack, below: dict[str, Tensor], folder: AnyPath, rank: int
) -> None:
    """Writes every adapter as a plain PEFT folder. All workers together; it ends the training.

    below: what `frozen_adapters` gave before training. DeepSpeed splits frozen weights too, and in
    bfloat16 rounds them: what is written is what was read.
    """
    trained = whole_weights(engine)
    if rank == 0:
        for name, parameter in stack.model.named_parameters():
            is_whole = name in below and parameter.shape == below[name].shape
            if is_whole and parameter.dtype == torch.float32:
                assert torch.equal(parameter.cpu(), below[name]), f"{name} was frozen, and changed"
        put_weights(stack.model, trained | below)
        _save(stack, folder)


def _save(stack: AdapterStack, folder: AnyPath) -> None:
    if isinstance(folder, Path):
        stack.save(folder)
        return
    with TemporaryDirectory(prefix="georay-adapters-") as scratch:
        stack.save(Path(scratch))
        copy_folder(Path(scratch), folder)
