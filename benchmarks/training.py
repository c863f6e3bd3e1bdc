"""Training: our loop against a plain transformers.Trainer, and cached vision against pixels.

    python -m benchmarks.training                   # all three, about 15 minutes on two cores
    python -m benchmarks.training --only estimate   # the arithmetic of the paper's size: no run

The models have Qwen-VL's architecture and random weights: they are here for what they cost. The
pictures are StreetWorld's, drawn by this script. Records go to benchmarks/records/.
"""

import argparse
import multiprocessing
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from benchmarks.record import computing_commit, spread, write_record
from benchmarks.training_estimate import estimate
from georay.config.cluster import ClusterRecipe
from georay.config.load import parse_recipe
from georay.config.tiny import TinyModelRecipe, TinyVisionRecipe
from georay.config.train import TrainRecipe
from georay.core.images import content_id
from georay.core.prompts import LOCATION, target_answer
from georay.core.tables import SAMPLES, rows_to_table
from georay.streetworld.export.records import jpeg_bytes
from georay.streetworld.world import StreetWorld
from georay.training.watch import read_steps

SEED, NUM_SCENES = 31, 256
GLOBAL_BATCH, MICRO_BATCH, THREADS = 32, 16, 2
WARM_STEPS = 2  # the first ones allocate
SAME_MEAN, SAME_LOSS = 0.02, 1e-5  # nats
LEAST_RATIO = {"loop": 0.95, "cache": 1.3}
TINY = TinyModelRecipe()
HEAVY_EYE = TinyModelRecipe(visual=TinyVisionRecipe(width=192, layers=8))


@dataclass(frozen=True)
class Speed:
    """Steady samples per second, the most memory that the training process held, and the loss of
    every step in nats: what is fast must also be right.
    """

    samples_per_s: float
    peak_mib: float
    losses: tuple[float, ...]


def measure_loop(repeats: int = 5) -> dict[str, object]:
    """Samples per second of a whole run of ours and of a plain Trainer, in turn."""
    ours: list[Speed] = []
    plain: list[Speed] = []
    with tempfile.TemporaryDirectory() as root, _cluster():
        folder = Path(root)
        samples, base = write_samples(folder / "data"), write_base(folder / "base", TINY)
        for repeat in range(repeats):
            turns = [(ours, _ours), (plain, _plain)]
            for found, run in turns if repeat % 2 else reversed(turns):
                found.append(run(_recipe(samples, base, folder / f"{run.__name__}-{repeat}")))
    # The order of the samples differs, and at this rate the loss hardly moves: the means are equal.
    means = [statistics.fmean(one.losses) for one in (ours[0], plain[0])]
    if abs(means[0] - means[1]) > SAME_MEAN:
        raise SystemExit(f"ours learns something else than a plain Trainer: mean losses {means}")
    return _side_by_side("ours", ours, "plain_trainer", plain) | {"mean_losses": means}


def measure_cache(repeats: int = 5) -> dict[str, object]:
    """Samples per second with cached vision vectors and with pixels, in turn."""
    cached: list[Speed] = []
    seen: list[Speed] = []
    with tempfile.TemporaryDirectory() as root, _cluster():
        folder = Path(root)
        samples, base = write_samples(folder / "data"), write_base(folder / "base", HEAVY_EYE)
        cache = str(folder / "cache")
        start = time.perf_counter()
        _ours(_recipe(samples, base, folder / "filling", vision_cache=cache, num_epochs=1))
        filling = time.perf_counter() - start
        for repeat in range(repeats):
            with_it = _recipe(samples, base, folder / f"cached-{repeat}", vision_cache=cache)
            without = _recipe(samples, base, folder / f"seen-{repeat}")
            turns = [(cached, with_it), (seen, without)]
            for found, recipe in turns if repeat % 2 else reversed(turns):
                found.append(_ours(recipe))
        size = sum(path.stat().st_size for path in Path(cache).rglob("*.safetensors"))
    difference = max(abs(a - b) for a, b in zip(cached[0].losses, seen[0].losses, strict=True))
    if difference > SAME_LOSS:
        raise SystemExit(f"cached vectors change the loss by {difference:.2e}")
    facts: dict[str, object] = {
        "largest_difference_in_loss": difference,
        "forward_gflops": forward_gflops(HEAVY_EYE),
        "first_run_with_filling_s": filling,
        "cache_mib": size / 2**20,
    }
    return _side_by_side("cached", cached, "pixels", seen) | facts


