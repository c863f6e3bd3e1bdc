"""The rows of the paper's Table 2: no stage, either stage, or both, judged on one test set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from georay.config.predict import PredictRecipe
from georay.config.train import AdapterName, TrainRecipe

if TYPE_CHECKING:
    from georay.evaluation.tables import Comparison


@dataclass(frozen=True)
class Row:
    """stages: those that a run trains. active: those of its adapters that answer. question: what
    they are asked: that of the last stage among them. A small network answers no other.
    """

    stages: tuple[AdapterName, ...]
    active: tuple[AdapterName, ...]
    question: AdapterName = "location"


ROWS: Mapping[str, Row] = {
    "base": Row((), ()),
    # The first stage of the run with both is the same as a run of its own.
    "reasoning only": Row(("reasoning", "location"), ("reasoning",), "reasoning"),
    "location only": Row(("location",), ("location",)),
    "both stages": Row(("reasoning", "location"), ("reasoning", "location")),
}


def answer_rows(
    trained: TrainRecipe,
    asked: PredictRecipe,
    folder: Path,
    seeds: Sequence[int] = (0,),
    rows: Iterable[str] = ROWS,
) -> dict[str, list[Path]]:
    """Trains and asks what every row needs; the predictions files of each row, one per seed.

    trained: a recipe with both stages. asked: a recipe whose question each row sets. The base is
    asked once: it has no seed. Done work is kept, so a run that was killed goes on where it was.
    Raises what training and predicting raise.
    """
    files: dict[str, list[Path]] = {}
    for label in rows:
        row = ROWS[label]
        for seed in seeds if row.stages else seeds[:1]:
            adapters = adapters_folder(folder, label, seed) if row.stages else None
            if adapters is not None:
                _train(trained, row, adapters.parent, seed)
            name = f"{asked.split}-{label.replace(' ', '-')}.parquet"
            file = folder / f"seed-{seed}" / name
            _ask(asked, row, adapters, file)
            files.setdefault(label, []).append(file)
    return files


def adapters_folder(folder: Path, row: str, seed: int = 0) -> Path:
    """Where `answer_rows` leaves the adapters of a row that trains."""
    return folder / f"seed-{seed}" / "-".join(ROWS[row].stages) / "adapters"


def measured(title: str, files: Mapping[str, Sequence[Path]]) -> "Comparison":
    """The rows' figures side by side."""
    from georay.evaluation.metrics import evaluate_file
    from georay.evaluation.tables import compare

    return compare(title, {label: [evaluate_file(one) for one in f] for label, f in files.items()})


def _train(recipe: TrainRecipe, row: Row, output: Path, seed: int) -> None:
    from georay.training.train import train

    stages = tuple(stage for stage in recipe.stages if stage.adapter in row.stages)
    train(recipe.model_copy(update={"stages": stages, "output": str(output), "seed": seed}))


def _ask(recipe: PredictRecipe, row: Row, adapters: Path | None, file: Path) -> None:
    from georay.evaluation.predict import predict

    changes = {
        "answering": recipe.answering.model_copy(update={"prompt": row.question}),
        "adapters": "none" if adapters is None else str(adapters),
        "active_adapters": row.active,
        "output": str(file),
    }
    predict(recipe.model_copy(update=changes))
