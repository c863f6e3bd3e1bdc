"""A model's answers about the pictures of a split, as one table of predictions.

The shard is the unit of saving: a run that was killed goes on behind the last whole shard, and the
shards, thus the batches and the answers, are those of a run that nobody killed.
"""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from georay.config.predict import PredictRecipe, PredictWorkersRecipe
from georay.core.manifest import digest, file_sha256, machine, versions, write_atomic, write_json
from georay.core.publishing import only_writer, read_facts
from georay.core.tables import PREDICTIONS, conform
from georay.evaluation.answering import Shard, answer_shard, cut
from georay.evaluation.datasets import KnownPicture, read_split
from georay.evaluation.subject import Subject, check_subject, identify, load_locator
from georay.evaluation.usage import RunUsage, usage_of
from georay.runtime.progress import Meter, progress

_PACKAGES = ("georay", "torch", "transformers", "peft", "pyarrow", "pillow", "numpy")
_KIND = "predictions"


@dataclass(frozen=True)
class PredictionFiles:
    """Where a run writes: `parts` is unfinished work and goes when the table is whole."""

    table: Path

    @property
    def facts(self) -> Path:
        return self.table.with_suffix(".json")

    @property
    def parts(self) -> Path:
        return self.table.with_suffix(".parts")

    @property
    def settings(self) -> Path:
        return self.parts / "settings.json"

    def part(self, number: int) -> Path:
        return self.parts / f"part-{number:05}.parquet"


@dataclass(frozen=True)
class PredictSummary:
    """What became of the pictures, by the status of their answers. usage: of a remote model."""

    table: str
    num_images: int
    statuses: dict[str, int]
    finished_before: bool
    usage: RunUsage | None = None

    def as_text(self) -> str:
        counts = ", ".join(f"{count:,} {status}" for status, count in self.statuses.items())
        before = " (finished before; nothing was asked again)" if self.finished_before else ""
        lines = [f"{self.num_images:,} images: {counts}{before}"]
        if self.usage is not None:
            lines.append(self.usage.as_text())
        return "\n".join([*lines, f"predictions: {self.table}"])

    def to_json(self) -> dict[str, object]:
        """Every field, as JSON has it."""
        return asdict(self)


def predict(recipe: PredictRecipe) -> PredictSummary:
    """Asks the model about every picture of the split, or about those that are left.

    Writes the recipe's `output`, with the schema PREDICTIONS and ordered by image, and beside it a
    JSON file with the model, its revision, its adapters and all that decided the answers. A picture
    that cannot be read is a row with status "failed" and its `error`.
    Raises ValueError if the output holds answers of something else, an input is absent, or another
    run writes the same table.
    """
    files = PredictionFiles(Path(recipe.output).expanduser())
    with only_writer(files.table.parent, f".{files.table.name}.lock"):
        return _predict(files, recipe)


def _predict(files: PredictionFiles, recipe: PredictRecipe) -> PredictSummary:
    pictures = read_split(recipe.samples, recipe.split, recipe.stage, recipe.max_images)
    subject = identify(recipe)
    settings = _settings(recipe, subject, pictures)
    finished_before = _hold_to_settings(files, settings)
    if not finished_before:
        check_subject(recipe)
        _begin(files, settings)
        shards = tuple(cut(pictures, recipe.shard_size))
        _answer_what_is_left(files, shards, recipe, subject)
        _publish(files, len(shards), recipe, settings)
    shutil.rmtree(files.parts, ignore_errors=True)
    return _summary(files, finished_before)


def _settings(
    recipe: PredictRecipe, subject: Subject, pictures: Sequence[KnownPicture]
) -> dict[str, object]:
    """What decides the answers, and with which others each is computed."""
    asked = {} if recipe.endpoint is None else {"endpoint": recipe.endpoint.base_url}
    return asked | {
        "model": asdict(subject),
        "precision": recipe.precision,
        "max_pixels": recipe.max_pixels,
        "answering": recipe.answering.model_dump(mode="json"),
        "pictures": {
            "split": recipe.split,
            "stage": recipe.stage,
            "count": len(pictures),
            "hash": digest(*(picture.facts() for picture in pictures)),
        },
        "shard_size": recipe.shard_size,
    }


