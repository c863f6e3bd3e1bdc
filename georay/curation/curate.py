"""A curation run from recipe to report: score, write, select; every step can be run again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from georay.config.curate import CurateRecipe, SegmenterRecipe
from georay.config.load import dump_recipe, parse_recipe
from georay.core.manifest import write_atomic, write_json
from georay.core.paths import AnyPath, files_in, path_of, remove_tree
from georay.core.run_folder import (
    are_whole,
    fingerprints,
    hold_to,
    manifest_of,
    publishing,
)
from georay.core.storage import parse_address
from georay.core.tables import INPUTS, conform
from georay.curation.collapse import collapse, done_files, remaining, stream
from georay.curation.examples import ClassMaps, extremes, load_examples
from georay.curation.gathering import Gathering
from georay.curation.inputs import Listing, list_inputs
from georay.curation.inputs.remarks import remarks_from_json, remarks_to_json
from georay.curation.report import ReportData, charted_scores, render_report
from georay.curation.run_folder import RunFolder
from georay.curation.select import select
from georay.curation.summary import Summary, summarize
from georay.curation.weighting import resolve_weights
from georay.errors import GeorayError, TooManyErrors
from georay.locatability.weights import ClassWeights, weights_from_json
from georay.models.segmenter import load_segmenter, usable_device, weights_digest
from georay.models.segmenters.base import SMALL
from georay.runtime.progress import progress


class StepTimer:
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
    folder = RunFolder(path_of(recipe.output))
    clock = StepTimer()
    with folder.locked():
        notes = folder.set_damaged_aside()
        recipe = _pin_segmenter(recipe, folder)
        with clock.step("list"):
            listing = list_inputs(recipe.inputs, folder.root)
        with clock.step("weights"):
            weights = resolve_weights(recipe.weights, folder.made_weights)
        before, settings = folder.read_settings() or None, _settings(recipe, weights)
        hold_to(folder.settings, before, settings, "rows scored")
        todo = remaining(listing.table, folder.score_files())
        if not todo.num_rows and _is_finished(folder, recipe, listing):
            summary = _summary(listing, folder, recipe)
            summary = replace(summary, finished_before=True)
        else:
            _score_what_is_left(todo, listing, weights, recipe, folder, clock)
            summary = _select_and_report(folder, recipe, weights, listing, clock)
        summary = replace(summary, notes=(*notes, *summary.notes))
    if summary.error_share > recipe.max_error_share:
        raise TooManyErrors(
            f"{summary.as_text()}\n{summary.num_errors:,} of {summary.num_files:,} files failed, "
            f"more than max_error_share {recipe.max_error_share:g} allows; see {folder.report}"
        )
    return summary


def _score_what_is_left(
    todo: pa.Table,
    listing: Listing,
    weights: ClassWeights,
    recipe: CurateRecipe,
    folder: RunFolder,
    clock: StepTimer,
) -> None:
    write_json(folder.weights, weights.to_json())
    if todo.num_rows:
        with clock.step("score"):
            _score(todo, listing.table.num_rows, weights, recipe, folder, clock)
    with clock.step("collapse"):
        _publish_scores(folder, listing)


def reselect(root: AnyPath, threshold: float) -> Summary:
    """Selects again from a finished run at another threshold: no model, no photograph is read.

    Where that fails, the old selection stays. Raises ValueError if the folder holds no finished
    run, or a damaged one, or the threshold is not in [0, 1].
    """
    folder = RunFolder(root)
    manifest = folder.read_manifest()
    if manifest is None:
        raise ValueError(
            f"{root} holds no finished run; make one with `georay curate … --out {root}`"
        )
    content = manifest["recipe"] | {"threshold": threshold}
    recipe = parse_recipe(content, CurateRecipe, f"of {root} at this threshold")
    with folder.locked():
        if notes := folder.set_damaged_aside():
            raise ValueError(f"{'; '.join(notes)}. Run the `georay curate` that made {root} again")
        weights = _read_weights(folder)
        listing = _listed_before(folder, manifest)
        return _select_and_report(folder, recipe, weights, listing, StepTimer())


def _listed_before(folder: RunFolder, manifest: dict[str, Any]) -> Listing:
    """What a finished run listed: its files and the remarks; their labels are in the scores."""
    inputs = pa.table({"uri": done_files(files_in(folder.scores))})
    remarks = remarks_from_json(manifest.get("remarks", {}))
    return Listing(conform(inputs, INPUTS, "inputs"), remarks, manifest.get("labels", ""))


def _read_weights(folder: RunFolder) -> ClassWeights:
    try:
        return weights_from_json(folder.weights.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ValueError(
            f"{folder.weights} is damaged ({problem}); run the `georay curate` that made "
            f"{folder.root} again"
        ) from None


def _pin_segmenter(recipe: CurateRecipe, folder: RunFolder) -> CurateRecipe:
    """The recipe with the segmenter's commit filled in: the one that this folder began with."""
    choice = recipe.segmenter
    if choice.revision is None and choice.model != SMALL:
        stored = folder.read_settings().get("segmenter", {})
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


