"""Every system of the paper that can be trained here, on StreetWorld, at one budget.

    python -m benchmarks.baselines           # an hour of one core; stopped, it goes on
    python -m benchmarks.baselines --quick   # minutes: whether all of it runs; writes no record

Draws scenes, curates and keeps all of them, and gives each system the same pictures and the same
minutes of learning on one core, by a schedule that ends with the minutes. Minutes are the
processor's own, so that other work on the machine takes nothing from anyone; georay's stages have
no such clock: the seconds of a probe's steps say how many fill the minutes. What frozen networks
make of the pictures before learning (segmenting, georay's vision cache) is not counted, for nobody.
georay's rows start from the base `tiny`, which was pre-trained on other drawn scenes, and learn
clues besides; all others start from random weights. The row of `tiny` with its packaged adapters
has another budget altogether. All are asked about scenes of places that no training picture shows.

Scenes are drawings and the networks are small: the table says what each can do with this little,
and nothing of the systems at their papers' sizes. Settings are those of
jobs/recipes/baselines/*-small.yaml, chosen by nobody's test score. LLaVA, Qwen-VL and GPT-4V need
published weights, or an endpoint: their recipes are tried as far as loading.
"""

import argparse
import json
import math
import re
import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch

from benchmarks.baselines_judged import asked_ids, clues_of, judged
from benchmarks.baselines_page import NOT_RUN, write_page
from benchmarks.record import computing_commit, write_record
from georay.config.baselines import BaselineRecipe
from georay.config.cluster import ClusterRecipe
from georay.config.load import load_recipe, parse_recipe
from georay.config.predict import PredictRecipe
from georay.config.train import AdapterName, TrainRecipe
from georay.core.manifest import write_json
from georay.core.run_folder import read_facts
from georay.core.tables import read_samples
from georay.errors import ModelUnavailable
from georay.evaluation.baselines.make_baseline import make_baseline
from georay.evaluation.model_identity import check_can_answer, load_locator
from georay.evaluation.predict import predict
from georay.flow.ablation import answer_rows
from georay.flow.drawn import asking, curate, draw, make_samples, training
from georay.models.registry import packaged_adapters
from georay.runtime.connect import connect
from georay.training.stages import StageJob
from georay.training.train import train
from georay.training.trainer import fill_vision_cache, missing_vectors
from georay.training.watch import read_steps

RECIPES = Path(__file__).parents[1] / "jobs" / "recipes" / "baselines"
SYSTEMS: Mapping[str, str] = {
    "streetclip": "StreetCLIP",
    "vit": "ViT",
    "geoclip": "GeoCLIP",
    "planet": "PlaNet",
    "cplanet": "CPlaNet",
    "isns": "ISNs",
    "translocator": "Translocator",
    "geodecoder": "GeoDecoder",
}
"""Recipes by their names, with those of their rows."""

SEED = 61
KEEP_ALL = 0.0  # of locatability: every scene is learnt from, by everyone
PROBE_STEPS, PROBE_FIRST = 24, 4  # the first steps of a probe are slower, and not looked at
BATCH = {"baseline": 16, "georay": 32}  # pictures that are answered at once
_SHARD = PredictRecipe.model_fields["shard_size"].default

Files = dict[str, list[Path]]
Told = dict[str, dict[str, Any]]
"""What each row took."""


@dataclass(frozen=True)
class Budget:
    """What every system is given. num_scenes: that are drawn, a fifth of them to be asked about."""

    num_scenes: int
    minutes: float
    test_images: int


FULL = Budget(num_scenes=2_800, minutes=3.0, test_images=500)
QUICK = Budget(num_scenes=160, minutes=0.2, test_images=30)


def samples(folder: Path) -> Path:
    """Curated drawn scenes as samples, their places split."""
    out = folder / "samples"
    if not (out / "samples.json").exists():
        made = make_samples(folder / "scenes" / "clues.parquet", folder / "curation", out)
        print(made, flush=True)
    return out / "samples"


