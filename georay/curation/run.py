"""A curation run from recipe to report: score, write, select; every step can be run again."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from georay.config.curate import CurateRecipe
from georay.config.load import dump_recipe, parse_recipe
from georay.core.manifest import digest, machine, versions, write_atomic, write_json
from georay.curation.collapse import collapse, done_files, remaining, stream
from georay.curation.examples import extremes, load_examples
from georay.curation.inputs import list_inputs
from georay.curation.report import ReportData, charted_scores, render_report
from georay.curation.run_folder import RunFolder, parquet_files, replace_folder
from georay.curation.select import select
from georay.curation.summary import Summary, summarize
from georay.curation.weighting import resolve_weights
from georay.errors import TooManyErrors
from georay.locatability.weights import ClassWeights, weights_from_json
from georay.models.segmenter import SMALL, weights_digest
from georay.runtime.progress import progress


class Clock:
    """Seconds of wall time per named step of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - start)

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = round(self.seconds.get(name, 0.0) + seconds, 3)


def curate(recipe: CurateRecipe) -> Summary:
    """Runs a recipe, or what is left of it, and returns what came of it.

    Raises ValueError if the folder holds a run with other settings or an input is absent, and
    TooManyErrors, after everything was written, if more files failed than the recipe allows.
    """
    folder = RunFolder(Path(recipe.output).expanduser())
    clock = Clock()
    with folder.locked():
        recipe = _pin_segmenter(recipe, folder)
        with clock.step("list"):
            inputs = list_inputs(recipe.inputs)
        with clock.step("weights"):
            weights = resolve_weights(recipe.weights, folder.made_weights)
        _hold_to_settings(folder, _settings(recipe, weights))
        todo = remaining(inputs, folder.score_files())
        if not todo.num_rows and _is_finished(folder, recipe):
            summary = summarize(inputs, folder.root, folder.scores, recipe.threshold)
            summary = replace(summary, finished_before=True)
        else:
            _score_what_is_left(todo, inputs, weights, recipe, folder, clock)
            summary = _select_and_report(folder, recipe, weights, inputs, clock)
    if summary.error_share > recipe.max_error_share:
        raise TooManyErrors(
            f"{summary.as_text()}\n{summary.num_errors:,} of {summary.num_files:,} files failed, "
            f"more than max_error_share {recipe.max_error_share:g} allows; see {folder.report}"
        )
    return summary


def _score_what_is_left(
    todo: pa.Table,
    inputs: pa.Table,
    weights: ClassWeights,
    recipe: CurateRecipe,
    folder: RunFolder,
    clock: Clock,
) -> None:
    write_json(folder.weights, weights.to_json())
    if todo.num_rows:
        with clock.step("score"):
            _score(todo, inputs.num_rows, weights, recipe, folder, clock)
    with clock.step("collapse"):
        _publish_scores(folder)


def reselect(root: Path, threshold: float) -> Summary:
    """Selects again from a finished run at another threshold: no model, no photograph is read.

    Raises ValueError if the folder holds no finished run.
    """
    folder = RunFolder(root)
    manifest = folder.read_manifest()
    if manifest is None:
        raise ValueError(
            f"{root} holds no finished run; make one with `georay curate … --out {root}`"
        )
    stored = parse_recipe(manifest["recipe"], CurateRecipe, str(folder.manifest))
    recipe = stored.model_copy(update={"threshold": threshold})
    with folder.locked():
        weights = weights_from_json(folder.weights.read_text())
        inputs = pa.table({"uri": done_files(parquet_files(folder.scores))})
        return _select_and_report(folder, recipe, weights, inputs, Clock())


def _pin_segmenter(recipe: CurateRecipe, folder: RunFolder) -> CurateRecipe:
    """The recipe with the segmenter's commit filled in: the one that this folder began with."""
    choice = recipe.segmenter
    if choice.revision is None and choice.model != SMALL:
        before = json.loads(folder.settings.read_text()) if folder.settings.exists() else {}
        stored = before.get("segmenter", {})
        if stored.get("model") == choice.model:
            revision = stored["revision"]
        else:
            from georay.models.segmenters.hub import pinned_revision

            revision = pinned_revision(choice.model, None)
        choice = choice.model_copy(update={"revision": revision})
    return recipe.model_copy(update={"segmenter": choice})


