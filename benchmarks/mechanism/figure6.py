"""Figure 6: the location stage on mixes of more and less locatable pictures, and its curve."""

from pathlib import Path

from benchmarks.curve import Point, curves_svg
from benchmarks.mechanism.material import EPOCHS, MIX_IMAGES, TEST_IMAGES, Files, Seeds, samples
from georay.evaluation.tables import LEVELS, Comparison
from georay.flow.ablation import answer_rows
from georay.flow.drawn import asking, training

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
FIGURE = Path("docs/figure6.svg")


def figure_six(folder: Path, split: str, threads: int, seeds: Seeds) -> Files:
    """The location stage alone, on mixes of one size; all are asked about the same pictures."""
    test = asking(samples(folder), folder / "unused.parquet", TEST_IMAGES, split).freely()
    files: Files = {}
    for share in SHARES:
        out = folder / f"mix-{share:g}"
        trained = training(samples(folder, share), out, folder / "vision", EPOCHS, threads)
        found = answer_rows(trained, test, out, seeds, rows=("location only",))
        files[f"{share:.0%} locatable"] = found["location only"]
    return files


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
