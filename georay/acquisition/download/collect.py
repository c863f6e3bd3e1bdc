"""A run of street views from recipe to report; run again, it does what is missing."""

import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from georay.acquisition.download.estimate import Estimate, estimate
from georay.acquisition.download.report import render_report
from georay.acquisition.download.run_files import (
    LABELS,
    CollectFolder,
    write_labels,
)
from georay.acquisition.download.summary import Summary, summarize
from georay.acquisition.providers import Terms, load_provider
from georay.config.collect import CollectRecipe
from georay.config.load import dump_recipe
from georay.core.manifest import write_atomic, write_json, write_table
from georay.core.paths import files_in, open_input, path_of
from georay.core.run_folder import fingerprints, manifest_of, publishing
from georay.core.tables import MISSING_VIEWS, POINTS, STREET_VIEWS, conform
from georay.errors import TooManyErrors
from georay.runtime.progress import Meter, progress

_SENT = ("num_searches", "num_pictures", "num_again")
_POINT_ID = re.compile(r"[\w-]{1,64}")
_ASKED = ("point_id", "latitude", "longitude", "city", "country", "heading_road")


def collect(recipe: CollectRecipe, announce: Callable[[str], None]) -> Summary:
    """Takes the views that the folder of a recipe lacks, and publishes all of them.

    announce: hears what it will cost before the first request. Raises ValueError if the provider's
    key or acknowledgement is missing, or the folder holds views of other settings, and
    TooManyErrors, after all was written, if more views failed than the recipe allows.
    """
    terms = load_provider(recipe.provider, os.environ).terms
    points = read_points(recipe)
    folder = _folder(recipe)
    with folder.locked():
        folder.hold_to_settings(_settings(recipe))
        folder.remove_unnoted_pictures()
        todo, views = _left(points, folder, recipe)
        sent: Counter[str] = Counter()
        if todo.num_rows:
            announce(_estimate(recipe, terms, todo, views).as_text())
            sent = _collect(todo, views.num_rows, points.num_rows, recipe, folder)
        summary = _published(points, recipe, terms, folder, dict(sent), bool(todo.num_rows))
    if summary.error_share > recipe.max_error_share:
        raise TooManyErrors(
            f"{summary.as_text()}\n{summary.num_failed:,} views failed, more than max_error_share "
            f"{recipe.max_error_share:g} allows; see {folder.report}"
        )
    return summary


def announced(recipe: CollectRecipe) -> Estimate:
    """What a run of the recipe would ask for now. No request is sent and nothing is written."""
    terms = load_provider(recipe.provider, os.environ).terms
    return _estimate(recipe, terms, *_left(read_points(recipe), _folder(recipe), recipe))


def read_points(recipe: CollectRecipe) -> pa.Table:
    """The points of a recipe, each once.

    Raises ValueError if the table cannot be read, or its ids are no names of files.
    """
    path = path_of(recipe.points)
    try:
        with open_input(path) as file:
            points = conform(pq.read_table(file), POINTS, str(path))
    except (OSError, pa.ArrowInvalid) as problem:
        raise ValueError(
            f"cannot read the points {path} ({problem}); make them with `georay points`"
        ) from problem
    ids = points["point_id"].to_pylist()
    if strange := next((one for one in ids if not _POINT_ID.fullmatch(one)), None):
        raise ValueError(f"{path}: the point_id {strange!r} cannot name a file")
    if len(set(ids)) < len(ids):
        raise ValueError(f"{path} has two points of one point_id")
    return points


def _folder(recipe: CollectRecipe) -> CollectFolder:
    return CollectFolder(path_of(recipe.output).absolute())


def _settings(recipe: CollectRecipe) -> dict[str, object]:
    """What decides a view: all views of a folder must have been taken with the same."""
    provider = recipe.provider.model_dump(mode="json", exclude={"page_size", "base_url"})
    return {
        "provider": provider,
        "views": recipe.views.model_dump(mode="json"),
        "blur": recipe.blur.model_dump(mode="json"),
    }


