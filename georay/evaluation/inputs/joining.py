"""Joins answers with the truth by the images' ids."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from georay.core.picture_files import file_id
from georay.core.tables import JUDGED, conform
from georay.evaluation.inputs.truth import Truth

Extra = Literal["refuse", "leave out"]
"""What becomes of answers about images that the truth does not have."""

_OF_BYTES = re.compile(r"[0-9a-f]{16}(-[0-9.]+)?")
"""An id of ours: a hash of the picture's bytes, perhaps with the heading of a view."""

MISSING = "missing"
"""The status of an image that nobody answered about."""


@dataclass(frozen=True)
class Joined:
    """One row of JUDGED per image of the truth, in its order. notes: what did not fit plainly.

    name_of: the truth's id for every id of an answer that has one.
    """

    table: pa.Table
    name_of: Mapping[str, str]
    notes: tuple[str, ...]


def join(answers: pa.Table, truth: Truth, extra: Extra, name: str) -> Joined:
    """The answers beside the truth; images without an answer have the status "missing".

    Ids that are not equal are one if they name one file, in whatever folder and format, and no
    other does. Of an answer's own truth, what `truth` does not know is kept.
    Raises ValueError if an image is answered twice, no answer is about an image of the truth, or
    there are more answers and `extra` is "refuse".
    """
    table = conform(answers, JUDGED, name)
    ids: list[str] = table.column("image_id").to_pylist()
    refuse_repeats(ids, name)
    wanted: list[str] = truth.table.column("image_id").to_pylist()
    notes = [*truth.notes]
    matched = _match(ids, wanted, truth, notes)
    left_over = [one for one in ids if one not in matched]
    _check(left_over, ids, wanted, truth, extra, name)
    if left_over:
        notes.append(
            f"{len(left_over):,} answers are about images that {truth.name} does not have, "
            f"such as {left_over[0]!r}: they are left out."
        )
    row_of = {matched[one]: row for row, one in enumerate(ids) if one in matched}
    rows = pa.array([row_of.get(one) for one in wanted], pa.int64())
    if truth.unused:
        notes.append(f"Columns of {truth.name} not used: {', '.join(truth.unused)}.")
    return Joined(_put_together(table.take(rows), truth), matched, tuple(notes))


def refuse_repeats(ids: Sequence[str], name: str) -> None:
    """Raises ValueError if an image is answered more than once."""
    repeated = [image_id for image_id, count in Counter(ids).items() if count > 1]
    if repeated:
        raise ValueError(
            f"{name} answers {len(repeated):,} images more than once, such as {repeated[0]!r}; "
            "measure one model and adapter at a time"
        )


def _match(
    ids: Sequence[str], wanted: Sequence[str], truth: Truth, notes: list[str]
) -> dict[str, str]:
    """The id in the truth of every id of an answer that has one, by the closest form there is."""
    there = set(wanted)
    matched = {one: one for one in ids if one in there}
    if any(one not in matched and _OF_BYTES.fullmatch(one) for one in ids):
        contents = truth.contents()
        by_bytes = {one: contents[file_id(one)] for one in ids if file_id(one) in contents}
        matched = by_bytes | matched
    for what, form in _FORMS:
        taken = set(matched.values())
        left = _single(form, (one for one in ids if one not in matched))
        free = _single(form, (one for one in wanted if one not in taken))
        found = {left[key]: free[key] for key in left if key in free}
        if found:
            first = next(iter(found.items()))
            notes.append(f"{len(found):,} ids are matched by {what}: {first[0]!r} is {first[1]!r}.")
        matched |= found
    return matched


def _single(form: Callable[[str], str], ids: Iterable[str]) -> dict[str, str]:
    """The ids that alone have their form."""
    found: dict[str, str | None] = {}
    for one in ids:
        key = form(one)
        found[key] = None if key in found else one
    return {key: one for key, one in found.items() if one is not None}


def _file_name(image_id: str) -> str:
    return PurePosixPath(image_id.replace("\\", "/")).name


def _stem(image_id: str) -> str:
    return PurePosixPath(_file_name(image_id)).stem


_FORMS = (("the names of files alone", _file_name), ("names without their endings", _stem))


def _check(
    left_over: Sequence[str],
    ids: Sequence[str],
    wanted: Sequence[str],
    truth: Truth,
    extra: Extra,
    name: str,
) -> None:
    if ids and len(left_over) == len(ids):
        raise ValueError(
            f"no image of {name} is in {truth.name}: ids are like {ids[0]!r} here and like "
            f"{wanted[0] if wanted else 'none'!r} there"
        )
    if left_over and extra == "refuse":
        raise ValueError(
            f"{name} answers {len(left_over):,} images that {truth.name} does not have, such as "
            f"{left_over[0]!r}; give their truth too, or --allow-extra to leave them out"
        )


def _put_together(answers: pa.Table, truth: Truth) -> pa.Table:
    """Rows of answers, empty where there is none, with what the truth knows in its place."""
    known = {name: truth.table.column(name) for name in truth.table.column_names}
    known["status"] = pc.coalesce(answers.column("status"), MISSING)
    known["model"] = pc.coalesce(answers.column("model"), "")
    columns = [known.get(field.name, answers.column(field.name)) for field in JUDGED]
    return pa.Table.from_arrays(columns, schema=JUDGED)
