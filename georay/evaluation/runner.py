"""Answering on a Ray cluster, a shard at a time. The one file here with Ray."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import ray.data
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError

from georay.config.predict import PredictRecipe, PredictWorkersRecipe
from georay.core.storage import parse_address
from georay.core.tables import PREDICTIONS
from georay.errors import GeorayError
from georay.evaluation.answering import Shard, answer_shard
from georay.evaluation.subject import Subject, load_locator
from georay.runtime.causes import cause_in

# A shard travels back as one cell, so that it arrives whole or not at all.
_ANSWERED = pa.schema([pa.field("number", pa.int64()), pa.field("answers", pa.binary())])


class AnswerShards:
    """A stage that answers the shards whose numbers come in; it holds the model."""

    reads = ("number",)
    adds = ("answers",)

    def __init__(self, recipe: PredictRecipe, subject: Subject, shards: Sequence[Shard]) -> None:
        self._locator = load_locator(recipe)
        self._subject = subject
        self._how = recipe.answering
        self._shards = {shard.number: shard for shard in shards}

    def __call__(self, batch: pa.Table) -> pa.Table:
        numbers = batch.column("number").to_pylist()
        answers = [self._answer(self._shards[number]) for number in numbers]
        return pa.table([numbers, answers], schema=_ANSWERED)

    def _answer(self, shard: Shard) -> bytes:
        table = answer_shard(self._locator, shard, self._subject, self._how)
        buffer = pa.BufferOutputStream()
        with pa.ipc.new_stream(buffer, PREDICTIONS) as stream:
            stream.write_table(table)
        answers: bytes = buffer.getvalue().to_pybytes()
        return answers


@dataclass(frozen=True)
class Answered:
    """The rows of one shard, schema PREDICTIONS."""

    number: int
    answers: pa.Table


def answer_on_cluster(
    shards: Sequence[Shard],
    recipe: PredictRecipe,
    workers: PredictWorkersRecipe,
    subject: Subject,
) -> Iterator[Answered]:
    """The answers to each shard, whichever is ready first. Needs a running Ray.

    Pictures, model and adapters must lie where every worker sees them.
    Raises GeorayError if a worker cannot work at all, for instance without its model.
    """
    _quiet_context()
    there = [_seen_from_elsewhere(shard) for shard in shards]
    numbers = [{"number": shard.number} for shard in shards]
    answered = ray.data.from_items(numbers, override_num_blocks=len(numbers)).map_batches(
        AnswerShards,
        fn_constructor_args=(_absolute(recipe), subject, there),
        batch_size=1,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=min(workers.num_workers, len(shards))),
        num_cpus=workers.cpus_per_worker,
        num_gpus=workers.gpus_per_worker or None,
    )
    try:
        for row in answered.iter_rows():
            yield Answered(row["number"], pa.ipc.open_stream(row["answers"]).read_all())
    except RayError as problem:
        raise GeorayError(f"answering stopped: {cause_in(str(problem))}") from problem


def _absolute(recipe: PredictRecipe) -> PredictRecipe:
    """Workers run elsewhere: the recipe with local folders written out."""
    changes: dict[str, str] = {}
    if Path(recipe.model).is_dir():
        changes["model"] = str(Path(recipe.model).absolute())
    if recipe.adapters is not None:
        changes["adapters"] = str(Path(recipe.adapters).expanduser().absolute())
    return recipe.model_copy(update=changes)


def _seen_from_elsewhere(shard: Shard) -> Shard:
    pictures = tuple(picture.at(parse_address(picture.uri).uri) for picture in shard.pictures)
    return Shard(shard.number, pictures)


def _quiet_context() -> None:
    """The run shows one bar of its own; Ray Data's would be drawn over it."""
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = 0
