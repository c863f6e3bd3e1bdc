"""Locates a collection as a resumable run: list, measure, ask, write, report.

The operators are those of `predict`, with one more that measures locatability before a model is
asked. What is answered stays answered: a run that was killed goes on with the rest, and so does one
whose inputs have grown.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from georay.config.load import dump_recipe
from georay.config.locate import LocateRecipe, MeasuringRecipe
from georay.core.manifest import machine, versions, write_atomic, write_json, write_table
from georay.core.paths import AnyPath, open_parquet, path_of
from georay.core.picture_files import PictureFile
from georay.core.run_folder import are_whole, fingerprints, only_writer, read_facts
from georay.core.tables import LOCATED, conform
from georay.curation.inputs import Listing, list_inputs
from georay.curation.inputs.remarks import remarks_to_json
from georay.curation.weighting import resolve_weights
from georay.evaluation.answering import AnswerPictures, Operator, ReadPictures, WriteAnswers, cut
from georay.evaluation.model_identity import (
    ModelIdentity,
    check_can_answer,
    identify,
    seen_from_elsewhere,
)
from georay.evaluation.operators import run_operators
from georay.evaluation.parts import Parts, refuse_other_settings
from georay.evaluation.usage import ExpectedUsage, expected_usage
from georay.flow.collection.files import as_csv, as_geojson
from georay.flow.collection.measuring import MeasureLocatability
from georay.flow.collection.report import render_locations
from georay.flow.collection.summary import LocateSummary, summarize
from georay.locatability.weights import ClassWeights
from georay.models.segmenter import SMALL, weights_digest
from georay.runtime.progress import Meter, progress

Say = Callable[[str], None]
_KIND = "locations"
_WRITERS = {"csv": as_csv, "geojson": as_geojson}
_LABELS = ("country", "city", "latitude", "longitude")


@dataclass(frozen=True)
class LocateFiles:
    """Where a run writes; `parts` is unfinished work and goes when the table is whole."""

    root: AnyPath

    @property
    def table(self) -> AnyPath:
        return self.root / "locations.parquet"

    @property
    def manifest(self) -> AnyPath:
        return self.root / "manifest.json"

    @property
    def report(self) -> AnyPath:
        return self.root / "report.html"

    @property
    def parts(self) -> Parts:
        return Parts(self.root / "parts", LOCATED, "uri")


def _silent(text: str) -> None:
    """Says nothing."""


def locate_collection(recipe: LocateRecipe, say: Say = _silent) -> LocateSummary:
    """Locates every picture of the inputs, or those that are left; see `LocateRecipe`.

    say: called, for a remote model, with what asking will cost before anything is asked.
    Raises ValueError if the folder holds answers that came about otherwise, an input is absent, or
    another run writes there.
    """
    files = LocateFiles(path_of(recipe.output))
    with only_writer(files.root):
        return _locate(files, _pinned(recipe), say)


def announced(recipe: LocateRecipe) -> ExpectedUsage | None:
    """What asking will take at most, of a remote model; nothing is asked, and nothing written.

    Answers that are there already are not counted. None for a model that is here.
    Raises ValueError if an input is absent.
    """
    if recipe.endpoint is None:
        return None
    files = LocateFiles(path_of(recipe.output))
    rows = _rows(list_inputs(recipe.inputs, files.root))
    return expected_usage(recipe, recipe.endpoint, _left(files, rows, recipe).num_rows)


def _locate(files: LocateFiles, recipe: LocateRecipe, say: Say) -> LocateSummary:
    listing = list_inputs(recipe.inputs, files.root)
    rows, subject = _rows(listing), identify(recipe)
    weights = _weights(files, recipe.locatability)
    settings = _settings(recipe, subject, weights)
    _hold_to_settings(files, settings)
    left = _left(files, rows, recipe)
    finished_before = not left.num_rows and _is_whole(files, recipe, rows)
    if left.num_rows:
        check_can_answer(recipe)
        files.parts.begin(settings)
        if recipe.endpoint is not None:
            say(expected_usage(recipe, recipe.endpoint, left.num_rows).as_text())
        _answer(files, left, rows.num_rows, recipe, subject, weights)
    table = _gathered(files, rows)
    summary = summarize(
        files.root,
        table,
        rows.num_rows,
        finished_before,
        recipe,
        listing.remarks,
    )
    if not finished_before:
        _publish(files, table, recipe, settings, summary)
    files.parts.remove()
    return summary


def _pinned(recipe: LocateRecipe) -> LocateRecipe:
    """The recipe with the segmenter's commit filled in, if it comes from the hub."""
    measured = recipe.locatability
    if measured is None or measured.segmenter.model == SMALL or measured.segmenter.revision:
        return recipe
    from georay.models.segmenters.hub import pinned_revision

    revision = pinned_revision(measured.segmenter.model, None)
    segmenter = measured.segmenter.model_copy(update={"revision": revision})
    changed = measured.model_copy(update={"segmenter": segmenter})
    return recipe.model_copy(update={"locatability": changed})


