"""Does the paper's mechanism show on StreetWorld? Table 2's rows and Figure 6's curve, three seeds.

    python -m benchmarks.mechanism                  # hours on two cores; killed, it goes on
    python -m benchmarks.mechanism --only table2

Two cores do more with a run on each: `OMP_NUM_THREADS=1` and `--threads 1`, once per table.

Draws scenes, curates them with weights made from StreetWorld's own clues, trains the stages above
the tiny base and asks about scenes of places that no training picture shows. Scenes are drawings
and the network is tiny: what is tested is the order of the rows, not their height. Nothing is
chosen by the test set; settings were chosen on the validation split. The record and the figure
docs/figure6.svg say what came out. Scenes, scores and vision cache are those of `make tune-tiny`.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.curve import Point, curves_svg
from benchmarks.record import write_record
from georay.config.cluster import ClusterRecipe
from georay.core.manifest import write_atomic
from georay.evaluation.tables import LEVELS, Comparison
from georay.flow.ablation import answer_rows, measured
from georay.flow.drawn import asking, curate, draw, make_samples, training
from georay.runtime.connect import connect

SEED, NUM_SCENES, TEST_IMAGES = 52, 12_000, 1_000
SEEDS = (0, 1, 2)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
MIX_IMAGES = 600
EPOCHS = {"reasoning": 3, "location": 10}
FIGURE = Path("docs/figure6.svg")


def samples(folder: Path, share: float | None = None) -> Path:
    """Samples of both stages; with a share, stage 2 is a mix of that many locatable pictures."""
    out = folder / ("samples" if share is None else f"samples-{share:g}")
    mix: Mapping[str, Any] | None = None
    if share is not None:
        mix = {"locatable_share": share, "num_images": MIX_IMAGES}
    if not (out / "samples.json").exists():
        clues = folder / "scenes" / "clues.parquet"
        print(make_samples(clues, folder / "curation", out, mix), flush=True)
    return out / "samples"


def table_two(folder: Path, split: str, threads: int) -> Comparison:
    """The four rows."""
    source, out = samples(folder), folder / "table2"
    trained = training(source, out, folder / "vision", EPOCHS, threads)
    asked = asking(source, out / "unused.parquet", TEST_IMAGES, split)
    files = answer_rows(trained, asked, out, SEEDS)
    return measured("Table 2 on StreetWorld", files)


def figure_six(folder: Path, split: str, threads: int) -> Comparison:
    """The location stage alone, on mixes of one size; all are asked about the same pictures."""
    test = asking(samples(folder), folder / "unused.parquet", TEST_IMAGES, split)
    files: dict[str, list[Path]] = {}
    for share in SHARES:
        out = folder / f"mix-{share:g}"
        trained = training(samples(folder, share), out, folder / "vision", EPOCHS, threads)
        found = answer_rows(trained, test, out, SEEDS, rows=("location only",))
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
    parser.add_argument("--folder", type=Path, default=Path("runs/shipped"))
    parser.add_argument("--only", choices=("table2", "figure6"))
    parser.add_argument("--threads", type=int, default=2, help="of each training")
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    options = parser.parse_args()
    folder: Path = options.folder.absolute()
    found: dict[str, Comparison] = {}
    with connect(ClusterRecipe()):  # one for all runs: starting it takes seconds
        print(curate(draw(folder / "scenes", SEED, NUM_SCENES), folder / "curation"), flush=True)
        if options.only != "figure6":
            found["table2"] = table_two(folder, options.split, options.threads)
        if options.only != "table2":
            found["figure6"] = figure_six(folder, options.split, options.threads)
    trained = training(Path("samples"), Path("out"), Path("vision"), EPOCHS, options.threads)
    config = {
        "scenes": f"{NUM_SCENES} of seed {SEED}, drawn",
        "seeds": list(SEEDS),
        "asked_about": f"{TEST_IMAGES} pictures of the {options.split} places",
        "mix_images": MIX_IMAGES,
        "training": trained.model_dump(mode="json"),
    }
    if "figure6" in found and options.split == "test":
        write_atomic(FIGURE, draw_figure_six(found["figure6"]))
    for name, comparison in found.items():
        print(comparison.as_markdown(), flush=True)
        write_record(f"mechanism_{name}_{options.split}", config, comparison.to_json())


if __name__ == "__main__":
    main()
