"""Every clue and every scored picture is sorted into samples or into what was left out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from georay.config.samples import MixRecipe, SamplesRecipe
from georay.core.prompts import LOCATION, PROMPTS, REASONING
from georay.core.splits import SPLITS, Unusable, fraction
from georay.core.tables import LEFT_OUT, SAMPLES
from georay.curation.exchange import ExternalRow, Incoming, Unreadable
from georay.curation.samples.conversations import Conversations, Row
from georay.curation.samples.mix import mix_locatable
from georay.curation.samples.pictures import Picture, Scored
from georay.curation.samples.spill import Spill
from georay.curation.samples.whereabouts import Clue

CONVERSATIONS = "conversations"
"""What is left out of neither stage, because it does not say which it belongs to."""
_HELD_OUT_MOST: tuple[str, ...] = SPLITS[::-1]
_SAMPLES_ORDER = ("stage", "sample_id")
_LEFT_OUT_ORDER = ("stage", "kind", "image_id", "clue_id", "uri", "reason")
_ROWS_AT_ONCE = 8192


class Sorting:
    """Rows of the samples table, and rows of what was left out; no two samples are the same.

    folder: an empty one of this machine, for what does not fit into memory.
    """

    def __init__(self, folder: Path) -> None:
        self.num_left_out: Counter[str] = Counter()
        self._samples = Spill(folder / "samples", SAMPLES, _SAMPLES_ORDER)
        self._left_out = Spill(folder / "left_out", LEFT_OUT, _LEFT_OUT_ORDER[:3])

    def keep(self, row: Row) -> None:
        """The row is a sample, unless an earlier one says the same or holds its place out."""
        self._samples.add(row)

    def leave_out(self, stage: str, row: Row, problem: Unusable) -> None:
        self.num_left_out[problem.kind] += 1
        ids = {name: row.get(name) for name in ("clue_id", "image_id", "uri")}
        self._left_out.add({"stage": stage, "kind": problem.kind, "reason": str(problem)} | ids)

    def samples(self) -> Iterator[pa.Table]:
        """The samples in order; what cannot be one beside the others is left out on the way.

        Conversations bring splits of their own, and no place may be in two: the samples of a place
        that another sample of it holds out from training are left out.
        """
        held = self._held_out()
        for table in self._samples.tables():
            first, again = _first_of_each(table)
            for row in again.to_pylist():
                self._leave_out_repeated(row)
            yield self._in_their_split(first, held).sort_by(_ascending(_SAMPLES_ORDER))

    def left_out(self) -> Iterator[pa.Table]:
        """What was left out, in order; all of it once the samples were gone through."""
        for table in self._left_out.tables():
            yield table.sort_by(_ascending(_LEFT_OUT_ORDER))

    def _held_out(self) -> dict[str, str]:
        """Of places in more than one split, the one that is furthest from training."""
        pairs = SAMPLES.empty_table().select(["place", "split"])
        for table in self._samples.tables():
            more = _first_of_each(table)[0].select(pairs.column_names)
            pairs = pa.concat_tables([pairs, more]).group_by(pairs.column_names).aggregate([])
        counts = pairs.group_by("place").aggregate([("split", "count")])
        often = counts.filter(pc.greater(counts["split_count"], 1))["place"]
        held: dict[str, str] = {}
        for row in pairs.filter(pc.is_in(pairs["place"], value_set=often)).to_pylist():
            splits = {row["split"], held.get(row["place"], row["split"])}
            held[row["place"]] = min(splits, key=_HELD_OUT_MOST.index)
        return held

    def _in_their_split(self, table: pa.Table, held: Mapping[str, str]) -> pa.Table:
        if not held:
            return table
        at = pc.index_in(table["place"], value_set=pa.array(held, pa.string()))
        splits = pa.array(held.values(), pa.string()).take(at.combine_chunks())
        is_away = pc.fill_null(pc.not_equal(table["split"], splits), False)
        for row in table.filter(is_away).to_pylist():
            self._leave_out_of_place(row, held[row["place"]])
        return table.filter(pc.invert(is_away))

    def _leave_out_of_place(self, row: Row, split: str) -> None:
        reason = f"{row['place']} is in {split} by another sample, and this is {row['split']}"
        self.leave_out(str(row["stage"]), row, Unusable("place in two splits", reason))

    def _leave_out_repeated(self, row: Row) -> None:
        problem = Unusable("repeated", f"says the same as sample {row['sample_id']}")
        self.leave_out(str(row["stage"]), row, problem)


def _first_of_each(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The first row of each sample, and the rows that repeat one."""
    rows = pa.table({"id": table["sample_id"], "at": pa.array(np.arange(table.num_rows))})
    firsts = rows.group_by("id", use_threads=False).aggregate([("at", "min")])["at_min"]
    is_first = np.zeros(table.num_rows, bool)
    is_first[firsts.to_numpy()] = True
    return table.filter(pa.array(is_first)), table.filter(pa.array(~is_first))


