"""How fast answers are judged, and in how much memory: 100,000 of them, with every figure.

    python -m benchmarks.evaluation

The answers are made up from the gazetteer: places of 20,000 towns, four in ten right, with
candidates. Each form of file is judged in a process of its own, as `georay evaluate` does it: text,
and once with the page and Markdown. Times are whole processes, imports and all; where others
compute too, as `load_average` says, what they took on a processor is the time that counts.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.record import computing_commit, spread, write_record
from georay.core.gazetteer import Gazetteer, Place
from georay.core.tables import PREDICTIONS, rows_to_table

Row = dict[str, Any]
SEED = 22


def towns() -> list[Place]:
    """The largest towns of every country, in an order that chance gives."""
    gazetteer = Gazetteer.load()
    found = [town for code in gazetteer.countries() for town in gazetteer.cities(code)[:150]]
    random.Random(SEED).shuffle(found)
    return found[:20_000]


def answers(number: int) -> list[Row]:
    """Answers beside their truth, with two candidates each."""
    places, chance = towns(), random.Random(SEED)
    return [_answer(n, chance.choice(places), places, chance) for n in range(number)]


def _answer(number: int, truth: Place, places: list[Place], chance: random.Random) -> Row:
    is_right = chance.random() < 0.4
    named, other = chance.choice(places), chance.choice(places)
    named, other = (truth, other) if is_right else (named, truth)
    share = chance.uniform(0.5, 1)
    return {
        "image_id": f"{number:016x}",
        "model": "made up",
        "status": "answered" if chance.random() < 0.95 else "refused",
        "country": named.country,
        "city": named.name,
        "latitude": named.latitude,
        "longitude": named.longitude,
        "candidates": [
            {"country": named.country, "country_name": named.country, "probability": share,
             "towns": [_town(named, share)]},
            {"country": other.country, "country_name": other.country, "probability": 1 - share,
             "towns": [_town(other, 1 - share)]},
        ],
        "true_country": truth.country,
        "true_city": truth.name,
        "true_latitude": truth.latitude + chance.gauss(0, 0.05),
        "true_longitude": truth.longitude + chance.gauss(0, 0.05),
    }  # fmt: skip


def _town(place: Place, share: float) -> Row:
    spot = {"latitude": place.latitude, "longitude": place.longitude}
    return {"city": place.name, "probability": share} | spot


def write_forms(number: int, folder: Path) -> dict[str, list[str]]:
    """Answers as files, and the arguments of `georay evaluate` that judge each form."""
    rows = answers(number)
    pq.write_table(rows_to_table(rows, PREDICTIONS), folder / "ours.parquet")
    _write_csv(folder / "theirs.csv", rows, {"img_id": "image_id", "pred_country": "country",
               "pred_city": "city", "lat": "latitude", "lon": "longitude"})  # fmt: skip
    _write_csv(folder / "truth.csv", rows, {"id": "image_id", "country": "true_country",
               "city": "true_city", "lat": "true_latitude", "lon": "true_longitude"})  # fmt: skip
    raw = [{"id": row["image_id"], "raw": _written(row)} for row in rows]
    (folder / "raw.jsonl").write_text("".join(json.dumps(one) + "\n" for one in raw))
    ours, theirs, truth = (
        str(folder / name) for name in ("ours.parquet", "theirs.csv", "truth.csv")
    )
    written = ["--html", str(folder / "r.html"), "--markdown", str(folder / "r.md")]
    return {
        "our_parquet": [ours],
        "our_parquet_with_page": [ours, *written],
        "their_csv_and_truth": [theirs, "--truth", truth],
        "two_systems_paired": [f"a={ours}", f"b={theirs}", "--truth", truth],
        "raw_jsonl_and_truth": [str(folder / "raw.jsonl"), "--truth", truth],
    }


def _written(row: Row) -> str:
    return json.dumps({"country": row["country"], "city": row["city"]})


def _write_csv(path: Path, rows: list[Row], columns: dict[str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(columns)
        writer.writerows([row[field] for field in columns.values()] for row in rows)


def measure(arguments: list[str]) -> tuple[float, float, float]:
    """Seconds, those of them on a processor, and peak MiB of a process that judges."""
    command = [sys.executable, "-m", "georay", "evaluate", *arguments]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    seconds = time.perf_counter() - started
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main(number: int, rounds: int) -> None:
    computing_commit()
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as name:
        # Written elsewhere: a process begins with as much memory as the one that starts it has.
        with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:
            forms = elsewhere.submit(write_forms, number, Path(name)).result()
        for form, arguments in forms.items():
            found = [measure(arguments) for _ in range(rounds)]
            results[form] = {
                "seconds": spread([round(seconds, 2) for seconds, _, _ in found]),
                "processor_seconds": spread([round(busy, 2) for _, busy, _ in found]),
                "peak_mib": spread([round(memory) for _, _, memory in found]),
                "load_average": round(os.getloadavg()[0], 1),
            }
            print(form, results[form], flush=True)
    what = "georay evaluate, whole processes: seconds and memory for all figures"
    config = {"what": what, "answers": number, "rounds": rounds, "seed": SEED}
    print(write_record("evaluation", config, results).read_text())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    main(given.answers, given.rounds)