def _hold_to_settings(files: PredictionFiles, settings: dict[str, object]) -> bool:
    """Whether the table is whole already; raises ValueError if it, or a part, is another's."""
    unfinished = read_facts(files.settings)
    if unfinished is not None:
        before, place = unfinished, files.parts
    elif files.table.exists():
        before, place = _settings_of_finished(files), files.table
    else:
        return False
    if changed := [name for name in settings if before.get(name) != settings[name]]:
        differences = "; ".join(f"{n} was {before.get(n)}, is {settings[n]}" for n in changed)
        raise ValueError(
            f"{place} holds answers that came about otherwise ({differences}); choose another "
            "output, or remove it to ask anew"
        )
    return unfinished is None


def _settings_of_finished(files: PredictionFiles) -> dict[str, Any]:
    facts = read_facts(files.facts) or {}
    told = facts.get("predictions", {}) if facts.get("kind") == _KIND else {}
    if told.get("sha256") != file_sha256(files.table):
        raise ValueError(
            f"{files.table} is there, and no {files.facts.name} beside it describes it; choose "
            "another output, or remove it"
        )
    settings: dict[str, Any] = facts["settings"]
    return settings


def _begin(files: PredictionFiles, settings: dict[str, object]) -> None:
    """Parts count only beside the settings that they came about with."""
    if not files.settings.exists():
        shutil.rmtree(files.parts, ignore_errors=True)
        write_json(files.settings, settings)


def _answer_what_is_left(
    files: PredictionFiles, shards: Sequence[Shard], recipe: PredictRecipe, subject: Subject
) -> None:
    left = [shard for shard in shards if not _is_whole(files.part(shard.number))]
    if not left:
        return
    num_left = sum(len(shard.pictures) for shard in left)
    total = sum(len(shard.pictures) for shard in shards)
    with progress(f"answering ({subject.name})", total) as meter:
        meter.resume(total - num_left)
        if recipe.workers is None:
            _answer_here(files, left, recipe, subject, meter)
        else:
            _answer_on_cluster(files, left, recipe, recipe.workers, subject, meter)


def _answer_here(
    files: PredictionFiles,
    shards: Sequence[Shard],
    recipe: PredictRecipe,
    subject: Subject,
    meter: Meter,
) -> None:
    locator = load_locator(recipe)
    for shard in shards:
        table = answer_shard(locator, shard, subject, recipe.answering, meter.advance)
        _write(files.part(shard.number), table)


def _answer_on_cluster(
    files: PredictionFiles,
    shards: Sequence[Shard],
    recipe: PredictRecipe,
    workers: PredictWorkersRecipe,
    subject: Subject,
    meter: Meter,
) -> None:
    from georay.evaluation.runner import answer_on_cluster
    from georay.runtime.connect import connect

    with connect(recipe.cluster):
        for shard in answer_on_cluster(shards, recipe, workers, subject):
            _write(files.part(shard.number), shard.answers)
            meter.advance(shard.answers.num_rows, _num_failed(shard.answers))


def _num_failed(table: pa.Table) -> int:
    statuses: list[str] = table.column("status").to_pylist()
    return statuses.count("failed")


def _publish(
    files: PredictionFiles, num_shards: int, recipe: PredictRecipe, settings: dict[str, object]
) -> None:
    """The table first and what it is last, so that both together say that it is whole."""
    parts = [_read(files.part(number)) for number in range(num_shards)]
    table = pa.concat_tables(parts)
    _write(files.table, table)
    statuses = Counter(table.column("status").to_pylist())
    write_json(
        files.facts,
        {
            "kind": _KIND,
            "predictions": {"name": files.table.name, "sha256": file_sha256(files.table)},
            "num_images": table.num_rows,
            "statuses": dict(sorted(statuses.items())),
            "usage": None if recipe.endpoint is None else asdict(usage_of(table)),
            "settings": settings,
            "recipe": recipe.model_dump(mode="json"),
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "versions": versions(_PACKAGES),
        },
    )


def _summary(files: PredictionFiles, finished_before: bool) -> PredictSummary:
    facts = read_facts(files.facts)
    assert facts is not None, "the table is whole, and its facts are what says so"
    usage = RunUsage(**told) if (told := facts.get("usage")) else None
    counts = (facts["num_images"], facts["statuses"])
    return PredictSummary(str(files.table), *counts, finished_before, usage)


def _is_whole(part: Path) -> bool:
    """Whether a shard's answers are there and can be read; a damaged one is asked again."""
    try:
        _read(part)
    except (OSError, pa.ArrowException, ValueError):
        return False
    return True


def _write(path: Path, table: pa.Table) -> None:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    write_atomic(path, buffer.getvalue().to_pybytes())


def _read(path: Path) -> pa.Table:
    return conform(pq.ParquetFile(path).read(), PREDICTIONS, str(path))