def _settings(recipe: CurateRecipe, weights: ClassWeights) -> dict[str, object]:
    """What decides a score: a folder's rows must all have been made with the same."""
    choice = recipe.segmenter
    return {
        "segmenter": choice.model_dump(exclude={"device"})
        | {"digest": weights_digest(choice.model)},
        "weights": weights.id,
        "limits": recipe.limits.model_dump(),
        "panoramas": recipe.panoramas,
    }


def _hold_to_settings(folder: RunFolder, settings: dict[str, object]) -> None:
    if folder.settings.exists() and folder.score_files():
        before = json.loads(folder.settings.read_text())
        changed = [name for name in settings if before.get(name) != settings[name]]
        if changed:
            facts = "; ".join(f"{n} was {before.get(n)}, is {settings[n]}" for n in changed)
            raise ValueError(
                f"{folder.root} holds rows scored with other settings ({facts}); "
                "choose another --out, or remove that folder to score anew"
            )
    write_json(folder.settings, settings)


def _is_finished(folder: RunFolder, recipe: CurateRecipe) -> bool:
    manifest = folder.read_manifest()
    if manifest is None or parquet_files(folder.parts):
        return False
    stored = parse_recipe(manifest["recipe"], CurateRecipe, str(folder.manifest))
    return stored.threshold == recipe.threshold and folder.report.exists()


def _score(
    todo: pa.Table,
    num_files: int,
    weights: ClassWeights,
    recipe: CurateRecipe,
    folder: RunFolder,
    clock: Clock,
) -> None:
    from georay.curation.pipeline import score_images
    from georay.runtime.connect import connect

    with connect(recipe.cluster), progress("scoring", num_files) as meter:
        meter.resume(num_files - todo.num_rows)
        for block in score_images(todo, weights, recipe, folder.parts.absolute()):
            meter.advance(int(block["num_rows"]), int(block["num_errors"]))
            clock.add("read (sum over workers)", block["seconds_read"])
            clock.add("segment (sum over workers)", block["seconds_segment"])


def _publish_scores(folder: RunFolder) -> None:
    if parquet_files(folder.parts) or not folder.scores.exists():
        with replace_folder(folder.scores) as fresh:
            collapse(folder.score_files(), fresh)
        shutil.rmtree(folder.parts, ignore_errors=True)


def _select_and_report(
    folder: RunFolder,
    recipe: CurateRecipe,
    weights: ClassWeights,
    inputs: pa.Table,
    clock: Clock,
) -> Summary:
    before = (folder.read_manifest() or {}).get("seconds", {})
    write_atomic(folder.root / "recipe.yaml", dump_recipe(recipe))
    with clock.step("select"):
        with replace_folder(folder.curated) as fresh:
            select(folder.scores, fresh, recipe.threshold)
        summary = summarize(inputs, folder.root, folder.scores, recipe.threshold)
    with clock.step("report"):
        manifest = _manifest(recipe, weights, summary, clock)
        write_atomic(folder.report, _report(folder, recipe, weights, manifest))
    manifest["seconds"] = {**before, **clock.seconds}
    write_json(folder.manifest, manifest)
    return summary


def _manifest(
    recipe: CurateRecipe, weights: ClassWeights, summary: Summary, clock: Clock
) -> dict[str, object]:
    return {
        "kind": "curation",
        "recipe": recipe.model_dump(mode="json"),
        "recipe_hash": digest(recipe.model_dump(mode="json")),
        "weights_id": weights.id,
        "weights_source": weights.source,
        "counts": summary.counts(),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "seconds": dict(clock.seconds),
    }


def _report(
    folder: RunFolder, recipe: CurateRecipe, weights: ClassWeights, manifest: dict[str, object]
) -> str:
    scores = charted_scores(stream(parquet_files(folder.scores)))
    most, least = extremes(scores.ends)

    def class_maps(images: list[Image.Image]) -> list[NDArray[np.uint8]]:
        from georay.models.segmenter import load_segmenter

        choice = recipe.segmenter
        segmenter = load_segmenter(choice.model, revision=choice.revision, device=choice.device)
        return list(segmenter.class_maps(images))

    examples = [
        load_examples(rows, folder.examples, recipe.limits, class_maps) for rows in (most, least)
    ]
    return render_report(
        ReportData(
            title=recipe.title or Path(recipe.inputs[0]).name,
            manifest=manifest,
            scores=scores,
            weights=weights.values,
            threshold=recipe.threshold,
            most=examples[0],
            least=examples[1],
        )
    )
