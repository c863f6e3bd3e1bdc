"""What became of every file of a run: the funnel, the errors, the countries."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from georay.core.panoramas import EQUIRECTANGULAR, SKIPPED
from georay.curation.report.data import MAX_ERRORS_LISTED, ChartedScores, ScoredPictures

MAX_COUNTRIES = 12


@dataclass(frozen=True)
class Step:
    """One bar of the funnel and what was lost on the way to it."""

    name: str
    count: int
    share: float  # of the longest bar
    lost: str


@dataclass(frozen=True)
class ErrorRow:
    """One file that could not be scored."""

    file: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Country:
    """Pictures of one country; the shares are of the fullest country's scored pictures."""

    name: str
    scored: int
    kept: int
    scored_share: float
    kept_share: float


def funnel(scores: ChartedScores, pictures: ScoredPictures, threshold_text: str) -> list[Step]:
    """Files found, readable ones, different ones among them, scored pictures, kept ones.

    Where panoramas became several pictures each, a step says how many there are with them.
    """
    rows, found = scores.rows, scores.files
    decoded = pc.or_(pc.is_valid(rows["width"]), pc.invert(rows["failed"]))
    files = found.num_files
    readable = files - _total(rows["copies"].filter(pc.invert(decoded)))
    different = found.num_different - _total(pc.invert(decoded))
    all_pictures = _total(decoded)
    scored = len(pictures.locatability)
    kept = int(pictures.kept.sum())
    steps = [
        ("files found", files, ""),
        ("readable", readable, _lost(files - readable, "unreadable file")),
        ("different pictures", different, _lost(readable - different, "exact duplicate")),
        *([("with views", all_pictures, "")] if found.num_views else []),
        ("scored", scored, _lost(all_pictures - scored, "failure while scoring")),
        ("kept", kept, f"{scored - kept:,} below {threshold_text}" if scored > kept else ""),
    ]
    longest = max(1, files, all_pictures)
    return [Step(name, count, count / longest, lost) for name, count, lost in steps]


def panoramas(scores: ChartedScores) -> str:
    """A sentence on the run's panoramas; empty where there are none."""
    skipped = _total(pc.equal(scores.rows["error_kind"], SKIPPED))
    whole = _total(pc.equal(scores.rows["projection"], EQUIRECTANGULAR)) - skipped
    cut = scores.files.num_panoramas
    said = [f"{cut:,} cut into {scores.files.num_views:,} views of 90°"] if cut else []
    said += [f"{whole:,} left whole"] if whole else []
    said += [f"{skipped:,} skipped"] if skipped else []
    return f"Panoramas: {', '.join(said)}." if said else ""


def outside(scores: ChartedScores) -> str:
    """A sentence on pictures that the segmenter does not know; empty where there are none."""
    number = _total(pc.fill_null(scores.rows["outside_segmenter"], False))
    if not number:
        return ""
    scored = _total(pc.is_valid(scores.rows["locatability"]))
    return (
        f"{number:,} of {scored:,} scored pictures lie outside what this segmenter knows "
        "(outside_segmenter in scores/): too much of them is nothing that it has a name for, so "
        "their locatability says little. For real collections use the paper's MaskFormer "
        "(--segmenter facebook/maskformer-swin-base-ade)."
    )


def errors_by_kind(scores: pa.Table) -> list[tuple[str, int]]:
    """Kinds of error with the files of each, the most frequent first."""
    failed = scores.filter(scores["failed"])
    kinds = pa.table({"kind": pc.fill_null(failed["error_kind"], "other"), "n": failed["copies"]})
    rows = kinds.group_by("kind").aggregate([("n", "sum")]).to_pylist()
    return sorted(((row["kind"], row["n_sum"]) for row in rows), key=lambda k: (-k[1], k[0]))


def listed_errors(failures: pa.Table) -> list[ErrorRow]:
    """The first failed files with their copies, at most MAX_ERRORS_LISTED."""
    return [
        ErrorRow(uri, row["error_kind"] or "other", row["error"])
        for row in failures.to_pylist()
        for uri in [row["uri"], *(row["duplicate_uris"] or [])]
    ][:MAX_ERRORS_LISTED]


def countries(scores: pa.Table, threshold: float) -> list[Country]:
    """The countries with the most scored pictures, at most MAX_COUNTRIES."""
    table = scores.select(["country", "locatability"])
    table = table.filter(
        pc.and_(pc.is_valid(table["country"]), pc.is_finite(table["locatability"]))
    )
    kept = pc.cast(pc.greater_equal(table["locatability"], threshold), pa.int64())
    grouped = pa.table({"country": table["country"], "kept": kept}).group_by("country")
    rows = grouped.aggregate([("kept", "sum"), ("kept", "count")]).to_pylist()
    rows = sorted(rows, key=lambda row: (-row["kept_count"], row["country"]))[:MAX_COUNTRIES]
    most = rows[0]["kept_count"] if rows else 1
    return [
        Country(
            name=row["country"],
            scored=row["kept_count"],
            kept=row["kept_sum"],
            scored_share=row["kept_count"] / most,
            kept_share=row["kept_sum"] / most,
        )
        for row in rows
    ]


def _total(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column).as_py() or 0)


def _lost(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}" if count else ""
