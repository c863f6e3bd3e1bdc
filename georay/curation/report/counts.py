"""What became of every file of a run: the funnel, the errors, the countries."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from georay.curation.report.data import MAX_ERRORS_LISTED, ScoredPictures

MAX_COUNTRIES = 12


@dataclass(frozen=True)
class Step:
    """One bar of the funnel and what was lost on the way to it."""

    name: str
    count: int
    share: float  # of the files found
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


def funnel(scores: pa.Table, pictures: ScoredPictures, threshold_text: str) -> list[Step]:
    """Files found, readable ones, different pictures among them, scored, kept."""
    decoded = pc.or_(pc.is_valid(scores["width"]), pc.invert(scores["failed"]))
    files = _total(scores["copies"])
    readable = _total(scores["copies"].filter(decoded))
    different = _total(decoded)
    scored = len(pictures.locatability)
    kept = int(pictures.kept.sum())
    steps = [
        ("files found", files, ""),
        ("readable", readable, _lost(files - readable, "unreadable file")),
        ("different pictures", different, _lost(readable - different, "exact duplicate")),
        ("scored", scored, _lost(different - scored, "failure while scoring")),
        ("kept", kept, f"{scored - kept:,} below {threshold_text}" if scored > kept else ""),
    ]
    return [Step(name, count, count / max(files, 1), lost) for name, count, lost in steps]


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
