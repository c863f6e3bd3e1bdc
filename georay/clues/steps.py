"""The three steps of a run, one after the other, each on what is not done yet."""

import json
import math

import numpy as np
from numpy.typing import NDArray

from georay.clues.album import Album, training_pictures
from georay.clues.duplicates import NUM_BANDS
from georay.clues.examine import Examine
from georay.clues.labels import Labeller
from georay.clues.operators import CompareBucket, ExamineParts, FinishParts, gather_repeats
from georay.clues.pairing import NamePictures, PictureTextEncoder, Portraits
from georay.clues.pipeline import OperatorMaker, run_operator
from georay.clues.tools import Tools
from georay.clues.workspace import Workspace, missing
from georay.config.clues import CluesRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.paths import AnyPath
from georay.runtime.progress import progress

BUCKET_BANDS = 400_000
"""Bands that one worker compares at a time; some 100 MB."""


def run_steps(names: list[str], recipe: CluesRecipe, tools: Tools, work: Workspace) -> None:
    """Examines the parts, compares the buckets, finishes the parts; skips what is done.

    names: of the parts. Raises CluesStopped if a worker cannot work at all.
    """
    rows = json.loads(work.reading.read_text())["num_rows"]
    num_buckets = max(1, math.ceil(rows * NUM_BANDS / BUCKET_BANDS))
    buckets = [f"bucket-{at:06d}.parquet" for at in range(num_buckets)]
    examine = OperatorMaker(_examining, (work, recipe, tools, num_buckets))
    compare = OperatorMaker(CompareBucket, (work, recipe.near_duplicate))
    _on_all(names, work.examined, examine, recipe, "examining", rows)
    _on_all(buckets, work.repeats, compare, recipe, "comparing", None)
    if missing(names, work.dropped):
        gather_repeats(work, len(names), recipe.workers.rows_per_part)
        finish = OperatorMaker(_finishing, (work, recipe, tools, *_album(recipe, tools)))
        _on_all(names, work.dropped, finish, recipe, "finishing", rows)


def _on_all(
    names: list[str],
    folder: AnyPath,
    maker: OperatorMaker,
    recipe: CluesRecipe,
    title: str,
    total: int | None,
) -> None:
    todo = missing(names, folder)
    with progress(title, total, "sentences" if total else "bands") as meter:
        for count in run_operator(todo, maker, recipe.workers, title):
            meter.advance(count)


def _examining(
    work: Workspace, recipe: CluesRecipe, tools: Tools, num_buckets: int
) -> ExamineParts:
    examine = Examine(recipe, tools.tagger(), Gazetteer.load())
    return ExamineParts(work, examine, num_buckets, recipe.workers.rows_per_part)


def _finishing(
    work: Workspace,
    recipe: CluesRecipe,
    tools: Tools,
    album: Album | None,
    portraits: Portraits,
) -> FinishParts:
    labeller = Labeller(tools.encoder(), recipe.label.min_similarity) if tools.encoder else None
    clip = tools.clip() if tools.clip and portraits else None
    pictures = NamePictures(labeller, album, clip, portraits)
    return FinishParts(work, pictures, recipe.workers.rows_per_part)


def _album(recipe: CluesRecipe, tools: Tools) -> tuple[Album | None, Portraits]:
    if recipe.pairing is None:
        return None, {}
    album = Album(training_pictures(recipe.pairing, Gazetteer.load()), recipe.pairing)
    return album, _portraits(album, tools.clip()) if tools.clip else {}


def _portraits(album: Album, clip: PictureTextEncoder) -> Portraits:
    """Vectors of some pictures of each country; those that cannot be read are passed over."""
    by_country: dict[str, tuple[list[str], list[NDArray[np.float32]]]] = {}
    listed = list(album.portraits())
    vectors = clip.encode_pictures([uri for _, _, uri in listed])
    for (country, image_id, _), vector in zip(listed, vectors, strict=True):
        if vector is not None:
            ids, known = by_country.setdefault(country, ([], []))
            ids.append(image_id)
            known.append(vector)
    return {country: (ids, np.stack(known)) for country, (ids, known) in by_country.items()}
