"""Every system of the paper that can be trained here, on StreetWorld, at one budget.

    python -m benchmarks.baselines           # hours on two cores; killed, it goes on
    python -m benchmarks.baselines --quick   # minutes: whether all of it runs; writes no record

Draws scenes, curates them, and gives each system the same pictures and the same minutes of learning
on one worker; looking at the pictures before, and segmenting them for the systems that see scenes,
is not counted. georay's own rows have no such clock: they learn all training pictures in `EPOCHS`.
All are asked about scenes of places that no training picture shows. Scenes are drawings and the
networks are small: the table says what each can do with this little, and nothing of the systems at
their papers' sizes. Settings are those of jobs/recipes/baselines/*-small.yaml, chosen by nobody's
test score. LLaVA, Qwen-VL and GPT-4V need published weights, or an endpoint: they are not run.
"""

import argparse
import csv
import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.record import computing_commit, write_record
from georay.config.baselines import BaselineRecipe
from georay.config.cluster import ClusterRecipe
from georay.config.load import load_recipe, parse_recipe
from georay.config.predict import PredictRecipe
from georay.core.tables import read_samples
from georay.evaluation.baselines.run import make_baseline
from georay.evaluation.intervals import share
from georay.evaluation.predict import predict
from georay.flow.ablation import answer_rows, measured
from georay.flow.drawn import asking, curate, draw, make_samples, training
from georay.runtime.connect import connect

RECIPES = Path(__file__).parents[1] / "jobs" / "recipes" / "baselines"
SYSTEMS = (
    *("streetclip", "vit", "geoclip", "planet"),
    *("cplanet", "isns", "translocator", "geodecoder"),
)
OWN_ROWS = ("reasoning only", "location only", "both stages")
NOT_RUN = ("LLaVA", "Qwen-VL", "GPT-4V")
SEED = 61
EPOCHS = {"reasoning": 3, "location": 10}


@dataclass(frozen=True)
class Budget:
    """What every system is given."""

    num_scenes: int
    max_pictures: int
    minutes: float
    test_images: int


FULL = Budget(num_scenes=6_000, max_pictures=4_000, minutes=20.0, test_images=1_000)
QUICK = Budget(num_scenes=160, max_pictures=100, minutes=0.2, test_images=30)


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
    content |= {
        "samples": [str(source)],
        "output": str(folder / name),
        "max_pictures": budget.max_pictures,
    }
    # So many epochs that the minutes end it.
    content["learning"] |= {"num_epochs": 10_000, "max_minutes": budget.minutes}
    summary = make_baseline(parse_recipe(content, BaselineRecipe, name))
    print(summary.as_text(), flush=True)
    file = folder / f"{name}.parquet"
    seconds = _asked(name, source, folder, budget)
    told = {key: summary.outcome[key] for key in ("num_pictures", "num_steps", "minutes", "loss")}
    return file, told | seconds


def _asked(name: str, source: Path, folder: Path, budget: Budget) -> dict[str, Any]:
    """Asks a trained system, and says how long it took if that was now."""
    recipe = parse_recipe(
        {
            "samples": [str(source)],
            "output": str(folder / f"{name}.parquet"),
            "model": str(folder / name),
            "max_images": budget.test_images,
            "answering": {"top_k": 5, "batch_size": 16},
        },
        PredictRecipe,
        name,
    )
    started = time.perf_counter()
    found = predict(recipe)
    seconds = time.perf_counter() - started
    kept = folder / f"{name}-seconds.json"
    if not found.finished_before:
        kept.write_text(json.dumps(seconds))
    return {"pictures_per_second": round(found.num_images / json.loads(kept.read_text()), 1)}


def own_rows(source: Path, folder: Path, budget: Budget) -> dict[str, list[Path]]:
    """georay's own rows: the stages above `tiny`, on all training pictures of the samples."""
    trained = training(source, folder / "own", folder / "vision", EPOCHS, 1)
    asked = asking(source, folder / "unused.parquet", budget.test_images)
    found = answer_rows(trained, asked, folder / "own", rows=OWN_ROWS)
    return {f"georay, {label}": files for label, files in found.items()}


def by_clues(files: Mapping[str, list[Path]], source: Path, scenes: Path) -> dict[str, Any]:
    """Right countries where a scene shows few clues, and where many: the median parts them."""
    with (scenes / "labels.csv").open(newline="", encoding="utf-8") as text:
        of_file = {
            Path(row["file"]).name: int(row["visible_clue_count"]) for row in csv.DictReader(text)
        }
    rows = read_samples((str(source),)).select(["image_id", "uri"]).to_pylist()
    clues = {row["image_id"]: of_file[Path(row["uri"]).name] for row in rows}
    asked = [row["image_id"] for row in pq.read_table(next(iter(files.values()))[0]).to_pylist()]
    middle = statistics.median(clues[one] for one in asked)
    return {
        "median_clues": middle,
        "rows": {
            label: {
                "few": _right(paths[0], {one for one in asked if clues[one] <= middle}),
                "many": _right(paths[0], {one for one in asked if clues[one] > middle}),
            }
            for label, paths in files.items()
        },
    }


def _right(file: Path, chosen: set[str]) -> dict[str, object]:
    rows = [row for row in pq.read_table(file).to_pylist() if row["image_id"] in chosen]
    right = sum(row["country"] == row["true_country"] for row in rows)
    figure = share(right, len(rows))
    return {"of": len(rows), "share": figure.value, "low": figure.low, "high": figure.high}


def main() -> None:
    """Trains and asks what is not done yet; prints the table, and in full writes the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", nargs="*", choices=SYSTEMS, default=SYSTEMS)
    options = parser.parse_args()
    budget = QUICK if options.quick else FULL
    if not options.quick:
        computing_commit()
    folder = options.folder or Path("runs/baselines-quick" if options.quick else "runs/baselines")
    folder = folder.absolute()
    took: dict[str, Any] = {}
    files: dict[str, list[Path]] = {}
    with connect(ClusterRecipe()):  # one for all runs: starting it takes seconds
        scenes = draw(folder / "scenes", SEED, budget.num_scenes)
        print(curate(scenes, folder / "curation"), flush=True)
        source = samples(folder)
        for name in options.only:
            file, took[name] = one_system(name, source, folder, budget)
            files[name] = [file]
        if not options.quick:
            files |= own_rows(source, folder, budget)
    table = measured("StreetWorld: systems at one budget", files)
    print(table.as_markdown(), flush=True)
    print(f"not run: {', '.join(NOT_RUN)}: they need published weights, or an endpoint")
    for name, facts in took.items():
        print(name, facts, flush=True)
    parted = by_clues(files, source, scenes)
    print(json.dumps(parted, indent=1))
    if not options.quick:
        config = {"scenes_seed": SEED, "budget": vars(budget), "epochs_of_georay": EPOCHS}
        results = table.to_json() | {"took": took, "by_clues": parted, "not_run": list(NOT_RUN)}
        write_record("baselines", config, results)


if __name__ == "__main__":
    main()
