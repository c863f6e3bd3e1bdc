"""Table 2: neither stage, the reasons alone, the location alone, and both."""

from pathlib import Path

from benchmarks.mechanism.material import EPOCHS, TEST_IMAGES, Files, Seeds, samples
from georay.flow.ablation import answer_rows
from georay.flow.drawn import asking, training


def table_two(folder: Path, split: str, threads: int, seeds: Seeds) -> Files:
    """The four rows, written freely as in the paper."""
    source, out = samples(folder), folder / "table2"
    trained = training(source, out, folder / "vision", EPOCHS, threads)
    asked = asking(source, out / "unused.parquet", TEST_IMAGES, split).freely()
    return answer_rows(trained, asked, out, seeds)