def _ascending(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, "ascending") for name in names]


def sort_clues(
    clues: Iterable[Clue],
    make: Conversations,
    max_per_image: int | None,
    max_training: int | None,
    into: Sorting,
) -> None:
    """Stage 1. Of more clues than wanted, about a picture or to train on, a hash chooses."""
    by_image: defaultdict[object, list[Row]] = defaultdict(list)
    for clue in clues:
        try:
            row = make.reasoning(clue)
            by_image[row["image_id"]].append(row)
        except Unusable as problem:
            into.leave_out(REASONING.name, dict(clue), problem)
    training: list[Row] = []
    for rows in by_image.values():
        about = "other clues about this picture were chosen"
        for row in _chosen(rows, max_per_image or len(rows), about, into):
            if row["split"] == "train":
                training.append(row)
            else:
                into.keep(row)
    wanted = len(training) if max_training is None else max_training
    for row in _chosen(training, wanted, "other clues were chosen to train on", into):
        into.keep(row)


def _chosen(rows: list[Row], at_most: int, others: str, into: Sorting) -> list[Row]:
    """So many different samples; the rest is left out, since so many others were chosen."""
    rows.sort(key=lambda row: fraction("clue", row["clue_id"], row["answer"]))
    kept: set[object] = set()
    chosen: list[Row] = []
    for row in rows:
        if len(kept) < at_most:
            kept.add(row["sample_id"])
            chosen.append(row)
        else:
            reason = f"{at_most:,} {others}"
            into.leave_out(REASONING.name, row, Unusable("more clues than wanted", reason))
    return chosen


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


def sort_pictures(
    scored: Scored, make: Conversations, recipe: SamplesRecipe, into: Sorting, folder: Path
) -> int:
    """Stage 2; returns how many are trained on. folder: for what does not fit into memory.

    Raises ValueError if the recipe's mix asks for more pictures than there are.
    """
    to_mix, num_training = Spill(folder / "mix", SAMPLES, ()), 0
    for picture in scored:
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
            to_mix.add(row)
        else:
            into.keep(row)
            num_training += row["split"] == "train"
    if recipe.mix is None:
        return num_training
    _mix(to_mix, recipe.mix, scored.threshold, into)
    return recipe.mix.num_images


def _is_wanted(row: Row, threshold: float, recipe: SamplesRecipe) -> bool:
    locatability = row["locatability"]
    assert isinstance(locatability, float), "curation scores every picture without an error"
    is_judged_by_all = recipe.held_out == "scored" and row["split"] != "train"
    return is_judged_by_all or locatability >= threshold


def _not_curated(picture: Picture, threshold: float) -> Unusable:
    reason = f"locatability {picture.locatability:.4f} is below {threshold:g}"
    return Unusable("not curated", reason)


def _mix(rows: Spill, mix: MixRecipe, threshold: float, into: Sorting) -> None:
    (table,) = list(rows.tables()) or [SAMPLES.empty_table()]
    chosen = mix_locatable(table, mix.locatable_share, mix.num_images, mix.seed, threshold)
    is_chosen = pc.is_in(table["image_id"], value_set=chosen["image_id"])
    for batch in table.filter(is_chosen).to_batches(_ROWS_AT_ONCE):
        for row in batch.to_pylist():
            into.keep(row)
    for batch in table.filter(pc.invert(is_chosen)).to_batches(_ROWS_AT_ONCE):
        for row in batch.to_pylist():
            into.leave_out(LOCATION.name, row, Unusable("not in the mix", "others were drawn"))
