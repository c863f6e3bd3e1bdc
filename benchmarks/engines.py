"""The endpoint with the model in its replica, and with vLLM behind it, in one run.

    python -m benchmarks.engines            # about 15 minutes; needs tests/install_vllm.sh
    python -m benchmarks.engines --quick    # small: 1 and 4 clients, once, and no record

One small random Qwen2.5-VL, in float32 on the same cores. Both write the same constrained answers,
which is looked at before any speed. On CPUs this says how the two share work, not which is faster
on GPUs.
"""

import argparse
import asyncio
import io
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.random_qwen import Sizes, save_random_qwen
from benchmarks.record import computing_commit, write_record
from benchmarks.served import Server, served
from benchmarks.serving import ask_all, closed_loop
from benchmarks.vllm_server import NAME, vllm_served
from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe

CLIENTS, QUICK_CLIENTS = (1, 4, 16, 64), (1, 4)
NUM_PICTURES, WIDTH, HEIGHT = 16, 448, 336  # whole patches: neither engine resizes them
SIZES = Sizes(width=256, layers=4, heads=4)
ASKED = {"top_k": "0", "constrained": "true", "locatability": "false"}

Facts = dict[str, Any]


def measure(folder: Path, clients: Sequence[int], rounds: int) -> Facts:
    """Both engines in turn, `rounds` times each; what they answer is compared first."""
    model = save_random_qwen(folder, SIZES)
    pictures = draw_pictures()
    found: dict[str, list[Facts]] = {"local": [], "vllm": []}
    answers: dict[str, list[Any]] = {}
    with ExitStack() as running:
        threads = os.cpu_count() or 1
        adapters = {"reasoning": folder / "adapters" / "reasoning", "both": folder / "both"}
        address = running.enter_context(vllm_served(model, adapters, threads))
        recipes = {"local": _local(folder, threads), "vllm": _vllm(address)}
        for number in range(rounds):
            turns = list(recipes.items())
            for name, recipe in turns if number % 2 else reversed(turns):
                with served(recipe) as server:
                    answers[name] = ask_all(server, pictures, ASKED)
                    _hold_to_same(answers)
                    found[name].append(_loads(server, pictures, clients))
    return {"rounds": found, "same_answers": len(pictures)}


def _hold_to_same(answers: dict[str, list[Any]]) -> None:
    """Raises SystemExit where the two engines say different things: then no speed counts."""
    if len(answers) < 2:
        return
    pairs = list(zip(answers["local"], answers["vllm"], strict=True))
    different = [pair for pair in pairs if pair[0] != pair[1]]
    if different:
        raise SystemExit(
            f"{len(different)} of {len(pairs)} answers differ, the first {different[0]}"
        )


def _loads(server: Server, pictures: Sequence[bytes], clients: Sequence[int]) -> Facts:
    return {
        f"{number}_clients": asyncio.run(closed_loop(server, pictures, ASKED, number))
        for number in clients
    }


def _local(folder: Path, threads: int) -> ServeRecipe:
    content = {
        "model": str(folder / "model"),
        "adapters": str(folder / "adapters"),
        "device": "cpu",
        "precision": "float32",
        "replicas": {"num_cpus": threads},
    }
    return _recipe(content)


def _vllm(address: str) -> ServeRecipe:
    remote = {
        "base_url": address,
        "model": NAME,
        "engine": "vllm",
        "adapters": {"reasoning": "reasoning", "both": "both"},
        "picture_format": "png",
        "max_concurrency": 64,
    }
    return _recipe({"remote": remote, "replicas": {"num_cpus": 1}})


def _recipe(content: Facts) -> ServeRecipe:
    usual: Facts = {
        "answers": {"max_new_tokens": 128},
        "batching": {"max_batch_size": 16, "wait_s": 0.05},
        "limits": {"max_queued": 128},
    }
    return parse_recipe(usual | content, ServeRecipe, "benchmark")


def draw_pictures() -> list[bytes]:
    """Noise that no decoder changes."""
    return [_png(number) for number in range(NUM_PICTURES)]


def _png(seed: int) -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (HEIGHT // 28, WIDTH // 28, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.kron(coarse, np.ones((28, 28, 1), np.uint8))).save(buffer, "PNG")
    return buffer.getvalue()


def table_of(results: Facts) -> str:
    """Answers a second and median milliseconds, in Markdown, of each round."""
    lines = ["| clients | engine | answers/s of each round | median ms of each round |"]
    lines.append("|--:|---|---|---|")
    rounds: dict[str, list[Facts]] = results["rounds"]
    for clients in rounds["local"][0]:
        for engine, measured in rounds.items():
            rates = ", ".join(f"{one[clients]['answers_per_s']:.1f}" for one in measured)
            waits = ", ".join(
                f"{one[clients]['latency_ms'].get('p50', float('nan')):.0f}" for one in measured
            )
            lines.append(f"| {clients.partition('_')[0]} | {engine} | {rates} | {waits} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures, prints the table and, of a full run, writes the record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small, and no record")
    is_quick = parser.parse_args().quick
    if not is_quick:
        computing_commit()
    with tempfile.TemporaryDirectory() as folder:
        if is_quick:
            results = measure(Path(folder), QUICK_CLIENTS, 1)
        else:
            results = measure(Path(folder), CLIENTS, 3)
    print(table_of(results))
    if not is_quick:
        config = {"network": vars(SIZES), "asked": ASKED}
        print(f"→ {write_record('engines', config, results)}")


if __name__ == "__main__":
    main()
