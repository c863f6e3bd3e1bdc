"""Does the GPU wait for JPEGs? Curation's pipeline with an emulated step on one actor.

The step sleeps for a stated time a batch in the place of a network; pictures are read, decoded,
moved, scored and written as ever. Busy is the share of the time from the first step's begin to the
last one's end in which a step ran. What decoding costs is measured beside it, picture by picture.

    python -m benchmarks.overlap
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from benchmarks.nodes_steps import Step, watched_segmenting
from benchmarks.record import computing_commit, spread, write_record
from georay.config.cluster import ClusterRecipe
from georay.config.curate import CurateRecipe
from georay.core.images import ImageLimits
from georay.core.picture_files import PictureFile
from georay.core.tables import INPUTS, rows_to_table
from georay.curation.pipeline import score_images
from georay.locatability.weights import published_weights
from georay.runtime.connect import connect
from georay.streetworld.world import StreetWorld

SIDES = (1280, 960)
SCENES, BATCH, ROWS_PER_BLOCK = 64, 32, 512
LEAST_BUSY = 0.95


def pictures(folder: Path, number: int) -> list[Path]:
    """Drawn scenes at a camera's size, a few of them many times over."""
    folder.mkdir()
    world, files = StreetWorld(0), list[Path]()
    for index in range(number):
        file = folder / f"{index:05d}.jpg"
        if index < SCENES:
            Image.fromarray(world.scene(index).image).resize(SIDES).save(file, quality=90)
        else:
            file.write_bytes(
                files[index % SCENES].read_bytes() + bytes([index % 256, index // 256])
            )
        files.append(file)
    return files


def decode_seconds(files: Sequence[Path], recipe: CurateRecipe) -> float:
    """Median seconds of one thread for one picture."""
    limits = ImageLimits(recipe.limits.max_pixels, recipe.limits.max_bytes)
    took = []
    for file in files:
        source, raw, start = PictureFile.find(str(file)), file.read_bytes(), time.perf_counter()
        source.decode(raw, limits, recipe.limits.shortest_side)
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def busy_share(inputs: pa.Table, recipe: CurateRecipe, out: Path, step_s: float) -> float:
    """One run; every row must have been stepped over exactly once."""
    notes = out / "notes"
    notes.mkdir(parents=True)
    step = Step(notes, step_s / BATCH)
    told = list(
        score_images(inputs, published_weights(), recipe, out / "parts", watched_segmenting(step))
    )
    begun = sorted(step.read(), key=lambda note: note["at"])
    assert (
        sum(note["rows"] for note in begun) == inputs.num_rows == sum(t["num_rows"] for t in told)
    )
    seconds = [note["rows"] * step_s / BATCH for note in begun]
    return sum(seconds) / (begun[-1]["at"] + seconds[-1] - begun[0]["at"])


def main() -> None:
    """Measures for each number of threads in turn; writes the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2 * ROWS_PER_BLOCK)
    parser.add_argument("--step-ms", type=float, default=800.0, help="of a batch of 32, emulated")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    computing_commit()
    found: dict[int, list[float]] = {threads: [] for threads in given.threads}
    with tempfile.TemporaryDirectory() as work, connect(ClusterRecipe(num_cpus=2)):
        files = pictures(Path(work) / "pictures", given.images)
        inputs = rows_to_table([{"uri": str(file)} for file in files], INPUTS)
        for repeat in range(given.repeats + 1):  # the first warms up
            for threads in given.threads:
                workers = {"num_actors": 1, "decode_threads": threads, "batch_size": BATCH}
                recipe = CurateRecipe.model_validate(
                    {
                        "inputs": [str(files[0].parent)],
                        "output": str(Path(work) / "out"),
                        "workers": workers | {"rows_per_block": ROWS_PER_BLOCK},
                    }
                )
                share = busy_share(
                    inputs, recipe, Path(work) / f"{threads}-{repeat}", given.step_ms / 1000
                )
                print(f"{threads} threads: busy {share:.3f}", flush=True)
                if repeat:
                    found[threads].append(round(share, 4))
        decoding = decode_seconds(files[:SCENES], recipe)
    results = {
        "busy_share": {str(threads): spread(shares) for threads, shares in found.items()},
        "decode_ms_per_picture": round(decoding * 1000, 2),
        "asked": LEAST_BUSY,
        "best_reaches_it": max(np.median(shares) for shares in found.values()) >= LEAST_BUSY,
    }
    config = {
        "images": given.images,
        "pixels": list(SIDES),
        "step": f"emulated: {given.step_ms:g} ms a batch of {BATCH}",
        "rows_per_block": ROWS_PER_BLOCK,
        "repeats": given.repeats,
    }
    results["best_reaches_it"] = bool(results["best_reaches_it"])
    write_record("curation_overlap", config, results)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
