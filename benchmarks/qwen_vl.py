"""Our Qwen-VL network against transformers' Qwen2.5-VL of the same size, on this CPU, in one run.

Both see 448-pixel pictures as 1,024 patches and 256 tokens, have as many parameters (within 3 %)
in the same number of layers, and attend through SDPA in float32. Qwen2.5-VL's encoder attends in
windows in three layers of four, as published, and ours over the whole picture in all of them;
training is measured a second time with whole pictures in both.
The two alternate and their processor time counts, so that a busy machine wrongs neither; the ratio
is the median over the turns.

    python -m benchmarks.qwen_vl
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from benchmarks.record import computing_commit, spread, write_record
from georay.models.families.qwen_vl import QwenVLConfig, QwenVLForConditionalGeneration

VOCABULARY, START, END, PLACE = 4096, 4090, 4091, 4092
HIDDEN, HEADS, LAYERS, MLP = 384, 6, 6, 1024
VISION_WIDTH, VISION_HEADS, VISION_LAYERS, VISION_MLP = 256, 4, 4, 1024
IMAGE_TOKENS, QUESTION_TOKENS, ANSWER_TOKENS = 256, 64, 32
Batch = dict[str, Tensor]


@dataclass(frozen=True)
class Contender:
    """A network and how it wants a batch of prompts, each with one picture."""

    name: str
    network: PreTrainedModel
    batch: Callable[[int, int], Batch]


def ours() -> Contender:
    """Qwen-VL as this project writes it."""
    config = QwenVLConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        kv_channels=HIDDEN // HEADS,
        intermediate_size=2 * MLP,
        visual={
            "image_size": 448,
            "patch_size": 14,
            "width": VISION_WIDTH,
            "layers": VISION_LAYERS,
            "heads": VISION_HEADS,
            "mlp_ratio": VISION_MLP / VISION_WIDTH,
            "output_dim": HIDDEN,
            "image_start_id": START,
        },
    )

    def batch(rows: int, words: int) -> Batch:
        pixels = torch.randn(rows, 3, 448, 448, generator=torch.Generator().manual_seed(1))
        return {"input_ids": prompts(rows, words), "pixel_values": pixels}

    return Contender("ours", QwenVLForConditionalGeneration(config), batch)


def theirs(whole_layers: Sequence[int]) -> Contender:
    """Qwen2.5-VL of transformers, made as large. Its encoder's MLP is gated: two thirds as wide.

    whole_layers: the encoder's layers that attend over the whole picture, not in windows.
    """
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": VOCABULARY,
            "bos_token_id": None,
            "eos_token_id": None,
            "hidden_size": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "num_key_value_heads": HEADS,
            "intermediate_size": MLP,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                "mrope_section": [8, 12, 12],
            },
        },
        vision_config={
            "depth": VISION_LAYERS,
            "hidden_size": VISION_WIDTH,
            "num_heads": VISION_HEADS,
            "intermediate_size": VISION_MLP * 2 // 3,
            "out_hidden_size": HIDDEN,
            "fullatt_block_indexes": list(whole_layers),
        },
        image_token_id=PLACE,
        video_token_id=PLACE + 1,
        vision_start_token_id=START,
        vision_end_token_id=END,
        tie_word_embeddings=False,
    )

    def batch(rows: int, words: int) -> Batch:
        ids = prompts(rows, words)
        patches = 1024 * rows
        return {
            "input_ids": ids,
            "pixel_values": torch.randn(patches, 3 * 2 * 14 * 14),
            "image_grid_thw": torch.tensor([[1, 32, 32]] * rows),
            "mm_token_type_ids": (ids == PLACE).int(),
        }

    return Contender("qwen2_5_vl", Qwen2_5_VLForConditionalGeneration(config), batch)


def prompts(rows: int, words: int) -> Tensor:
    """[rows, 258 + words] ids: a picture, then words."""
    picture = [START, *[PLACE] * IMAGE_TOKENS, END]
    text = torch.randint(0, START, (rows, words), generator=torch.Generator().manual_seed(2))
    return torch.cat((torch.tensor([picture] * rows), text), dim=1)


def training_step(contender: Contender, rows: int) -> Callable[[], None]:
    """One step of every parameter; the answer is learnt."""
    network = contender.network
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    batch = contender.batch(rows, QUESTION_TOKENS + ANSWER_TOKENS)
    labels = batch["input_ids"].clone()
    labels[:, :-ANSWER_TOKENS] = -100

    def step() -> None:
        network.train()
        network(**batch, labels=labels, use_cache=False).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def generation(contender: Contender, rows: int, new_tokens: int) -> Callable[[], None]:
    """Prompt and picture read, `new_tokens` words written, greedily, none skipped."""
    network: Any = contender.network
    batch = contender.batch(rows, QUESTION_TOKENS)

    def write() -> None:
        network.eval()
        ids = network.generate(
            **batch,
            do_sample=False,
            max_new_tokens=new_tokens,
            min_new_tokens=new_tokens,
            pad_token_id=0,
        )
        assert ids.shape[1] == batch["input_ids"].shape[1] + new_tokens

    return write


def seconds(tasks: dict[str, Callable[[], None]], repeats: int) -> dict[str, list[float]]:
    """Processor seconds of each run of each task, taking turns, after one unmeasured turn."""
    measured: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(repeats + 1):
        for name, task in tasks.items():
            begin = time.process_time()
            task()
            if turn:
                measured[name].append(time.process_time() - begin)
    return measured


def compare(tasks: dict[str, Callable[[], None]], units: int, repeats: int) -> dict[str, Any]:
    """Units per processor second of each, and ours over theirs turn by turn."""
    rates = {
        name: [round(units / value, 3) for value in values]
        for name, values in seconds(tasks, repeats).items()
    }
    ratios = [mine / other for mine, other in zip(rates["ours"], rates["qwen2_5_vl"], strict=True)]
    return {name: spread(values) for name, values in rates.items()} | {
        "ratio": round(statistics.median(ratios), 3)
    }


def measure(repeats: int, rows: int, new_tokens: int) -> dict[str, Any]:
    """The results of one run; asserts that the networks are of one size."""
    torch.manual_seed(0)
    contenders = [ours(), theirs([VISION_LAYERS - 1])]
    alike = [contenders[0], theirs(range(VISION_LAYERS))]
    sizes = {c.name: sum(p.numel() for p in c.network.parameters()) for c in contenders}
    assert 0.97 < sizes["ours"] / sizes["qwen2_5_vl"] < 1.03, sizes
    training = {c.name: training_step(c, rows) for c in contenders}
    trained_alike = {c.name: training_step(c, rows) for c in alike}
    batched = {c.name: generation(c, rows, new_tokens) for c in contenders}
    single = {c.name: generation(c, 1, new_tokens) for c in contenders}
    return {
        "parameters": sizes,
        "training_samples_per_second": compare(training, rows, repeats),
        "training_whole_pictures": compare(trained_alike, rows, repeats),
        "generation_tokens_per_second": compare(single, new_tokens, repeats),
        "batched_generation_tokens_per_second": compare(batched, rows * new_tokens, repeats),
    }


def main() -> None:
    """Measure, print and write the record."""
    computing_commit()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--new-tokens", type=int, default=48)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results = measure(options.repeats, options.batch, options.new_tokens)
    path = write_record("qwen_vl", vars(options), results)
    for name, value in results.items():
        print(f"{name}: {value.get('ratio', value)}")
    print(f"written: {path.name}")


if __name__ == "__main__":
    main()
