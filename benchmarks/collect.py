"""Street views: each exactly once, quotas never exceeded, and how much of them is used.

    python -m benchmarks.collect            # about twelve minutes on two cores
    python -m benchmarks.collect --only mapillary

20,000 (point, side) from servers on loopback that behave like the APIs of Google Street View
Static, Mapillary, Panoramax and KartaView, 5,000 each. 2 % of their answers go wrong, and each run
is killed three times (SIGKILL of its driver) and started again. The servers count what arrives;
their pictures are drawn. Emulated, then: the providers, their pictures and the network.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from benchmarks.loopback.pictures import country_at
from benchmarks.loopback.server import APIS, environment
from benchmarks.record import computing_commit, write_record
from georay.core.gazetteer import Gazetteer
from georay.core.images import content_id
from georay.core.manifest import digest, versions
from georay.core.tables import POINTS, rows_to_table
from georay.streetworld.atlas.atlas import Atlas

NUM_VIEWS, KEEP = 20_000, 2
PER_SECOND, PER_DAY = 60, 40_000
FAULT_SHARE = 0.02
KILLED_AT = (0.2, 0.45, 0.7)
_PATIENCE_S = 1200.0

Row = dict[str, Any]


def street_points(number: int, seed: int) -> pa.Table:
    """Points within 3 km of the middle of StreetWorld's towns, in no street in particular."""
    dice = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for at in dice.integers(0, len(Atlas.load().places), number):
        country, city = Atlas.load().places[int(at)]
        centre = Gazetteer.load().resolve(city.name, country.code)
        assert centre is not None
        latitude, longitude = (
            round(middle + float(shift), 7)
            for middle, shift in zip(
                (centre.latitude, centre.longitude), dice.uniform(-0.03, 0.03, 2), strict=True
            )
        )
        rows.append(
            {
                "point_id": digest(latitude, longitude),
                "city": city.name,
                "country": country.code,
                "latitude": latitude,
                "longitude": longitude,
                "heading_road": float(dice.uniform(0, 360)),
            }
        )
    return rows_to_table(rows, POINTS)


def recipe_of(api: str, base: str, folder: Path) -> Path:
    """The recipe of one run, written beside its folder."""
    provider: dict[str, object] = {"name": api, "base_url": f"{base}/{api}"}
    provider |= {"i_may_store_pictures": True} if api == "google" else {"page_size": 3}
    recipe = {
        "points": str(folder / f"{api}.parquet"),
        "output": str(folder / api),
        "provider": provider,
        "views": {"keep": KEEP},
        "quota": {"per_second": PER_SECOND, "per_day": PER_DAY},
        "requests": {"backoff_s": 0.2, "timeout_s": 10, "max_bytes": 1 << 20},
        "workers": {"num_workers": 2, "points_at_once": 48, "points_per_shard": 128},
        "cluster": {"num_cpus": 2},
    }
    path = folder / f"{api}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