def _summary(listing: Listing, folder: RunFolder, recipe: CurateRecipe) -> Summary:
    inputs, remarks = listing.table, listing.remarks
    return summarize(inputs, remarks, folder.root, folder.scores, recipe.threshold)


def _is_finished(folder: RunFolder, recipe: CurateRecipe, listing: Listing) -> bool:
    manifest = folder.read_manifest()
    if manifest is None or files_in(folder.parts):
        return False
    if manifest.get("labels") != listing.labels:
        return False
    stored = parse_recipe(manifest["recipe"], CurateRecipe, str(folder.manifest))
    return stored.threshold == recipe.threshold and are_whole(folder.root, manifest.get("files"))


def _score(
    todo: pa.Table,
    num_files: int,
    weights: ClassWeights,
    recipe: CurateRecipe,
    folder: RunFolder,
    clock: StepTimer,
) -> None:
    from georay.curation.pipeline import score_images
    from georay.runtime.connect import connect

    with connect(recipe.cluster), progress("scoring", num_files) as meter:
        meter.resume(num_files - todo.num_rows)
        gathering = Gathering(folder.parts)
        for block in score_images(todo, weights, recipe, folder.parts.absolute()):
            meter.advance(int(block["num_rows"]), int(block["num_errors"]))
            gathering.count_block()
            clock.add("read (sum over workers)", block["seconds_read"])
            clock.add("segment (sum over workers)", block["seconds_segment"])


def _publish_scores(folder: RunFolder, listing: Listing) -> None:
    labels_before = (folder.read_manifest() or {}).get("labels")
    is_whole = folder.scores.exists() and not files_in(folder.parts)
    if not is_whole or labels_before != listing.labels:
        with publishing(folder.root) as fresh:
            (fresh / folder.scores.name).mkdir()
            collapse(folder.score_files(), fresh / folder.scores.name, listing.table)
        remove_tree(folder.parts)


def _select_and_report(
    folder: RunFolder,
    recipe: CurateRecipe,
    weights: ClassWeights,
    listing: Listing,
    clock: StepTimer,
) -> Summary:
    before = (folder.read_manifest() or {}).get("seconds", {})
    notes: list[str] = []
    with publishing(folder.root) as root:
        fresh = RunFolder(root)
        fresh.curated.mkdir()
        write_atomic(root / "recipe.yaml", dump_recipe(recipe))
        with clock.step("select"):
            select(folder.scores, fresh.curated, recipe.threshold)
            summary = _summary(listing, folder, recipe)
        with clock.step("report"):
            manifest = _manifest(recipe, weights, listing, summary, clock)
            write_atomic(fresh.report, _report(folder, recipe, weights, manifest, notes))
        manifest["seconds"] = {**before, **clock.seconds}
        manifest["files"] = fingerprints(
            folder.root, [folder.weights, *files_in(folder.scores)]
        ) | fingerprints(root, [fresh.report, *files_in(fresh.curated)])
        write_json(fresh.manifest, manifest)
    return replace(summary, notes=tuple(notes))


def _manifest(
    recipe: CurateRecipe,
    weights: ClassWeights,
    listing: Listing,
    summary: Summary,
    clock: StepTimer,
) -> dict[str, object]:
    facts = {
        "weights_id": weights.id,
        "weights_source": weights.source,
        "counts": summary.counts(),
        "remarks": remarks_to_json(summary.remarks),
        "labels": listing.labels,
        "seconds": dict(clock.seconds),
    }
    return manifest_of("curation", recipe.model_dump(mode="json"), facts)


def _report(
    folder: RunFolder,
    recipe: CurateRecipe,
    weights: ClassWeights,
    manifest: dict[str, object],
    notes: list[str],
) -> str:
    """The page; notes: gets a line on what it does not show."""
    scores = charted_scores(stream(files_in(folder.scores)))
    class_maps = _class_maps(recipe.segmenter, notes)
    examples = [
        load_examples(rows, folder.examples, recipe.limits, class_maps)
        for rows in extremes(scores.ends)
    ]
    return render_report(
        ReportData(
            title=recipe.title or parse_address(recipe.inputs[0]).name,
            manifest=manifest,
            scores=scores,
            weights=weights.values,
            threshold=recipe.threshold,
            most=examples[0],
            least=examples[1],
        )
    )


def _class_maps(choice: SegmenterRecipe, notes: list[str]) -> ClassMaps:
    """Class maps of a few pictures, made where the run was started: on its CPU if need be.

    Workers may have a GPU and weights that this machine has not. Then the report shows no example,
    notes say so once, and the scores count all the same.
    """

    def class_maps(images: list[Image.Image]) -> list[NDArray[np.uint8]]:
        try:
            device = usable_device(choice.device)
            segmenter = load_segmenter(choice.model, revision=choice.revision, device=device)
            return list(segmenter.class_maps(images))
        except (GeorayError, RuntimeError, ValueError, OSError) as problem:
            note = f"the report shows no examples, the segmenter does not work here: {problem}"
            if note not in notes:
                notes.append(note)
            return []

    return class_maps