def _side_by_side(
    name: str, found: list[Speed], other: str, base: list[Speed]
) -> dict[str, object]:
    return {
        f"{name}_samples_per_s": spread([one.samples_per_s for one in found]),
        f"{other}_samples_per_s": spread([one.samples_per_s for one in base]),
        "ratio": spread(
            [a.samples_per_s / b.samples_per_s for a, b in zip(found, base, strict=True)]
        ),
        f"{name}_peak_mib": max(one.peak_mib for one in found),
        f"{other}_peak_mib": max(one.peak_mib for one in base),
    }


@contextmanager
def _cluster() -> Iterator[None]:
    """One private cluster for all runs, so that none of them starts with a cold one."""
    from georay.runtime.connect import connect

    with connect(ClusterRecipe()):
        yield


def write_samples(folder: Path) -> Path:
    """Drawn scenes with their country and town to learn, as Parquet beside their pictures."""
    folder.mkdir(parents=True)
    world = StreetWorld(SEED)
    rows = [_sample(world, index, folder) for index in range(NUM_SCENES)]
    path = folder / "samples.parquet"
    pq.write_table(rows_to_table(rows, SAMPLES), path)
    return path


def _sample(world: StreetWorld, index: int, folder: Path) -> dict[str, object]:
    scene = world.scene(index)
    raw = jpeg_bytes(scene.image)
    path = folder / f"{scene.name}.jpg"
    path.write_bytes(raw)
    return {
        "sample_id": scene.name,
        "stage": LOCATION.name,
        "split": "train",
        "place": scene.city,
        "image_id": content_id(raw),
        "uri": str(path),
        "question": LOCATION.question,
        "answer": target_answer(LOCATION, country=scene.country, city=scene.city),
        "country": scene.country,
        "city": scene.city,
    }


def write_base(folder: Path, recipe: TinyModelRecipe) -> Path:
    """Random weights of this size as a folder that a recipe can name."""
    from georay.models.families.qwen_vl.tiny import build_tiny

    family = build_tiny(recipe)
    family.network.save_pretrained(folder)
    family.processor.save_pretrained(folder)
    return folder


def _recipe(
    samples: Path, base: Path, out: Path, vision_cache: str | None = None, num_epochs: int = 2
) -> TrainRecipe:
    content = {
        "samples": [str(samples)],
        "base": {"model": str(base)},
        "output": str(out),
        "stages": [{"adapter": "location", "num_epochs": num_epochs}],
        "batches": {"global_batch": GLOBAL_BATCH, "micro_batch": MICRO_BATCH},
        "gradient_checkpointing": False,
        "vision_cache": vision_cache,
        "zero": {"stage": 0},
        "checkpoints": {"every": 1_000},
        "workers": {"num_workers": 1, "threads": THREADS},
    }
    return parse_recipe(content, TrainRecipe, "benchmark")


def _ours(recipe: TrainRecipe) -> Speed:
    from georay.training.train import train

    with _peak_of("RayTrainWorker") as peak:
        train(recipe)
    done = read_steps(Path(recipe.output) / "stages" / "location" / "steps.jsonl")
    steps = done[WARM_STEPS:]
    rate = sum(one.num_samples for one in steps) / sum(one.seconds for one in steps)
    return Speed(rate, peak[0], tuple(one.loss for one in done))


def _plain(recipe: TrainRecipe) -> Speed:
    """In a process of its own, as ours is."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: Speed = pool.apply(plain_trainer, (recipe,))
    return found


def plain_trainer(recipe: TrainRecipe) -> Speed:
    """What a reader of transformers' documentation writes: the same model, data and settings."""
    import torch
    from PIL import Image
    from transformers import Trainer, TrainerCallback

    from georay.core.prompts import Conversation
    from georay.models.adapters import AdapterStack
    from georay.models.families.base import Exchange
    from georay.models.loading import load_family
    from georay.training.stages import lora_settings

    torch.set_num_threads(recipe.workers.threads)
    family = load_family(recipe.base.model)
    stack = AdapterStack(family.network, recipe.base.model)
    stack.add("location", lora_settings(family, recipe))
    stack.train_only("location")
    rows = pq.read_table(recipe.samples[0]).to_pylist()
    moments: list[float] = []

    class Watch(TrainerCallback):  # type: ignore[misc]  # transformers is not typed
        def on_step_end(self, *_: Any, **__: Any) -> None:
            moments.append(time.perf_counter())

    def batch_of(chosen: list[dict[str, Any]]) -> Any:
        return family.encode_for_training(
            [
                Exchange(
                    (Image.open(row["uri"]).convert("RGB"),),
                    Conversation(row["question"], answer=row["answer"]),
                )
                for row in chosen
            ]
        )

    trainer = Trainer(
        model=stack.model,
        args=_plain_arguments(recipe),
        train_dataset=rows,
        data_collator=batch_of,
        callbacks=[Watch()],
    )
    trainer.train()
    steps = moments[WARM_STEPS - 1 :]
    rate = (len(steps) - 1) * GLOBAL_BATCH / (steps[-1] - steps[0])
    losses = tuple(one["loss"] for one in trainer.state.log_history if "loss" in one)
    return Speed(rate, _peak_mib(psutil.Process().pid), losses)


