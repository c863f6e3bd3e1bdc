"""What training at the paper's size takes, by arithmetic alone. An estimate: nothing is run.

The network is built without memory to count its parameters part by part. Two FLOPs a parameter and
token go forward, as many back to the activations; frozen weights have no gradient of their own;
gradient checkpointing goes forward once more. Attention's own products are counted beside them.
"""

from typing import Any

GPU_TFLOPS, GPU_GB = 312.0, 80.0  # an A800 in bfloat16, dense
UTILISATIONS = (0.25, 0.35, 0.45)
PATCHES, IMAGE_TOKENS = 1024, 256  # a picture of 448 px
TEXT_TOKENS = {"reasoning": 190, "location": 90}  # prompt and answer around the picture; assumed
NUM_ADAPTERS = {"reasoning": 1, "location": 2}  # the second lies above the frozen first
PAPER_SAMPLES_PER_S = {"reasoning": 0.41, "location": 0.63}  # table 6; on how many GPUs is not said
MICRO_BATCH, BF16, FP32 = 2, 2, 4


def estimate() -> dict[str, object]:
    """Tokens, FLOPs, memory per ZeRO stage and samples per second of both stages."""
    sizes = parameters()
    return {
        "label": "estimate, not a measurement",
        "parameters": sizes,
        "stages": {name: _stage(name, sizes) for name in TEXT_TOKENS},
        "memory_gb_per_gpu": {
            f"ZeRO-{stage} on {gpus} GPUs": round(memory_gb(stage, gpus, sizes), 1)
            for stage in (0, 1, 2, 3)
            for gpus in (1, 8, 16)
        },
        "gpu": f"{GPU_GB:g} GB, {GPU_TFLOPS:g} TFLOP/s",
    }


def parameters() -> dict[str, int]:
    """Qwen-VL-Chat by its parts, and LoRA's; counted on the meta device."""
    import torch

    from georay.models.adapters import AdapterStack
    from georay.models.families.qwen_vl import QwenVLConfig, QwenVLForConditionalGeneration

    with torch.device("meta"):
        network = QwenVLForConditionalGeneration(QwenVLConfig())
        total = sum(one.numel() for one in network.parameters())
        visual: Any = network.transformer.visual
        resampler = sum(one.numel() for one in visual.attn_pool.parameters())
        vision = sum(one.numel() for one in visual.parameters())
        tables = network.transformer.wte.weight.numel()
        stack = AdapterStack.build(network, "Qwen/Qwen-VL-Chat")
        lora = sum(
            one.numel() for name, one in stack.model.named_parameters() if ".reasoning." in name
        )
    decoder = total - vision - tables  # the embedding is looked up, not multiplied
    return {
        "total": total,
        "table": tables,
        "vision": vision - resampler,
        "adapter": resampler,
        "decoder": decoder,
        "lora": lora,
    }


def samples_per_s_per_gpu(stage: str, utilisation: float = UTILISATIONS[1]) -> float:
    """How many samples of a stage a GPU learns in a second, at a share of its peak."""
    flops, _ = sample_flops(stage, parameters())
    return utilisation * GPU_TFLOPS * 1e12 / flops


def sample_flops(name: str, sizes: dict[str, int]) -> tuple[float, float]:
    """FLOPs of learning one sample of a stage: with its pixels, and with cached vision vectors."""
    tokens = IMAGE_TOKENS + TEXT_TOKENS[name]
    vision = 2 * sizes["vision"] * PATCHES + 2 * sizes["adapter"] * IMAGE_TOKENS
    vision += 4 * 48 * PATCHES * PATCHES * 1664
    adapters = sizes["lora"] * NUM_ADAPTERS[name]
    products = 2 * (sizes["decoder"] + adapters) * tokens
    attention = 4 * 32 * tokens * tokens * 4096
    # Forward, again for checkpointing, and back; back, attention has gradients of both factors.
    learning = 3 * products + 4 * attention + 2 * sizes["lora"] * tokens
    return vision + learning, learning


def _stage(name: str, sizes: dict[str, int]) -> dict[str, object]:
    flops, cached = sample_flops(name, sizes)
    return {
        "tokens_per_sample": IMAGE_TOKENS + TEXT_TOKENS[name],
        "tflops_per_sample": round(flops / 1e12, 2),
        "tflops_per_sample_with_vision_cache": round(cached / 1e12, 2),
        "samples_per_s_per_gpu": {
            f"at {share:.0%} utilisation": round(share * GPU_TFLOPS * 1e12 / flops, 2)
            for share in UTILISATIONS
        },
        "paper_samples_per_s": PAPER_SAMPLES_PER_S[name],
        "paper_as_utilisation_of_one_gpu": round(
            PAPER_SAMPLES_PER_S[name] * flops / (GPU_TFLOPS * 1e12), 4
        ),
    }


def memory_gb(stage: int, gpus: int, sizes: dict[str, int]) -> float:
    """Weights in bfloat16, with both adapters; of the one that learns, gradients, float32 originals
    and Adam's two moments; the activations kept at layer borders, one layer's own, and the logits
    with their float32 copy, its gradient and that in bfloat16, in micro-batches of 2. ZeRO-3
    gathers one module at a time: the largest are the embedding and the head.
    """
    weights = BF16 * (sizes["total"] + 2 * sizes["lora"]) / (gpus if stage == 3 else 1)
    gradients = BF16 * sizes["lora"] / (gpus if stage >= 2 else 1)
    optimizer = 3 * FP32 * sizes["lora"] / (gpus if stage >= 1 else 1)
    tokens = MICRO_BATCH * (IMAGE_TOKENS + max(TEXT_TOKENS.values()))
    borders, inside = BF16 * 32 * tokens * 4096, BF16 * tokens * (8 * 4096 + 3 * 11008)
    logits = 2 * (BF16 + FP32) * tokens * 151_936
    gathered = BF16 * sizes["table"] if stage == 3 else 0
    return (weights + gradients + optimizer + borders + inside + logits + gathered) / 1e9
