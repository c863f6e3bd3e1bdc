"""A model's answers about the pictures of a split, as one table of predictions.

Rows flow from operator to operator: read, answer, write; in this process, or on Ray Data. The shard
is the unit of saving: a run that was killed goes on with the shards that are not there, and the
shards, thus the batches and the answers, are those of a run that nobody killed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from georay.config.predict import PredictRecipe
from georay.core.manifest import (
    digest,
    file_sha256,
    machine,
    versions,
    write_json,
    write_table,
)
from georay.core.paths import AnyPath, path_of
from georay.core.picture_files import PictureFile
from georay.core.run_folder import only_writer, read_facts
from georay.core.storage import parse_address
from georay.core.tables import PREDICTIONS
from georay.evaluation.answering import (
    AnswerPictures,
    Operator,
    ReadPictures,
    Told,
    WriteAnswers,
    cut,
)
from georay.evaluation.datasets import KnownPicture, read_split
from georay.evaluation.model_identity import (
    ModelIdentity,
    check_can_answer,
    identify,
    seen_from_elsewhere,
)
from georay.evaluation.operators import run_operators
from georay.evaluation.parts import Parts, refuse_other_settings
from georay.evaluation.usage import RunUsage, usage_of
from georay.runtime.progress import progress

_PACKAGES = ("georay", "torch", "transformers", "peft", "pyarrow", "pillow", "numpy")
_KIND = "predictions"
_ASKED = pa.schema(
    [
        *(PREDICTIONS.field(name) for name in PREDICTIONS.names if name.startswith("true_")),
        pa.field("image_id", pa.string()),
        pa.field("uri", pa.string()),
        pa.field("projection", pa.string()),
        pa.field("status", pa.string()),
        pa.field("error", pa.string()),
    ]
)


@dataclass(frozen=True)
class PredictionFiles:
    """Where a run writes: `parts` is unfinished work and goes when the table is whole."""

    table: AnyPath

    @property
    def facts(self) -> AnyPath:
        return self.table.with_suffix(".json")

    @property
    def parts(self) -> Parts:
        return Parts(self.table.with_suffix(".parts"), PREDICTIONS, "image_id")


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
    files = PredictionFiles(path_of(recipe.output))
    with only_writer(files.table.parent, f".{files.table.name}.lock"):
        return _predict(files, recipe)


def _predict(files: PredictionFiles, recipe: PredictRecipe) -> PredictSummary:
    pictures = read_split(recipe.samples, recipe.split, recipe.stage, recipe.max_images)
    subject = identify(recipe)
    settings = _settings(recipe, subject, pictures)
    finished_before = _hold_to_settings(files, settings)
    if not finished_before:
        check_can_answer(recipe)
        files.parts.begin(settings)
        rows = picture_rows(pictures)
        _answer_what_is_left(files.parts, rows, recipe, subject)
        _publish(files, files.parts.gathered(rows), recipe, settings)
    files.parts.remove()
    return _summary(files, finished_before)


def picture_rows(pictures: Sequence[KnownPicture]) -> pa.Table:
    """The pictures as operators take them."""
    rows = [
        {
            "image_id": one.image_id,
            "uri": _seen_from_anywhere(one),
            "projection": one.projection,
            "true_country": one.country,
            "true_city": one.city,
            "true_latitude": one.latitude,
            "true_longitude": one.longitude,
        }
        for one in pictures
    ]
    return pa.Table.from_pylist(rows, schema=_ASKED)


def _seen_from_anywhere(picture: KnownPicture) -> str:
    """Its uri in whichever folder a worker runs; a view of a panorama stays one."""
    try:
        source = picture.source
    except ValueError:  # its row will say so
        return picture.uri
    return PictureFile(parse_address(source.file).uri, source.heading).uri


def _settings(
    recipe: PredictRecipe, subject: ModelIdentity, pictures: Sequence[KnownPicture]
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
    unfinished = files.parts.read_settings()
    if unfinished is not None:
        refuse_other_settings(files.parts.root, unfinished, settings)
        return False
    if not files.table.exists():
        return False
    refuse_other_settings(files.table, _settings_of_finished(files), settings)
    return True


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


def _answer_what_is_left(
    parts: Parts, rows: pa.Table, recipe: PredictRecipe, subject: ModelIdentity
) -> None:
    left = parts.remaining(rows)
    if not left.num_rows:
        return
    shards = list(cut(left, recipe.shard_size))
    with progress(f"answering ({subject.name})", rows.num_rows) as meter:
        meter.resume(rows.num_rows - left.num_rows)
        here = meter.advance if recipe.workers is None else None
        operators = operators_of(recipe, subject, parts, here)
        run_operators(operators, shards, recipe, meter)


def operators_of(
    recipe: PredictRecipe, subject: ModelIdentity, parts: Parts, tell: Told | None
) -> list[Operator]:
    """What is done to each shard: read, answer, write. tell: called after each answered batch."""
    asked = recipe if recipe.workers is None else seen_from_elsewhere(recipe)
    return [
        Operator(ReadPictures),
        Operator(AnswerPictures, (asked, subject, parts.schema, tell), recipe.workers),
        Operator(WriteAnswers, (parts.root.absolute(), parts.schema, parts.key)),
    ]


def _publish(
    files: PredictionFiles, table: pa.Table, recipe: PredictRecipe, settings: dict[str, object]
) -> None:
    """The table first and what it is last, so that both together say that it is whole."""
    write_table(files.table, table)
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