def _weights(files: LocateFiles, measured: MeasuringRecipe | None) -> ClassWeights | None:
    if measured is None:
        return None
    return resolve_weights(measured.weights, files.root / "made_weights.json")


def _rows(listing: Listing) -> pa.Table:
    """The listed pictures as operators take them; what lists say of their places is the truth."""
    table = listing.table
    projections = [
        given or (PictureFile.find(uri).projection if "#" in uri else None)
        for uri, given in zip(
            table.column("uri").to_pylist(), table.column("projection").to_pylist(), strict=True
        )
    ]
    truth = {f"true_{name}": table.column(name) for name in _LABELS}
    columns = truth | {
        "uri": table.column("uri"),
        "projection": pa.array(projections, pa.string()),
        "error": table.column("error"),
    }
    missing = {name: pa.nulls(len(table), LOCATED.field(name).type) for name in LOCATED.names}
    return pa.table(missing | columns).select(LOCATED.names)


def _settings(
    recipe: LocateRecipe, subject: ModelIdentity, weights: ClassWeights | None
) -> dict[str, object]:
    """What decides an answer: a folder's rows must all have come about with the same."""
    measured = recipe.locatability
    settings: dict[str, object] = {
        "model": asdict(subject),
        "endpoint": recipe.endpoint.base_url if recipe.endpoint else None,
        "precision": recipe.precision,
        "max_pixels": recipe.max_pixels,
        "answering": recipe.answering.model_dump(mode="json"),
        "locatability": None,
    }
    if measured is not None and weights is not None:
        segmenter = measured.segmenter.model_dump(mode="json", exclude={"device"})
        settings["locatability"] = {
            "segmenter": segmenter | {"digest": weights_digest(measured.segmenter.model)},
            "weights": weights.id,
            "least": measured.least,
            "below": measured.below,
        }
    return settings


def _hold_to_settings(files: LocateFiles, settings: dict[str, object]) -> None:
    """Raises ValueError if the folder is another verb's, or holds answers of other settings."""
    unfinished, facts = files.parts.read_settings(), read_facts(files.manifest)
    if facts is not None and facts.get("kind") != _KIND:
        raise ValueError(
            f"{files.root} is the folder of another kind of run ({facts.get('kind')}); choose "
            "another --out"
        )
    if unfinished is not None:
        refuse_other_settings(files.parts.root, unfinished, settings)
    if facts is not None:
        refuse_other_settings(files.root, facts["settings"], settings)


def _finished(files: LocateFiles) -> pa.Table:
    """The rows of an earlier run that ended; none where a file of it is damaged."""
    if not files.table.exists():
        return LOCATED.empty_table()
    try:
        return conform(open_parquet(files.table).read(), LOCATED, str(files.table))
    except (OSError, pa.ArrowException, ValueError) as problem:
        raise ValueError(f"{files.table} cannot be read ({problem}): remove it") from None


