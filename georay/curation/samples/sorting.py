"""Every clue and every scored picture is sorted into samples or into what was left out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from georay.config.samples import MixRecipe, SamplesRecipe
from georay.core.prompts import LOCATION, PROMPTS, REASONING
from georay.core.splits import SPLITS, Unusable, fraction
from georay.curation.exchange import ExternalRow, Incoming, Unreadable
from georay.curation.samples.conversations import Conversations, Row
from georay.curation.samples.mix import mix_locatable
from georay.curation.samples.pictures import Picture, Scored
from georay.curation.samples.whereabouts import Clue

CONVERSATIONS = "conversations"
"""What is left out of neither stage, because it does not say which it belongs to."""
_HELD_OUT_MOST: tuple[object, ...] = SPLITS[::-1]


@dataclass
class Sorting:
    """Rows of the samples table, and rows of what was left out; no two samples are the same."""

    samples: list[Row] = field(default_factory=list)
    left_out: list[Row] = field(default_factory=list)
    _seen: set[object] = field(default_factory=set)

    def keep(self, row: Row) -> bool:
        """Whether the row is a sample now; a repeated one is left out."""
        if is_new := row["sample_id"] not in self._seen:
            self._seen.add(row["sample_id"])
            self.samples.append(row)
        else:
            problem = Unusable("repeated", f"says the same as sample {row['sample_id']}")
            self.leave_out(str(row["stage"]), row, problem)
        return is_new

    def leave_out(self, stage: str, row: Row, problem: Unusable) -> None:
        ids = {name: row.get(name) for name in ("clue_id", "image_id", "uri")}
        self.left_out.append({"stage": stage, "kind": problem.kind, "reason": str(problem)} | ids)


def sort_clues(
    clues: Iterable[Clue], make: Conversations, max_per_image: int | None, into: Sorting
) -> None:
    """Stage 1. Of more clues about a picture than wanted, a hash of their ids chooses."""
    by_image: defaultdict[object, list[Row]] = defaultdict(list)
    for clue in clues:
        try:
            row = make.reasoning(clue)
            by_image[row["image_id"]].append(row)
        except Unusable as problem:
            into.leave_out(REASONING.name, dict(clue), problem)
    for rows in by_image.values():
        _choose(rows, max_per_image or len(rows), into)


def _choose(rows: list[Row], at_most: int, into: Sorting) -> None:
    rows.sort(key=lambda row: fraction("clue", row["clue_id"], row["answer"]))
    num_kept = 0
    for row in rows:
        if num_kept < at_most:
            num_kept += into.keep(row)
        else:
            reason = f"{at_most} other clues about this picture were chosen"
            into.leave_out(REASONING.name, row, Unusable("more clues than wanted", reason))


def sort_conversations(
    conversations: Iterable[ExternalRow | Unreadable], make: Incoming, into: Sorting
) -> None:
    """Both stages, as other tools have them. A row that makes no sample is left out by name."""
    for told in conversations:
        try:
            if isinstance(told, Unreadable):
                raise told.problem
            into.keep(make.sample(told))
        except Unusable as problem:
            stage = told.facts.get("stage")
            known = stage if isinstance(stage, str) and stage in PROMPTS else CONVERSATIONS
            reason = f"{told.where}: {problem}".encode("utf-8", "backslashreplace").decode()
            into.leave_out(known, {}, Unusable(problem.kind, reason))


def keep_places_apart(sorting: Sorting) -> None:
    """Leaves out the samples of a place that another sample of it holds out from training.

    Conversations bring splits of their own, and no place may be in two.
    """
    held: dict[object, int] = {}
    for row in sorting.samples:
        at = _HELD_OUT_MOST.index(row["split"])
        held[row["place"]] = min(at, held.get(row["place"], at))
    kept = []
    for row in sorting.samples:
        split = _HELD_OUT_MOST[held[row["place"]]]
        if row["split"] == split:
            kept.append(row)
        else:
            reason = f"{row['place']} is in {split} by another sample, and this is {row['split']}"
            sorting.leave_out(str(row["stage"]), row, Unusable("place in two splits", reason))
    sorting.samples[:] = kept


def sort_pictures(
    scored: Scored, make: Conversations, recipe: SamplesRecipe, into: Sorting
) -> None:
    """Stage 2. Raises ValueError if the recipe's mix asks for more pictures than there are."""
    to_mix: list[Row] = []
    for picture in scored.pictures:
        try:
            row = make.location(picture)
            is_mixed = recipe.mix is not None and row["split"] == "train"
            if not is_mixed and not _is_wanted(row, scored.threshold, recipe):
                raise _not_curated(picture, scored.threshold)
        except Unusable as problem:
            ids: Row = {"image_id": picture.image_id, "uri": picture.uri}
            into.leave_out(LOCATION.name, ids, problem)
            continue
        if is_mixed:
            to_mix.append(row)
        else:
            into.keep(row)
    if recipe.mix is not None:
        _mix(to_mix, recipe.mix, scored.threshold, into)


def _is_wanted(row: Row, threshold: float, recipe: SamplesRecipe) -> bool:
    locatability = row["locatability"]
    assert isinstance(locatability, float), "curation scores every picture without an error"
    is_judged_by_all = recipe.held_out == "scored" and row["split"] != "train"
    return is_judged_by_all or locatability >= threshold


def _not_curated(picture: Picture, threshold: float) -> Unusable:
    reason = f"locatability {picture.locatability:.4f} is below {threshold:g}"
    return Unusable("not curated", reason)


def _mix(rows: Sequence[Row], mix: MixRecipe, threshold: float, into: Sorting) -> None:
    table = pa.table(
        {
            "image_id": pa.array([row["image_id"] for row in rows], pa.string()),
            "locatability": pa.array([row["locatability"] for row in rows], pa.float64()),
        }
    )
    chosen = mix_locatable(table, mix.locatable_share, mix.num_images, mix.seed, threshold)
    ids = set(chosen.column("image_id").to_pylist())
    for row in rows:
        if row["image_id"] in ids:
            into.keep(row)
        else:
            into.leave_out(LOCATION.name, row, Unusable("not in the mix", "others were drawn"))
