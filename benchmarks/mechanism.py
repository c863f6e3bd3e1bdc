"""Does the paper's mechanism show on StreetWorld? Table 2's rows and Figure 6's curve, by seeds.

    python -m benchmarks.mechanism                  # hours on two cores; killed, it goes on
    python -m benchmarks.mechanism --only table2
    python -m benchmarks.mechanism --only reasons   # stage 1 alone and its question

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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.curve import Point, curves_svg
from benchmarks.record import computing_commit, write_record
from georay.config.cluster import ClusterRecipe
from georay.config.predict import PredictRecipe
from georay.core.manifest import write_atomic
from georay.evaluation.predict import predict
from georay.evaluation.tables import LEVELS, Comparison
from georay.flow.ablation import answer_rows, measured
from georay.flow.drawn import asking, curate, draw, make_samples, training
from georay.models.registry import packaged_adapters
from georay.runtime.connect import connect
from georay.training.run import train

SEED, NUM_SCENES, TEST_IMAGES = 52, 12_000, 1_000
REASONING_SCENES = 1_000
"""Scenes whose clues are learnt: fewer reasons than located pictures, as in the paper."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
MIX_IMAGES = 600
EPOCHS = {"reasoning": 3, "location": 10}
FIGURE = Path("docs/figure6.svg")

Seeds = Sequence[int]
Files = dict[str, list[Path]]
"""Predictions of each row, one file per seed."""


def samples(folder: Path, share: float | None = None) -> Path:
    """Samples of both stages; with a share, stage 2 is a mix of that many locatable pictures."""
    out = folder / ("samples-few-clues" if share is None else f"samples-{share:g}")
    mix: Mapping[str, Any] | None = None
    if share is not None:
        mix = {"locatable_share": share, "num_images": MIX_IMAGES}
    if not (out / "samples.json").exists():
        print(make_samples(_clues_to_learn(folder), folder / "curation", out, mix), flush=True)
    return out / "samples"


def _clues_to_learn(folder: Path) -> Path:
    few = folder / "clues-to-learn.parquet"
    clues = pq.read_table(folder / "scenes" / "clues.parquet")
    first = pc.less(clues["image_id"], f"streetworld-{SEED}-{REASONING_SCENES:08d}")
    pq.write_table(clues.filter(first), few)
    return few


def table_two(folder: Path, split: str, threads: int, seeds: Seeds) -> Files:
    """The four rows."""
    source, out = samples(folder), folder / "table2"
    trained = training(source, out, folder / "vision", EPOCHS, threads)
    asked = asking(source, out / "unused.parquet", TEST_IMAGES, split)
    return answer_rows(trained, asked, out, seeds)


def figure_six(folder: Path, split: str, threads: int, seeds: Seeds) -> Files:
    """The location stage alone, on mixes of one size; all are asked about the same pictures."""
    test = asking(samples(folder), folder / "unused.parquet", TEST_IMAGES, split)
    files: Files = {}
    for share in SHARES:
        out = folder / f"mix-{share:g}"
        trained = training(samples(folder, share), out, folder / "vision", EPOCHS, threads)
        found = answer_rows(trained, test, out, seeds, rows=("location only",))
        files[f"{share:.0%} locatable"] = found["location only"]
    return files


def reasons_alone(folder: Path, split: str, threads: int, seeds: Seeds) -> Files:
    """Stage 1 alone, asked the question that it learnt to answer, and that of stage 2.

    Every seed with Table 2's reasons; and with those of all scenes, as the adapters in the package
    learnt them (`jobs.tune_tiny`, same settings, one seed).
    """
    source, out = samples(folder), folder / "reasons"
    stage = {"reasoning": EPOCHS["reasoning"]}
    learnt: list[Path] = []
    for seed in seeds:
        run = training(source, out / f"seed-{seed}", folder / "vision", stage, threads)
        train(run.model_copy(update={"seed": seed}))
        learnt.append(Path(run.output) / "adapters")
    packaged = packaged_adapters("tiny")
    assert packaged is not None
    sources = {REASONING_SCENES: learnt, NUM_SCENES: [packaged]}
    files: Files = {}
    for scenes, adapters in sources.items():
        for question in ("reasoning", "location"):
            row = files.setdefault(f"{scenes:,} scenes, {question} question", [])
            for seed, one in enumerate(adapters):
                file = out / f"{split}-{scenes}-{question}-{seed}.parquet"
                _ask_alone(asking(source, file, TEST_IMAGES, split), question, one)
                row.append(file)
    return files


def _ask_alone(asked: PredictRecipe, question: str, adapters: Path) -> None:
    answering = asked.answering.model_copy(update={"prompt": question})
    alone = {"adapters": str(adapters), "active_adapters": ("reasoning",)}
    predict(asked.model_copy(update=alone | {"answering": answering}))


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
    num_seeds = len(found.rows[0].evaluations)
    return curves_svg(
        f"StreetWorld: {MIX_IMAGES:,} training pictures, {num_seeds} seeds",
        "highly locatable pictures among them",
        "right answers of all",
        curves,
    )


def main() -> None:
    """Runs what is asked for and is not done yet, and writes the record."""
    computing_commit()
    studies = {"table2": table_two, "figure6": figure_six, "reasons": reasons_alone}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
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