def _left(files: LocateFiles, rows: pa.Table, recipe: LocateRecipe) -> pa.Table:
    """The pictures that have no answer yet, or a failed one that is to be tried again."""
    done = _finished(files)
    if recipe.retry_failed:
        done = done.filter(pc.not_equal(done.column("status"), "failed"))
    known = pc.is_in(rows.column("uri"), value_set=done.column("uri"))
    return files.parts.remaining(rows.filter(pc.invert(known)))


def _answer(
    files: LocateFiles,
    left: pa.Table,
    num_all: int,
    recipe: LocateRecipe,
    subject: ModelIdentity,
    weights: ClassWeights | None,
) -> None:
    with progress(f"locating ({subject.name})", num_all) as meter:
        meter.resume(num_all - left.num_rows)
        operators = _operators(files.parts, recipe, subject, weights, meter)
        run_operators(operators, list(cut(left, recipe.shard_size)), recipe, meter)


def _operators(
    parts: Parts,
    recipe: LocateRecipe,
    subject: ModelIdentity,
    weights: ClassWeights | None,
    meter: Meter,
) -> list[Operator]:
    """Read, measure, ask, write."""
    here = recipe.workers is None
    asked = recipe if here else seen_from_elsewhere(recipe)
    measured = recipe.locatability
    measuring = []
    if measured is not None and weights is not None:
        workers = None if here else measured.workers
        measuring = [Operator(MeasureLocatability, (measured, weights), workers)]
    tell = meter.advance if here else None
    return [
        Operator(ReadPictures),
        *measuring,
        Operator(AnswerPictures, (asked, subject, parts.schema, tell), recipe.workers),
        Operator(WriteAnswers, (parts.root.absolute(), parts.schema, parts.key)),
    ]


def _gathered(files: LocateFiles, rows: pa.Table) -> pa.Table:
    """Every row once: in the order of the inputs, then those that the inputs no longer name."""
    found = pa.concat_tables([files.parts.table(), _finished(files)])
    keys = found.column("uri")
    at = pc.index_in(rows.column("uri"), value_set=keys)
    assert not at.null_count, "every picture was answered, or the run has stopped"
    others = found.filter(pc.invert(pc.is_in(keys, value_set=rows.column("uri"))))
    first: dict[str, int] = {}
    for number, uri in enumerate(others.column("uri").to_pylist()):
        first.setdefault(uri, number)
    once = others.take(pa.array(first.values(), pa.int64()))
    return pa.concat_tables([found.take(at), once]).combine_chunks()


def _is_whole(files: LocateFiles, recipe: LocateRecipe, rows: pa.Table) -> bool:
    """Whether an earlier run ended, and all that this recipe asks for is there."""
    facts = read_facts(files.manifest) or {}
    wanted = {f"locations.{form}" for form in recipe.formats}
    is_same = facts.get("num_listed") == rows.num_rows and wanted <= set(facts.get("files", {}))
    is_published = files.parts.read_settings() is None
    return is_same and is_published and are_whole(files.root, facts.get("files"))


def _publish(
    files: LocateFiles,
    table: pa.Table,
    recipe: LocateRecipe,
    settings: dict[str, object],
    summary: LocateSummary,
) -> None:
    """What the run leaves; the manifest is last, and says that the rest is whole."""
    write_table(files.table, table)
    written = [files.table, files.report]
    for form in recipe.formats:
        path = files.table.with_suffix(f".{form}")
        write_atomic(path, _WRITERS[form](table))
        written.append(path)
    write_atomic(files.report, render_locations(table, recipe, summary))
    write_atomic(files.root / "recipe.yaml", dump_recipe(recipe))
    facts: dict[str, Any] = {
        "kind": _KIND,
        "num_listed": summary.num_listed,
        "statuses": summary.statuses,
        "usage": None if summary.usage is None else asdict(summary.usage),
        "remarks": remarks_to_json(summary.remarks),
        "settings": settings,
        "recipe": recipe.model_dump(mode="json"),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": fingerprints(files.root, written),
        "machine": machine(),
        "versions": versions(),
    }
    write_json(files.manifest, facts)