def _left(
    points: pa.Table, folder: CollectFolder, recipe: CollectRecipe
) -> tuple[pa.Table, pa.Table]:
    """The points that lack views, with the sides that are `done` of each, and all views done."""
    views = folder.views()
    done: dict[str, list[str]] = {}
    for row in views.select(["point_id", "side"]).to_pylist():
        done.setdefault(row["point_id"], []).append(row["side"])
    sides = [done.get(one, []) for one in points["point_id"].to_pylist()]
    column = pa.array(sides, pa.list_(pa.string()))
    asked = points.select(_ASKED).append_column("done", column)
    lacks = pc.less(pc.list_value_length(column), recipe.views.keep)
    return asked.filter(lacks), views


def _estimate(recipe: CollectRecipe, terms: Terms, todo: pa.Table, views: pa.Table) -> Estimate:
    num_views = todo.num_rows * recipe.views.keep - int(
        pc.sum(pc.list_value_length(todo["done"])).as_py() or 0
    )
    seen = views.filter(pc.is_null(views["error"]))["point_id"].unique()
    asked = views["point_id"].unique()
    share = len(seen) / len(asked) if len(asked) else None
    return estimate(recipe, terms, todo.num_rows, num_views, share)


def _collect(
    todo: pa.Table, num_done: int, num_points: int, recipe: CollectRecipe, folder: CollectFolder
) -> Counter[str]:
    """Takes views; returns the requests that were sent for them."""
    from georay.acquisition.download.pipeline import collect_on_ray
    from georay.runtime.connect import connect

    sent: Counter[str] = Counter()
    total = num_points * recipe.views.keep
    with connect(recipe.cluster), progress("collecting", total, "views") as meter:
        meter.resume(num_done)
        for counts in collect_on_ray(todo, recipe, folder.root):
            _tell(meter, counts)
            sent.update({name: counts[name] for name in _SENT})
    return sent


def _tell(meter: Meter, counts: dict[str, int]) -> None:
    meter.advance(counts["num_views"], counts["num_failed"])
    if counts["num_absent"]:
        meter.note(f"{counts['num_absent']:,} of the last {counts['num_views']:,} without imagery")


def _published(
    points: pa.Table,
    recipe: CollectRecipe,
    terms: Terms,
    folder: CollectFolder,
    sent: dict[str, int],
    is_new: bool,
) -> Summary:
    """Publishes all views as tables, with a manifest and a report; then `parts` is empty."""
    views = folder.views().sort_by([("point_id", "ascending"), ("side", "ascending")])
    num_wanted = points.num_rows * recipe.views.keep
    summary = summarize(views, points.num_rows, num_wanted, str(folder.root), terms.source)
    summary = replace(summary, sent=sent, finished_before=not is_new)
    if not is_new and folder.manifest.exists():
        return summary
    is_taken = pc.is_null(views["error"])
    images = conform(views.filter(is_taken), STREET_VIEWS, "images")
    missing = conform(views.filter(pc.invert(is_taken)), MISSING_VIEWS, "missing")
    with publishing(folder.root) as root:
        fresh = CollectFolder(root)
        write_table(fresh.images, images)
        write_table(fresh.missing, missing)
        write_labels(images, folder.root, root / LABELS)
        write_atomic(root / "collect.yaml", dump_recipe(recipe))
        manifest = _manifest(recipe, terms, summary)
        write_atomic(fresh.report, render_report(images, missing, recipe, terms, summary))
        manifest["files"] = fingerprints(root, [fresh.images, fresh.missing, root / LABELS])
        write_json(fresh.manifest, manifest)
    for part in files_in(folder.parts):
        part.unlink()
    return summary


def _manifest(recipe: CollectRecipe, terms: Terms, summary: Summary) -> dict[str, object]:
    facts = {
        "counts": summary.to_json(),
        "terms": {"obligation": terms.obligation, "url": terms.url},
    }
    packages = ("georay", "ray", "pyarrow", "httpx", "pillow")
    return manifest_of("street views", recipe.model_dump(mode="json"), facts, packages)
