"""What the packaged `tiny` is worth: right places, honest confidence, true reasons.

    python -m benchmarks.tiny --seeds 4242 90817          # a quarter of an hour on two cores

Asks about new scenes of the drawn world in its natural mix, of which a quarter shows no clue, as a
user of the page or of `georay locate` asks: places ranked, reasons by the lower adapter. What is
read on signs is asked of the base alone, when it is pre-trained: its figures are in scores.json
beside the weights.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from benchmarks.record import computing_commit, write_record
from georay.config.load import parse_recipe
from georay.config.predict import PredictRecipe
from georay.core.tables import JUDGED, PREDICTIONS, conform
from georay.evaluation.answering import AnswerPictures, ReadPictures
from georay.evaluation.confidence import calibration_of, confidences
from georay.evaluation.datasets import KnownPicture
from georay.evaluation.faithfulness import faithfulness_of
from georay.evaluation.inputs.scenes import Scenes, read_scenes
from georay.evaluation.intervals import share
from georay.evaluation.model_identity import identify
from georay.evaluation.outcomes import Mask, outcomes_of, town_id
from georay.evaluation.predict import picture_rows
from georay.models.registry import PACKAGED, packaged_adapters
from georay.streetworld.export.records import write_folder
from georay.streetworld.world import StreetWorld

SURE = 0.9
_PROCESSES, _BATCH = 2, 8


def answered(content: dict[str, Any], seed: int, numbers: range) -> tuple[pa.Table, list[int]]:
    """Scenes of a seed with their answers (schema JUDGED), and how many clues each shows."""
    torch.set_num_threads(1)
    recipe = parse_recipe(content, PredictRecipe, "tiny")
    world = StreetWorld(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(world, len(numbers), folder, first=numbers.start)
        scenes = [world.scene(number) for number in numbers]
        pictures = [
            KnownPicture(
                one.name, str(folder / "images" / f"{one.name}.jpg"), one.country, one.city,
                one.latitude, one.longitude,
            )
            for one in scenes
        ]  # fmt: skip
        ask = AnswerPictures(recipe, identify(recipe), PREDICTIONS)
        table = ask(ReadPictures()(picture_rows(pictures)))
        clued = read_scenes(folder).told_to(conform(table, JUDGED, "answers"))
    return clued, [one.visible_clue_count for one in scenes]


def figures(table: pa.Table, num_clues: Sequence[int]) -> dict[str, Any]:
    """Every bar of the model card, each with its interval where it is a share."""
    found = outcomes_of(table, "tiny", "haversine")
    clued = np.array(num_clues) > 0
    right = found.country.correct
    confidence = confidences(table, found.country.answer)
    told = found.country.effective & ~np.isnan(confidence)
    calibration = calibration_of(confidence[told], right[told])
    reasons = faithfulness_of(table, found, Scenes({}).conventions)
    names = zip(table["city"].to_pylist(), table["country"].to_pylist(), strict=True)
    assert calibration is not None and reasons is not None, "every answer is ranked and explained"
    return {
        "scenes": len(clued),
        "country": _of(right, np.ones_like(clued)),
        "country_with_a_clue": _of(right, clued),
        "country_with_eight_clues": _of(right, np.array(num_clues) >= 8),
        "town_with_a_clue": _of(found.city.correct, clued),
        "expected_calibration_error": calibration.expected_error,
        "right_where_sure": _of(right, told & (confidence >= SURE)),
        "reasons": asdict(reasons.at("answers")),
        "town_in_country": _of(
            np.array([town_id(city, country) is not None for city, country in names]),
            np.ones_like(clued),
        ),
        "median_latency_ms": float(np.median(table["latency_ms"].to_numpy())),
    }


def _of(hits: Mask, among: Mask) -> dict[str, Any]:
    return asdict(share(int((hits & among).sum()), int(among.sum())))


def measured(content: dict[str, Any], seed: int, number: int) -> dict[str, Any]:
    """The figures of one seed's first scenes."""
    started = time.perf_counter()
    edges = np.linspace(0, number, _PROCESSES * 4 + 1).astype(int)
    parts = [range(a, b) for a, b in pairwise(edges)]
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn")) as pool:
        done = list(pool.map(partial(answered, content, seed), parts))
    table = pa.concat_tables([table for table, _ in done])
    found = figures(table, [one for _, counts in done for one in counts])
    return found | {"seconds": time.perf_counter() - started}


def main(seeds: Sequence[int], number: int, model: str, adapters: str | None) -> None:
    is_packaged = model == "tiny" and adapters is None
    if is_packaged:
        computing_commit()
    content = {
        "model": model,
        "samples": ["none"],
        "output": "none.parquet",
        "adapters": adapters or str(packaged_adapters("tiny")),
        "answering": {"batch_size": _BATCH, "max_new_tokens": 128},
    }
    results = {str(seed): measured(content, seed, number) for seed in seeds}
    print(json.dumps(results, indent=1))
    if is_packaged:
        scores = (PACKAGED / "tiny" / "scores.json").read_text(encoding="utf-8")
        results["base_alone"] = json.loads(scores)
        config = {"scenes": number, "processes": _PROCESSES, "batch_size": _BATCH, "sure": SURE}
        print(write_record("tiny", config, results))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[4242, 90_817])
    parser.add_argument("--scenes", type=int, default=1000)
    parser.add_argument("--model", default="tiny", help="another base: no record is written")
    parser.add_argument("--adapters", help="others than the packaged ones: no record is written")
    asked = parser.parse_args()
    main(asked.seeds, asked.scenes, asked.model, asked.adapters)
