"""Does the paper's mechanism show on StreetWorld? Table 2's rows and Figure 6's curve, by seeds.

    python -m benchmarks.mechanism                  # hours on two cores; killed, it goes on
    python -m benchmarks.mechanism --only table2
    python -m benchmarks.mechanism --only reasons   # stage 1 alone and its question
    python -m benchmarks.mechanism.towns            # Table 2's adapters, asked about towns

Two cores do more with a run on each: `OMP_NUM_THREADS=1` and `--threads 1`, once per table. Keep
to one number of threads: another rounds otherwise, and by the end of stage 2 the run is another.

Draws scenes, curates them with weights made from StreetWorld's own clues, trains the stages above
the tiny base and asks about scenes of places that no training picture shows. Scenes are drawings
and the network is tiny: what is tested is the order of the rows, not their height. Nothing is
chosen by the test set; settings were chosen on the validation split. The record and the figure
docs/figure6.svg say what came out. Scenes, scores and vision cache are those of `make tune-tiny`.
"""

import argparse
from collections import Counter
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.mechanism.figure6 import FIGURE, draw_figure_six, figure_six
from benchmarks.mechanism.material import (
    EPOCHS,
    MIX_IMAGES,
    NUM_SCENES,
    REASONING_SCENES,
    SEED,
    TEST_IMAGES,
    Files,
)
from benchmarks.mechanism.reasons import reasons_alone
from benchmarks.mechanism.table2 import table_two
from benchmarks.record import computing_commit, write_record
from georay.config.cluster import ClusterRecipe
from georay.core.manifest import write_atomic
from georay.flow.ablation import measured
from georay.flow.drawn import curate, draw, training
from georay.runtime.connect import connect


def counted_answers(files: Files) -> dict[str, list[dict[str, int]]]:
    """Of each file: what `_counted` says, so that runs of one seed can be compared in pairs."""
    return {label: [_counted(file) for file in paths] for label, paths in files.items()}


def _counted(file: Path) -> dict[str, int]:
    """How many countries are named, how often the commonest; right countries and right towns."""
    answers = pq.read_table(file)
    counts = Counter(answers["country"].drop_null().to_pylist())
    country = pc.equal(answers["country"], answers["true_country"])
    town = pc.and_(country, pc.equal(answers["city"], answers["true_city"]))
    return {
        "countries": len(counts),
        "commonest": max(counts.values(), default=0),
        "right_countries": pc.sum(country, min_count=0).as_py(),
        "right_towns": pc.sum(town, min_count=0).as_py(),
    }


def main() -> None:
    """Runs what is asked for and is not done yet, and writes the record."""
    computing_commit()
    studies = {"table2": table_two, "figure6": figure_six, "reasons": reasons_alone}
    parser = argparse.ArgumentParser(
        "python -m benchmarks.mechanism", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/shipped"))
    parser.add_argument("--only", choices=tuple(studies))
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--threads", type=int, default=2, help="of each training")
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    options = parser.parse_args()
    folder: Path = options.folder.absolute()
    seeds = range(options.seeds)
    with connect(ClusterRecipe()):  # one for all runs: starting it takes seconds
        print(curate(draw(folder / "scenes", SEED, NUM_SCENES), folder / "curation"), flush=True)
        found = {
            name: study(folder, options.split, options.threads, seeds)
            for name, study in studies.items()
            if options.only in (None, name)
        }
    trained = training(Path("samples"), Path("out"), Path("vision"), EPOCHS, options.threads)
    config = {
        "scenes": f"{NUM_SCENES} of seed {SEED}, drawn",
        "seeds": list(seeds),
        "asked_about": f"{TEST_IMAGES} pictures of the {options.split} places",
        "reasoning_scenes": REASONING_SCENES,
        "mix_images": MIX_IMAGES,
        "training": trained.model_dump(mode="json"),
    }
    for name, files in found.items():
        comparison = measured(f"StreetWorld: {name}", files)
        print(comparison.as_markdown(), flush=True)
        results = comparison.to_json() | {"answers": counted_answers(files)}
        write_record(f"mechanism_{name}_{options.split}", config, results)
        if name == "figure6" and options.split == "test":
            write_atomic(FIGURE, draw_figure_six(comparison))


if __name__ == "__main__":
    main()
