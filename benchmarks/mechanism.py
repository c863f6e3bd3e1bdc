"""Does the paper's mechanism show on StreetWorld? Table 2's rows and Figure 6's curve, three seeds.

    python -m benchmarks.mechanism                  # hours on two cores; killed, it goes on
    python -m benchmarks.mechanism --only table2

Draws scenes, curates them with weights made from StreetWorld's own clues, trains the stages above
the tiny base and asks about scenes of places that no training picture shows. Scenes are drawings
and the network is tiny: what is tested is the order of the rows, not their height. Nothing is
chosen by the test set; settings were chosen on the validation split. The record and the figure
docs/figure6.svg say what came out.
"""

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.curve import Point, curves_svg
from benchmarks.record import write_record
from georay.config.curate import CurateRecipe
from georay.config.load import parse_recipe
from georay.config.predict import PredictRecipe
from georay.config.samples import SamplesRecipe
from georay.config.train import TrainRecipe
from georay.core.manifest import write_atomic
from georay.evaluation.tables import LEVELS, Comparison
from georay.flow.ablation import LEARNING_RATE, TARGETS, answer_rows, measured

SEED, NUM_SCENES, PER_PART = 51, 12_000, 1_000
SEEDS = (0, 1, 2)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
MIX_IMAGES, TEST_IMAGES = 800, 1_000
SPLITS = {"by": "point", "validation": 0.05, "test": 0.2, "seed": 0}
EPOCHS = {"reasoning": 2, "location": 10}
FIGURE = Path("docs/figure6.svg")


def draw(folder: Path) -> list[Path]:
    """The scenes as files, in parts of their own; parts that are there stay."""
    parts = [folder / f"{first:06d}" for first in range(0, NUM_SCENES, PER_PART)]
    missing = [part for part in parts if not (part / "clues.parquet").exists()]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for part, _ in zip(missing, pool.map(_draw_part, missing), strict=True):
            print(f"drew {part.name}", flush=True)
    return parts


def _draw_part(part: Path) -> None:
    from georay.streetworld.records import write_folder
    from georay.streetworld.world import StreetWorld

    write_folder(StreetWorld(SEED), PER_PART, part, first=int(part.name))


def curated(parts: Sequence[Path], folder: Path) -> Path:
    """A curation run over all parts, with weights made from the clues of the first two."""
    from georay.curation.run import curate

    clues = folder / "clues-for-weights.parquet"
    tables = [pq.read_table(part / "clues.parquet") for part in parts[:2]]
    pq.write_table(pa.concat_tables(tables), clues)
    content = {
        "inputs": [str(part / "labels.csv") for part in parts],
        "output": str(folder / "curation"),
        "title": f"StreetWorld: {NUM_SCENES:,} drawn scenes",
        "weights": {"clues": str(clues)},
    }
    print(curate(parse_recipe(content, CurateRecipe, "mechanism")).as_text(), flush=True)
    return folder / "curation"


def samples(parts: Sequence[Path], curation: Path, out: Path, share: float | None = None) -> Path:
    """Samples of both stages; with a share, stage 2 is a mix of that many locatable pictures."""
    from georay.curation.samples import make_samples

    mix = None if share is None else {"locatable_share": share, "num_images": MIX_IMAGES}
    content = {
        "output": str(out),
        "curation": str(curation),
        "clues": [str(part / "clues.parquet") for part in parts],
        "max_clues_per_image": 1,
        "held_out": "scored",
        "splits": SPLITS,
        "mix": mix,
    }
    if not (out / "samples.json").exists():
        print(make_samples(parse_recipe(content, SamplesRecipe, "mechanism")).as_text(), flush=True)
    return out / "samples"


def training(source: Path, folder: Path) -> TrainRecipe:
    """Both stages above the tiny base."""
    content = {
        "samples": [str(source)],
        "output": str(folder),
        "base": {"model": "tiny"},
        "stages": [{"adapter": name, "num_epochs": n} for name, n in EPOCHS.items()],
        "lora": {"targets": TARGETS},
        "optimizer": {"learning_rate": LEARNING_RATE},
        "batches": {"global_batch": 64, "micro_batch": 16},
        "gradient_checkpointing": False,
        "vision_cache": str(folder.parent / "vision"),
        "zero": {"stage": 0},
        "workers": {"num_workers": 1, "threads": 2},
    }
    return parse_recipe(content, TrainRecipe, "mechanism")


def asking(source: Path, split: str) -> PredictRecipe:
    """The location question about pictures of places that training never saw."""
    content = {
        "samples": [str(source)],
        "output": "unused.parquet",
        "model": "tiny",
        "split": split,
        "max_images": TEST_IMAGES,
        "answering": {"prompt": "location", "max_new_tokens": 48, "batch_size": 32},
    }
    return parse_recipe(content, PredictRecipe, "mechanism")


def table_two(source: Path, folder: Path, split: str) -> Comparison:
    """The four rows."""
    where = folder / "table2"
    files = answer_rows(training(source, where), asking(source, split), where, SEEDS)
    return measured("Table 2 on StreetWorld", files)


def figure_six(sources: dict[float, Path], folder: Path, split: str) -> Comparison:
    """The location stage alone, on mixes of one size; all are asked about the same pictures."""
    test = asking(sources[1.0], split)
    files: dict[str, list[Path]] = {}
    for share, source in sources.items():
        where = folder / f"mix-{share:g}"
        found = answer_rows(training(source, where), test, where, SEEDS, rows=("location only",))
        files[f"{share:.0%} locatable"] = found["location only"]
    return measured("Figure 6 on StreetWorld", files)


def draw_figure_six(found: Comparison) -> str:
    """Shares of right answers over all pictures, against the share of locatable ones."""
    curves = {
        f"{level}, ±1 sd": [
            Point(share, cell.mean or 0.0, cell.sd)
            for share, row in zip(SHARES, found.rows, strict=True)
            for cell in [row.cells[level]["accuracy_over_all"]]
        ]
        for level in LEVELS
    }
    return curves_svg(
        f"StreetWorld: {MIX_IMAGES:,} training pictures, {len(SEEDS)} seeds",
        "highly locatable pictures among them",
        "right answers of all",
        curves,
    )


def main() -> None:
    """Runs what is asked for and is not done yet, and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=Path("runs/mechanism"))
    parser.add_argument("--only", choices=("table2", "figure6"))
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    options = parser.parse_args()
    folder: Path = options.folder.absolute()
    parts = draw(folder / "scenes")
    curation = curated(parts, folder)
    make = partial(samples, parts, curation)
    found: dict[str, Comparison] = {}
    if options.only != "figure6":
        found["table2"] = table_two(make(folder / "samples"), folder, options.split)
    if options.only != "table2":
        mixes = {share: make(folder / f"samples-{share:g}", share) for share in SHARES}
        found["figure6"] = figure_six(mixes, folder, options.split)
    config = {
        "scenes": f"{NUM_SCENES} of seed {SEED}, drawn",
        "seeds": list(SEEDS),
        "splits": SPLITS,
        "asked_about": f"{TEST_IMAGES} pictures of the {options.split} places",
        "mix_images": MIX_IMAGES,
        "training": training(Path("samples"), Path("out")).model_dump(mode="json"),
    }
    if "figure6" in found and options.split == "test":
        write_atomic(FIGURE, draw_figure_six(found["figure6"]))
    for name, comparison in found.items():
        print(comparison.as_markdown(), flush=True)
        write_record(f"mechanism_{name}_{options.split}", config, comparison.to_json())


if __name__ == "__main__":
    main()
