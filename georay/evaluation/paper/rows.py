"""Rows that were run here, from predictions, recipes and training runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from georay.config.load import load_recipe, parse_recipe
from georay.config.train import TrainRecipe
from georay.core.paths import AnyPath, files_in
from georay.core.run_folder import read_facts
from georay.evaluation.inputs.files import read_columns
from georay.evaluation.inputs.truth import Truth
from georay.evaluation.judging import Inputs, judge_file
from georay.evaluation.metrics import Evaluation, Measuring
from georay.evaluation.tables import LEVELS, MEASURES, ComparisonRow, compare

_PRINTED = MEASURES[:3]
"""Of the measures, those that Tables 1 and 2 have."""
_KM = (1.0, 25.0, 750.0)


@dataclass(frozen=True)
class RowFiles:
    """A row of table `number`, and its files: one per run."""

    number: int
    name: str
    files: tuple[AnyPath, ...]


@dataclass(frozen=True)
class MeasuredRow:
    """A row that was run here. cells: by column of the table; sources: files and their hashes."""

    name: str
    cells: Mapping[str, str]
    sources: tuple[str, ...]


def run_row(row: RowFiles, truths: Mapping[int, Truth], measuring: Measuring) -> list[MeasuredRow]:
    """The row of a table, of Table 6 one per stage of a training run.

    truths: by table, where the files' pictures were taken, unless that stands in them.
    Raises ValueError if a file cannot be read or belongs in another table.
    """
    if row.number == 5:
        return _settings(row)
    if row.number == 6:
        return _speeds(row)
    evaluations = _evaluations(row, truths.get(row.number), measuring)
    return _answers(row.name, evaluations) if row.number < 3 else _distances(row.name, evaluations)


def _answers(name: str, evaluations: Sequence[Evaluation]) -> list[MeasuredRow]:
    """Tables 1 and 2: accuracy, recall and F1 of countries and cities."""
    [compared] = compare("", {name: evaluations}).rows
    cells = {
        f"{level}_{measure}": compared.cells[level][measure].as_text()
        for level in LEVELS
        for measure in _PRINTED
    }
    return [MeasuredRow(name, cells, _sources(compared))]


def _distances(name: str, evaluations: Sequence[Evaluation]) -> list[MeasuredRow]:
    """Tables 3 and 4: shares of all images within 1, 25 and 750 km."""
    [compared] = compare("", {name: evaluations}).rows
    cells = {f"{km:g} km": _within(evaluations, km) for km in _KM}
    return [MeasuredRow(name, cells, _sources(compared))]


def _within(evaluations: Sequence[Evaluation], km: float) -> str:
    found = [one.of_all for e in evaluations for one in e.distances if one.threshold_km == km]
    values = [figure.value for figure in found if figure.value is not None]
    if len(found) == 1:
        return found[0].as_text()
    if len(values) < len(found):
        return "-"
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"


def _evaluations(row: RowFiles, truth: Truth | None, measuring: Measuring) -> list[Evaluation]:
    inputs = Inputs(truth=truth)
    return [judge_file(file, inputs, measuring).evaluation for file in row.files]


def _sources(row: ComparisonRow) -> tuple[str, ...]:
    return tuple(one.source.as_text() for one in row.evaluations)


def _settings(row: RowFiles) -> list[MeasuredRow]:
    """Table 5: the settings of a recipe, or of a run."""
    [file] = _one_file(row)
    recipe = _recipe(file)
    lora, optimizer, batches = recipe.lora, recipe.optimizer, recipe.batches
    epochs = " / ".join(f"{stage.num_epochs}" for stage in recipe.stages)
    cells = {
        "learning rate": f"{optimizer.learning_rate:g}",
        "samples per step": f"{batches.global_batch}",
        "weight decay": f"{optimizer.weight_decay:g}",
        "warm-up ratio": f"{optimizer.warmup_ratio:g}",
        "optimizer": "AdamW",
        "beta 1": f"{optimizer.betas[0]:g}",
        "beta 2": f"{optimizer.betas[1]:g}",
        "schedule": "cosine",
        "longest sample, tokens": f"{batches.max_length}",
        "LoRA rank *": f"{lora.rank}",
        "LoRA alpha *": f"{lora.alpha}",
        "LoRA dropout *": f"{lora.dropout:g}",
        "epochs *": epochs or "-",
    }
    return [MeasuredRow(row.name, cells, (file.name,))]


def _recipe(file: AnyPath) -> TrainRecipe:
    """That of a YAML file, or of the run that a folder holds."""
    if not file.is_dir():
        return load_recipe(file, TrainRecipe)
    return parse_recipe(_manifest(file)["recipe"], TrainRecipe, str(file))


def _manifest(folder: AnyPath) -> dict[str, object]:
    facts = read_facts(folder / "manifest.json")
    if facts is None or facts.get("kind") != "training":
        raise ValueError(f"{folder} is no finished training run: it has no manifest.json of one")
    return facts


def _speeds(row: RowFiles) -> list[MeasuredRow]:
    """Table 6: samples per second of a training run, or seconds per answer of predictions."""
    [file] = _one_file(row)
    if not file.is_dir():
        return [MeasuredRow(row.name, {"seconds per answer": _latency(file)}, (file.name,))]
    _manifest(file)
    logs = files_in(file, "stages/*/steps.jsonl")
    if not logs:
        raise ValueError(f"{file} holds no log of a stage")
    return [
        MeasuredRow(
            f"{row.name} ({log.parent.name})", {"samples per second": _rate(log)}, (file.name,)
        )
        for log in logs
    ]


def _rate(log: AnyPath) -> str:
    steps = read_columns(log)
    seconds = pc.sum(steps.column("seconds")).as_py()
    return f"{pc.sum(steps.column('num_samples')).as_py() / seconds:.3g}"


def _latency(file: AnyPath) -> str:
    try:
        column = read_columns(file).column("latency_ms")
        mean = pc.mean(column.cast(pa.float64())).as_py()
    except (KeyError, OSError, ValueError, pa.ArrowException) as problem:
        raise ValueError(f"{file} has no column latency_ms that can be read: {problem}") from None
    return "-" if mean is None else f"{mean / 1000:.3g}"


def _one_file(row: RowFiles) -> tuple[AnyPath]:
    if len(row.files) != 1:
        raise ValueError(
            f"{row.number}:{row.name} names {len(row.files)} files; a row of Table {row.number} "
            "is about one"
        )
    return (row.files[0],)
