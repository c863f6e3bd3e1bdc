"""Summarises a finished run: counts from the scores table, and a text."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from georay.core.panoramas import SKIPPED
from georay.core.paths import AnyPath, files_in, open_parquet
from georay.curation.collapse import BATCH_ROWS, FileCount, remaining
from georay.curation.inputs import Remark, Remarks, labelled
from georay.curation.inputs.remarks import CONTRADICTING, counts_by_kind
from georay.curation.place_labels import contradiction

_COLUMNS = ["uri", "copies", "duplicate_uris", "projection", "locatability", "error", "error_kind"]
_OUTSIDE = "outside_segmenter"  # not in scores of an earlier version
MAX_NAMED = 50
_LEVELS = 1000


@dataclass(frozen=True)
class Failure:
    """A file that could not be scored, and why."""

    uri: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Spread:
    """Where the locatabilities of a run lie, to a thousandth."""

    least: float
    median: float
    most: float


@dataclass(frozen=True)
class Summary:
    """Counts of a run.

    num_files = num_duplicates + the different files, of which a panorama has an image for each of
    its views and any other is one image; files that failed are among the images.
    num_listed: the files that the inputs name; all of them must be among num_files.
    spread: of the scored images; None if there is none.
    num_outside: of the scored images, those outside what the segmenter knows.
    notes: what a person should know besides, a sentence each.
    """

    folder: str
    threshold: float
    num_listed: int
    num_lost: int
    num_files: int
    num_duplicates: int
    num_panoramas: int
    num_views: int
    num_images: int
    num_scored: int
    num_kept: int
    errors_by_kind: dict[str, int]
    failures: tuple[Failure, ...]
    spread: Spread | None = None
    remarks: tuple[Remark, ...] = ()
    finished_before: bool = False
    num_outside: int = 0
    notes: tuple[str, ...] = ()

    @property
    def num_errors(self) -> int:
        return sum(self.errors_by_kind.values())

    @property
    def error_share(self) -> float:
        """Of the images; panoramas that were to be skipped are no failures."""
        failed = self.num_errors - self.errors_by_kind.get(SKIPPED, 0)
        return failed / (self.num_images + self.num_duplicates) if self.num_images else 0.0

    def counts(self) -> dict[str, object]:
        return {
            "listed": self.num_listed,
            "lost": self.num_lost,
            "files": self.num_files,
            "panoramas": self.num_panoramas,
            "views": self.num_views,
            "images": self.num_images,
            "duplicates": self.num_duplicates,
            "scored": self.num_scored,
            "kept": self.num_kept,
            "dropped": self.num_scored - self.num_kept,
            "outside_segmenter": self.num_outside,
            "errors": self.num_errors,
            "errors_by_kind": self.errors_by_kind,
            **counts_by_kind(self.remarks),
        }

    def as_text(self) -> str:
        """The lines printed at the end of a run; every failed file is named, up to a limit."""
        lines = [
            f"{self.num_files:,} files: {self.num_scored:,} images scored, "
            f"{self.num_duplicates:,} exact duplicates, {self.num_errors:,} errors, "
            f"{self.num_lost:,} lost",
            f"{self.num_kept:,} of {self.num_scored:,} kept at locatability ≥ {self.threshold:g}",
            *self._spread_lines(),
        ]
        if self.num_panoramas:
            lines.insert(
                1,
                f"{self.num_panoramas:,} {'panorama' if self.num_panoramas == 1 else 'panoramas'} "
                f"among them, scored as {self.num_views:,} views",
            )
        if self.num_outside:
            lines.append(
                f"{self.num_outside:,} of them outside what this segmenter knows "
                "(outside_segmenter in the scores): their locatability says little; for real "
                "collections use the paper's MaskFormer"
            )
        lines += self.notes
        lines += [f"  {kind}: {count:,}" for kind, count in self.errors_by_kind.items()]
        lines += [f"  {bad.uri}: {bad.reason}" for bad in self.failures[:MAX_NAMED]]
        if len(self.failures) > MAX_NAMED:
            lines.append(f"  … and {len(self.failures) - MAX_NAMED:,} more in {self.folder}/scores")
        lines += [line for remark in self.remarks for line in remark.lines()]
        return "\n".join(lines)

    def _spread_lines(self) -> list[str]:
        """The scale, which other weights change, and what to do where it lies too low."""
        if self.spread is None:
            return []
        low, middle, high = self.spread.least, self.spread.median, self.spread.most
        lines = [f"locatability: {low:.2f} to {high:.2f}, half of the images above {middle:.2f}"]
        if not self.num_kept:
            lines.append(
                "no image reaches the threshold, and weights of your own have a scale of their "
                f"own: georay select {self.folder} --threshold {middle:.2f} keeps half"
            )
        return lines


def summarize(
    inputs: pa.Table,
    remarks: Sequence[Remark],
    folder: AnyPath,
    scores: AnyPath,
    threshold: float,
) -> Summary:
    """Counts over a scores table, read in batches of a few columns, held against the inputs.

    remarks: what listing the inputs gave rise to; contradicting labels of copies are added.
    """
    files = files_in(scores)
    num_images = num_scored = num_kept = num_outside = 0
    count = FileCount()
    failures: list[Failure] = []
    kinds: Counter[str] = Counter()
    levels = np.zeros(_LEVELS + 1, np.int64)
    copies: list[list[str]] = []
    for file in files:
        parquet = open_parquet(file)
        columns = [*_COLUMNS, *({_OUTSIDE} & set(parquet.schema_arrow.names))]
        for batch in parquet.iter_batches(BATCH_ROWS, columns=columns):
            values = batch.column("locatability").drop_null().to_numpy()
            num_images += batch.num_rows
            count.add(pa.Table.from_batches([batch]))
            num_scored += len(values)
            num_kept += int((values >= threshold).sum())
            levels += _counted(values)
            if _OUTSIDE in columns:
                num_outside += batch.column(_OUTSIDE).true_count
            copied = batch.filter(batch.column("duplicate_uris").is_valid())
            copies += ([row["uri"], *row["duplicate_uris"]] for row in copied.to_pylist())
            bad = batch.filter(batch.column("error").is_valid())
            for row in bad.to_pylist():
                kinds[row["error_kind"]] += row["copies"]
                uris = [row["uri"], *(row["duplicate_uris"] or [])]
                failures += [Failure(uri, row["error_kind"], row["error"]) for uri in uris]
    return Summary(
        folder=str(folder),
        threshold=threshold,
        num_listed=inputs.num_rows,
        num_lost=remaining(inputs, files).num_rows,
        num_files=count.num_files,
        num_duplicates=count.num_files - count.num_different,
        num_panoramas=count.num_panoramas,
        num_views=count.num_views,
        num_images=num_images,
        num_scored=num_scored,
        num_kept=num_kept,
        errors_by_kind=dict(kinds.most_common()),
        failures=tuple(sorted(failures, key=lambda bad: bad.uri)),
        spread=_spread(levels),
        num_outside=num_outside,
        remarks=_with_contradictions(remarks, copies, inputs),
    )


def _counted(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many locatabilities lie at each level, rounded down."""
    return np.bincount(np.floor(values * _LEVELS).astype(np.int64), minlength=_LEVELS + 1)


def _spread(levels: NDArray[np.int64]) -> Spread | None:
    """Of counts at each level; memory does not grow with the images."""
    if not (total := int(levels.sum())):
        return None
    ranks = (1, (total + 1) // 2, total)
    least, median, most = np.searchsorted(levels.cumsum(), ranks) / _LEVELS
    return Spread(float(least), float(median), float(most))


def _with_contradictions(
    remarks: Sequence[Remark], copies: Sequence[Sequence[str]], inputs: pa.Table
) -> tuple[Remark, ...]:
    """The remarks, and one on each picture of which copies say different things."""
    said = labelled(inputs)
    uris = pa.array([uri for each in copies for uri in each], pa.string())
    rows = said.filter(pc.is_in(said.column("uri"), value_set=uris)).to_pylist()
    by_uri = {row["uri"]: row for row in rows}
    all_remarks = Remarks(remarks)
    for each in copies:
        if against := contradiction([by_uri[uri] for uri in each if uri in by_uri]):
            all_remarks.add(CONTRADICTING, f"{' and '.join(each)} are one picture: {against}")
    return all_remarks.all()