def _plain_arguments(recipe: TrainRecipe) -> Any:
    from transformers import TrainingArguments

    optimizer = recipe.optimizer
    return TrainingArguments(
        output_dir=recipe.output,
        num_train_epochs=recipe.stages[0].num_epochs,
        per_device_train_batch_size=MICRO_BATCH,
        gradient_accumulation_steps=GLOBAL_BATCH // MICRO_BATCH,
        learning_rate=optimizer.learning_rate,
        weight_decay=optimizer.weight_decay,
        max_grad_norm=optimizer.max_grad_norm,
        lr_scheduler_type="cosine",
        remove_unused_columns=False,
        save_strategy="no",
        logging_steps=1,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
    )


@contextmanager
def _peak_of(name: str) -> Iterator[list[float]]:
    """The most that a child process of this name held, in MiB, looked up twice a second."""
    peak, stop = [0.0], threading.Event()

    def look() -> None:
        while not stop.wait(0.5):
            for child in psutil.Process().children(recursive=True):
                try:
                    if name in " ".join(child.cmdline()):
                        peak[0] = max(peak[0], _peak_mib(child.pid))
                except (psutil.Error, OSError):
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return round(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024, 1)


def forward_gflops(recipe: TinyModelRecipe) -> dict[str, float]:
    """What one picture costs the vision part, and its conversation the rest, forward."""
    import torch
    from PIL import Image
    from torch.utils.flop_counter import FlopCounterMode

    from georay.core.prompts import Conversation
    from georay.models.families.base import Exchange
    from georay.models.families.qwen_vl.tiny import build_tiny

    family = build_tiny(recipe)
    answer = target_answer(LOCATION, country="Chile", city="Santiago")
    asked = Exchange(
        (Image.new("RGB", (448, 448)),), Conversation(LOCATION.question, answer=answer)
    )
    batch = family.encode_for_training([asked])
    with torch.no_grad(), FlopCounterMode(display=False) as both:
        family.network(**batch)
    visual: Any = family.network.transformer.visual
    with torch.no_grad(), FlopCounterMode(display=False) as eye:
        visual(batch["pixel_values"])
    total, seen = both.get_total_flops() / 1e9, eye.get_total_flops() / 1e9
    return {"vision": round(seen, 3), "decoder": round(total - seen, 3)}


MEASURES: dict[str, Callable[[], dict[str, object]]] = {
    "loop": measure_loop,
    "cache": measure_cache,
    "estimate": estimate,
}


def _hold_to(name: str, results: dict[str, Any]) -> None:
    if name in LEAST_RATIO and results["ratio"]["median"] < LEAST_RATIO[name]:
        raise SystemExit(f"{name}: below {LEAST_RATIO[name]}, which is asked for")


def main() -> None:
    """Runs the measures asked for, prints them and writes one record each."""
    computing_commit()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=MEASURES, help="run one of the measures")
    only = parser.parse_args().only
    shape = {"scenes": NUM_SCENES, "global_batch": GLOBAL_BATCH, "micro_batch": MICRO_BATCH}
    config: dict[str, dict[str, object]] = {
        "loop": shape | {"threads": THREADS, "weights": "random"},
        "cache": shape | {"threads": THREADS, "weights": "random"},
        "estimate": {"kind": "arithmetic: nothing was run"},
    }
    for name in [only] if only else MEASURES:
        results = MEASURES[name]()
        path = write_record(f"training_{name}", config[name], results)
        print(name, *(f"\n  {key}: {value}" for key, value in results.items()), f"\n  → {path}")
        _hold_to(name, results)


if __name__ == "__main__":
    main()
