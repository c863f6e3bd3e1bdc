"""Remarks on inputs that were not used or do not fit: counts and the first examples."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_NAMED = 50
UNMATCHED = "label_rows_without_file"
RESPELT = "rows_spelt_otherwise"
CONTRADICTING = "contradicting_labels"
NAMELESS = "rows_without_name"
HALF = "half_positions"
IN_RUNS = "files_in_run_folders"
UNUSED = "unused_columns"
_TEXTS = {
    UNMATCHED: "rows of labels match no file",
    RESPELT: "rows spell a file's name otherwise, and are taken to mean it",
    CONTRADICTING: "pictures have labels that contradict; the first counts",
    NAMELESS: "rows of lists name no file",
    HALF: "rows have only one of latitude and longitude, which is not used",
    IN_RUNS: "files left out: they lie in the folder of a run",
    UNUSED: "columns are not used",
}


@dataclass(frozen=True)
class Remark:
    """How many things of one kind, and the first of them.

    kind: a slug to count by. num_more: names beyond those in `named`; a name may tell of several.
    """

    kind: str
    count: int
    named: tuple[str, ...]
    num_more: int = 0

    def lines(self) -> list[str]:
        """What a person reads of it."""
        tail = [f"  … and {self.num_more:,} more"] if self.num_more else []
        return [f"{self.count:,} {_TEXTS[self.kind]}:", *(f"  {n}" for n in self.named), *tail]


class Remarks:
    """Collects remarks; memory does not grow with their number."""

    def __init__(self, before: Iterable[Remark] = ()) -> None:
        self._counts = Counter({remark.kind: remark.count for remark in before})
        self._more = Counter({remark.kind: remark.num_more for remark in before})
        self._named: defaultdict[str, list[str]] = defaultdict(list)
        for remark in before:
            self._named[remark.kind] += remark.named

    def add(self, kind: str, name: str, count: int = 1) -> None:
        """count: how many things `name` stands for."""
        self._counts[kind] += count
        if len(self._named[kind]) < MAX_NAMED:
            self._named[kind].append(name)
        else:
            self._more[kind] += 1

    def all(self) -> tuple[Remark, ...]:
        """One remark of each kind that there is something to say about."""
        kinds = [kind for kind in _TEXTS if self._counts[kind]]
        return tuple(
            Remark(kind, self._counts[kind], tuple(self._named[kind]), self._more[kind])
            for kind in kinds
        )


def counts_by_kind(remarks: Sequence[Remark]) -> dict[str, int]:
    """The number of things of every kind, 0 where nothing is to be said."""
    found = {remark.kind: remark.count for remark in remarks}
    return {kind: found.get(kind, 0) for kind in _TEXTS}


def remarks_to_json(remarks: Sequence[Remark]) -> dict[str, object]:
    """By kind, as `remarks_from_json` reads them."""
    return {
        one.kind: {"count": one.count, "named": list(one.named), "more": one.num_more}
        for one in remarks
    }


def remarks_from_json(stored: Mapping[str, Any]) -> tuple[Remark, ...]:
    """The remarks that a manifest holds."""
    return tuple(
        Remark(kind, one["count"], tuple(one["named"]), one["more"]) for kind, one in stored.items()
    )
