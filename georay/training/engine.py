"""A network under DeepSpeed: ZeRO 0 to 3 on GPUs in bfloat16 and on CPUs with gloo in float32."""

import logging
import math
import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import get_cosine_schedule_with_warmup

from georay.config.train import OptimizerRecipe, TrainRecipe

_NEVER = 1 << 40


def prepare_deepspeed(use_gpu: bool) -> Any:
    """DeepSpeed, set up for its device; the first call in a process decides.

    On CPUs its shared-memory collectives are off: they would be compiled for a minute, and gloo
    does the same work.
    """
    os.environ["DS_ACCELERATOR"] = "cuda" if use_gpu else "cpu"
    os.environ.setdefault("DEEPSPEED_LOG_LEVEL", "error")
    import deepspeed

    if not use_gpu:
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    return deepspeed


def start_engine(
    model: nn.Module,
    recipe: TrainRecipe,
    *,
    num_workers: int,
    num_rounds: int,
    num_steps: int,
    learning_rate: float,
    step: int = 0,
) -> Any:
    """The DeepSpeed engine that trains what is trainable in `model`, its schedule at `step`.

    torch.distributed must be ready. num_rounds: slots of a step on each worker.
    """
    deepspeed = prepare_deepspeed(recipe.workers.use_gpu)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = adamw(trained, recipe.optimizer, learning_rate)
    schedule = get_cosine_schedule_with_warmup(
        optimizer, warmup_steps(recipe.optimizer, num_steps), num_steps
    )
    engine, *_ = deepspeed.initialize(
        model=model,
        optimizer=optimizer,
        lr_scheduler=schedule,
        config=engine_settings(recipe, num_workers, num_rounds),
        dist_init_required=False,
    )
    for _ in range(step):
        engine.lr_scheduler.step()
    return engine


def adamw(
    parameters: list[nn.Parameter], settings: OptimizerRecipe, learning_rate: float
) -> torch.optim.AdamW:
    """torch's own AdamW: DeepSpeed's would be compiled on first use."""
    return torch.optim.AdamW(
        parameters,
        lr=learning_rate,
        betas=settings.betas,
        eps=settings.epsilon,
        weight_decay=settings.weight_decay,
    )


def warmup_steps(settings: OptimizerRecipe, num_steps: int) -> int:
    """Steps of the warm-up, whose first has rate 0: a ratio above zero gives one at least.

    One step is always left to learn in.
    """
    return min(num_steps - 1, math.ceil(round(settings.warmup_ratio * num_steps, 6)))


def engine_settings(recipe: TrainRecipe, num_workers: int, num_rounds: int) -> dict[str, Any]:
    """DeepSpeed's configuration, every choice that is ours written out."""
    micro = recipe.batches.micro_batch
    return {
        "train_micro_batch_size_per_gpu": micro,
        "gradient_accumulation_steps": num_rounds,
        "train_batch_size": micro * num_rounds * num_workers,
        "gradient_clipping": recipe.optimizer.max_grad_norm,
        # A skipped step would hide a gradient that is not a number; the watch must see it.
        "bf16": {"enabled": recipe.workers.dtype == "bfloat16", "check_grad_overflow": False},
        "zero_optimization": zero_settings(recipe),
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": _NEVER,
    }


def zero_settings(recipe: TrainRecipe) -> dict[str, Any]:
    """The part that says what is split and what is offloaded."""
    zero = recipe.zero
    settings: dict[str, Any] = {"stage": zero.stage, "overlap_comm": recipe.workers.use_gpu}
    for name, target in (
        ("offload_optimizer", zero.offload_optimizer),
        ("offload_param", zero.offload_parameters),
    ):
        if target != "none":
            settings[name] = {"device": target, "pin_memory": recipe.workers.use_gpu}
            if target == "nvme":
                settings[name]["nvme_path"] = zero.nvme
    return settings


def whole_weights(engine: Any) -> dict[str, Tensor]:
    """Every trained parameter whole, in float32, on the CPU. All workers must call it together."""
    from deepspeed.utils import safe_get_full_fp32_param

    found: dict[str, Tensor] = {}
    for name, parameter in engine.module.named_parameters():
        if parameter.requires_grad:
            # float32 weights that are not split are at hand; others have a float32 original.
            at_hand = parameter.dtype == torch.float32 and not hasattr(parameter, "ds_id")
            whole = parameter if at_hand else safe_get_full_fp32_param(parameter)
            assert whole is not None, name
            found[name] = whole.detach().float().cpu().clone()
    return found


def put_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Puts whole tensors in the place of a model's own, in their precision and on the CPU.

    For a model that is not trained any more, or not yet: an engine would not see them.
    """
    parameters = dict(model.named_parameters())
    for name, tensor in weights.items():
        parameters[name].data = tensor