def one_system(
    name: str, source: Path, folder: Path, budget: Budget
) -> tuple[Path, dict[str, Any]]:
    """Trains a system and asks it; its predictions, and what they took."""
    content = load_recipe(RECIPES / f"{name}-small.yaml", BaselineRecipe).model_dump(mode="json")
    content |= {"samples": [str(source)], "output": str(folder / name), "max_pictures": None}
    # So many epochs that the minutes end it.
    content["learning"] |= {
        "num_epochs": 10_000,
        "max_minutes": budget.minutes,
        "clock": "processor",
    }
    recipe = parse_recipe(content, BaselineRecipe, name)
    summary = make_baseline(recipe)
    print(summary.as_text(), flush=True)
    file = folder / f"{name}.parquet"
    asked = {
        "samples": [str(source)],
        "output": str(file),
        "model": str(folder / name),
        "max_images": budget.test_images,
        "answering": {"top_k": 5, "batch_size": BATCH["baseline"]},
    }
    print(predict(parse_recipe(asked, PredictRecipe, name)).as_text(), flush=True)
    assert recipe.learning is not None
    told = {key: summary.outcome[key] for key in ("num_pictures", "num_steps", "minutes", "loss")}
    learnt = told["num_steps"] * recipe.learning.batch_size
    return file, told | {
        "epochs": [round(learnt / told["num_pictures"], 1)],
        "learnt_per_second": round(learnt / (60 * told["minutes"]), 1),
        "answered_per_second": answered_per_second(file, BATCH["baseline"]),
    }


def own_rows(source: Path, folder: Path, budget: Budget) -> tuple[Files, Told]:
    """georay's rows at the budget, and the packaged adapters at theirs; all write freely."""
    base = training(source, folder / "own", folder / "vision", {"reasoning": 1, "location": 1}, 1)
    asked = asking(source, folder / "unused.parquet", budget.test_images).freely()
    seconds = probed(base)
    half = {name: steps_of(budget.minutes / 2, one) for name, one in seconds.items()}
    whole = {name: steps_of(budget.minutes, one) for name, one in seconds.items()}
    found = answer_rows(
        limited(base, half), asked, folder / "own", rows=("reasoning only", "both stages")
    )
    found |= answer_rows(limited(base, whole), asked, folder / "own", rows=("location only",))
    files = {f"georay, {label}": paths for label, paths in found.items()}
    files["tiny as packaged"] = [_packaged(asked, folder / "tiny.parquet")]
    runs: Mapping[str, tuple[str, tuple[AdapterName, ...]]] = {
        "georay, reasoning only": ("reasoning-location", ("reasoning",)),
        "georay, both stages": ("reasoning-location", ("reasoning", "location")),
        "georay, location only": ("location", ("location",)),
    }
    told = {
        label: _stages_took(folder / "own" / "seed-0" / run, stages, base)
        for label, (run, stages) in runs.items()
    }
    told["tiny as packaged"] = {}
    for label, took in told.items():
        took["answered_per_second"] = answered_per_second(files[label][0], BATCH["georay"])
    return files, told


def probed(recipe: TrainRecipe) -> dict[AdapterName, float]:
    """Seconds of a step of each stage, once the frozen vision part has seen the pictures.

    The lower quartile: other work on the machine makes some steps slow.
    """
    folder = Path(recipe.output) / "probe"
    steps = {stage.adapter: PROBE_STEPS for stage in recipe.stages}
    probe = limited(recipe, steps).model_copy(update={"output": str(folder)})
    jobs = [StageJob(probe, number, folder) for number in range(len(probe.stages))]
    _see_pictures(jobs[-1])
    train(probe)
    seconds = {
        job.stage.adapter: [one.seconds for one in read_steps(job.steps)[PROBE_FIRST:]]
        for job in jobs
    }
    return {name: statistics.quantiles(each, n=4)[0] for name, each in seconds.items()}


def limited(recipe: TrainRecipe, steps: Mapping[AdapterName, int]) -> TrainRecipe:
    """The recipe with stages of so many steps, whatever the epochs."""
    stages = tuple(
        one.model_copy(update={"num_epochs": 10_000, "max_steps": steps[one.adapter]})
        for one in recipe.stages
    )
    return recipe.model_copy(update={"stages": stages})


def steps_of(minutes: float, seconds: float) -> int:
    """So many steps as fit."""
    return max(1, math.floor(60 * minutes / seconds))


def _see_pictures(job: StageJob) -> None:
    """Fills the vision cache, and keeps what that took."""
    kept = _vision_seconds(job.recipe)
    if kept.exists():
        return
    started = time.perf_counter()
    lack = missing_vectors(job)
    num_seen = sum(fill_vision_cache(job, lack)) if lack.image_ids else 0
    write_json(kept, {"pictures": num_seen, "seconds": round(time.perf_counter() - started, 1)})


def _vision_seconds(recipe: TrainRecipe) -> Path:
    assert recipe.vision_cache is not None
    return Path(recipe.vision_cache) / "seconds.json"