@contextmanager
def loopback_process(scratch: Path) -> Iterator[str]:
    """A server of its own process, so that what it counts is not disturbed by the client."""
    port = 8421
    command = [sys.executable, "-m", "benchmarks.loopback.server", "--port", str(port)]
    command += ["--per-second", str(PER_SECOND), "--per-day", str(PER_DAY)]
    command += ["--faults", str(FAULT_SHARE)]
    with (scratch / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    base = f"http://127.0.0.1:{port}"
    try:
        _wait_until(lambda: _answers(base), 300)
        yield base
    finally:
        server.terminate()
        server.wait(10)


def run_with_kills(recipe: Path, base: str, api: str, num_requests: float) -> tuple[int, float]:
    """Runs the verb to its end, killing its driver at shares of the requests that are to come.

    Returns the kills and the seconds from the first start to the last end.
    """
    started = time.monotonic()
    num_kills = 0
    for share in KILLED_AT:
        driver = _driver(recipe)
        wait_for_requests(base, api, share * num_requests, driver)
        if ended(driver):
            raise ValueError(f"{api}: the run ended before it was killed: {recipe}.log")
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        num_kills += 1
    if code := _driver(recipe).wait(_PATIENCE_S):
        raise ValueError(f"{api}: the run failed with {code}: {recipe}.log")
    return num_kills, time.monotonic() - started


def wait_for_requests(
    base: str, api: str, number: float, driver: "subprocess.Popen[bytes]"
) -> None:
    """Until so many requests came in, or the run ended."""
    _wait_until(lambda: _requests(base, api) >= number or ended(driver))


def ended(driver: "subprocess.Popen[bytes]") -> bool:
    return driver.poll() is not None


def check(folder: Path, points: pa.Table) -> Row:
    """What a finished folder holds, compared with what was asked for."""
    images = pq.read_table(folder / "images.parquet").to_pylist()
    missing = pq.read_table(folder / "missing.parquet").to_pylist()
    keys = Counter((row["point_id"], row["side"]) for row in (*images, *missing))
    per_point = Counter(point for point, _ in keys)
    files = {str(path) for path in (folder / "pictures").rglob("*.*")}
    wrong_content = sum(
        content_id(Path(row["uri"]).read_bytes()) != row["image_id"] for row in images
    )
    wrong_country = sum(
        country_at(row["latitude"], row["longitude"]) != row["country"] for row in images
    )
    return {
        "pictures": len(images),
        "without_imagery": sum(row["error_kind"] == "no imagery" for row in missing),
        "failed": dict(
            Counter(row["error_kind"] for row in missing if row["error_kind"] != "no imagery")
        ),
        "views": len(keys),
        "views_twice": sum(number > 1 for number in keys.values()),
        "points_with_too_few_or_many": sum(
            per_point[point] != KEEP for point in points["point_id"].to_pylist()
        ),
        "files_without_a_row": len(files - {row["uri"] for row in images}),
        "rows_without_their_file": wrong_content,
        "pictures_of_another_country": wrong_country,
    }


def collect_from(api: str, base: str, scratch: Path, num_views: int) -> Row:
    """One API: its run with kills, what the server saw of it, and what lies there at the end."""
    points = street_points(num_views // KEEP, seed=APIS.index(api))
    pq.write_table(points, scratch / f"{api}.parquet")
    recipe = recipe_of(api, base, scratch)
    kills, seconds = run_with_kills(recipe, base, api, 1.3 * num_views)
    seen = httpx.get(f"{base}/facts", timeout=60).json()[api]
    day = json.loads((scratch / api / "day_quota.json").read_text())
    found = check(scratch / api, points)
    print(api, json.dumps({**found, **seen}), flush=True)
    return {
        "kills": kills,
        "seconds_with_restarts": round(seconds, 1),
        "folder": found,
        "server": seen,
        "day_as_the_run_counts_it": day["requests"],
    }


def failures(results: Mapping[str, Row]) -> list[str]:
    """What contradicts the promises; empty if nothing does."""
    wrong = []
    for api, result in results.items():
        for name in (
            "views_twice",
            "points_with_too_few_or_many",
            "files_without_a_row",
            "rows_without_their_file",
            "pictures_of_another_country",
        ):
            if result["folder"][name]:
                wrong.append(f"{api}: {name} is {result['folder'][name]}")
        server = result["server"]
        if server["too_fast"] or server["beyond_the_day"]:
            wrong.append(f"{api}: the quota was exceeded")
        if server["share_of_allowed"] < 0.95:
            wrong.append(f"{api}: only {server['share_of_allowed']:.1%} of the rate was used")
    return wrong


def main(num_views: int, apis: Sequence[str], is_recorded: bool) -> None:
    if is_recorded:
        computing_commit()
    os.environ |= environment()
    with tempfile.TemporaryDirectory(prefix="georay-collect-") as name:
        scratch = Path(name)
        with loopback_process(scratch) as base:
            number = num_views // len(APIS)
            results = {api: collect_from(api, base, scratch, number) for api in apis}
    wrong = failures(results)
    print("\n".join(wrong) or "all promises kept")
    if is_recorded:
        config = {
            "views": num_views,
            "per_second": PER_SECOND,
            "per_day": PER_DAY,
            "fault_share": FAULT_SHARE,
            "killed_at_shares": KILLED_AT,
            "emulated": "providers (servers on loopback by their published API descriptions), "
            "pictures (drawn by StreetWorld, 256 pixels), network (loopback)",
            "share_of_allowed": "requests that arrived, divided by the rate times the seconds from "
            "the first to the last of each time that the run was alive; restarts do not count",
            "packages": versions(("httpx", "starlette", "uvicorn")),
        }
        name = "collect" if len(apis) > 1 else f"collect_{apis[0]}"
        print(write_record(name, config, {**results, "contradictions": wrong}))
    if wrong:
        raise SystemExit(1)


def _driver(recipe: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "georay", "collect", str(recipe)]
    with Path(f"{recipe}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def _requests(base: str, api: str) -> int:
    return int(httpx.get(f"{base}/facts/{api}/requests", timeout=60).json())


def _answers(base: str) -> bool:
    try:
        return httpx.get(f"{base}/facts", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def _wait_until(true: Callable[[], bool], seconds: float = _PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise ValueError(f"waited {seconds:.0f} s in vain")
        time.sleep(0.3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=int, default=NUM_VIEWS)
    parser.add_argument("--only", choices=APIS, help="One API, with a record of its own.")
    parser.add_argument("--no-record", action="store_true", help="Do not write a record.")
    arguments = parser.parse_args()
    only = arguments.only
    main(arguments.views, [only] if only else APIS, not arguments.no_record)