def _stages_took(run: Path, stages: tuple[AdapterName, ...], recipe: TrainRecipe) -> dict[str, Any]:
    """Of the stages that a row has, lowest first; minutes by the wall's clock."""
    steps = [read_steps(run / "stages" / name / "steps.jsonl") for name in stages]
    outcomes = [read_facts(run / "stages" / name / "outcome.json") or {} for name in stages]
    seconds = sum(one.seconds for each in steps for one in each)
    learnt = [sum(one.num_samples for one in each) for each in steps]
    counts = [one["num_samples"] for one in outcomes]
    return {
        "num_pictures": counts[-1],
        "num_steps": sum(map(len, steps)),
        "minutes": seconds / 60,
        "loss": outcomes[-1]["train_loss"],
        "epochs": [round(n / count, 1) for n, count in zip(learnt, counts, strict=True)],
        "learnt_per_second": round(sum(learnt) / seconds, 1),
        "vision_cache": read_facts(_vision_seconds(recipe)),
    }


def _packaged(asked: PredictRecipe, file: Path) -> Path:
    adapters = packaged_adapters("tiny")
    assert adapters is not None
    changes = {"adapters": str(adapters), "output": str(file)}
    print(predict(asked.model_copy(update=changes)).as_text(), flush=True)
    return file


def answered_per_second(file: Path, batch: int) -> float:
    """Pictures answered, by the median whole batch; reading files is not counted.

    Every row has the milliseconds of the batch that it was in; shards are cut into batches.
    """
    told = pq.read_table(file, columns=["latency_ms"])["latency_ms"].to_pylist()
    shards = [told[start : start + _SHARD] for start in range(0, len(told), _SHARD)]
    whole = [
        shard[start]
        for shard in shards
        for start in range(0, len(shard), batch)
        if start + batch <= len(shard)
    ]
    return round(1000 * batch / statistics.median(whole or told[:1]), 1)


def tried(name: str) -> str:
    """What loading a system says that needs published weights or an endpoint."""
    recipe = load_recipe(RECIPES / f"{name}-paper.yaml", PredictRecipe)
    try:
        check_can_answer(recipe)
        load_locator(recipe)
    except (ModelUnavailable, ValueError, OSError) as problem:
        return re.sub(r"'https?://[^']*'", "the hub", str(problem).partition("\n")[0])
    return "it loads here, and was not asked"


def _pictures(source: Path) -> dict[str, int]:
    """Pictures of each stage and split."""
    rows = read_samples((str(source),)).select(["stage", "split", "image_id"]).to_pylist()
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(f"{row['stage']}, {row['split']}", set()).add(row["image_id"])
    return {name: len(ids) for name, ids in sorted(found.items())}


def main() -> None:
    """Trains and asks what is not done yet; prints the table, and in full writes the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=float, help="of learning, for every system alike")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", nargs="*", choices=SYSTEMS, help="train these, and stop there")
    options = parser.parse_args()
    budget = QUICK if options.quick else FULL
    if options.minutes:
        budget = replace(budget, minutes=options.minutes)
    if not options.quick:
        computing_commit()
    torch.set_num_threads(1)
    folder = options.folder or Path("runs/baselines-quick" if options.quick else "runs/baselines")
    folder = folder.absolute()
    files: Files = {}
    took: Told = {}
    with connect(ClusterRecipe()):  # one for all runs: starting it takes seconds
        scenes = draw(folder / "scenes", SEED, budget.num_scenes)
        print(curate(scenes, folder / "curation", KEEP_ALL), flush=True)
        source = samples(folder)
        for name in options.only or SYSTEMS:
            file, took[SYSTEMS[name]] = one_system(name, source, folder, budget)
            files[SYSTEMS[name]] = [file]
        if options.only:
            return
        own, own_took = own_rows(source, folder, budget)
    files, took = files | own, took | own_took
    clues = clues_of(source, scenes, asked_ids(files))
    results = judged(files, clues, folder / "judged")
    results |= {
        "pictures": _pictures(source),
        "took": took,
        "not_run": {label: tried(name) for name, label in NOT_RUN.items()},
    }
    print(json.dumps(results, indent=1), flush=True)
    if not options.quick:
        config = {"scenes_seed": SEED, "keep_from": KEEP_ALL, "budget": asdict(budget)}
        write_page(write_record("baselines", config, results))


if __name__ == "__main__":
    main()
