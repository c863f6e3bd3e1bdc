"""Counts of a run of street views."""

from dataclasses import asdict, dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from georay.acquisition.download.web import NO_IMAGERY


@dataclass(frozen=True)
class Summary:
    """Counts over all runs in a folder; `sent` are the requests of the last one.

    num_left: views that no run has come to yet, for want of requests in the day.
    """

    folder: str
    source: str
    num_points: int
    num_points_with_pictures: int
    num_pictures: int
    num_absent: int
    num_failed: int
    num_left: int
    kinds: dict[str, int]
    finished_before: bool = False
    sent: dict[str, int] = field(default_factory=dict)

    @property
    def error_share(self) -> float:
        tried = self.num_pictures + self.num_failed
        return self.num_failed / tried if tried else 0.0

    def as_text(self) -> str:
        lines = [
            f"{self.num_points:,} points, {self.num_points_with_pictures:,} of them with pictures "
            f"by {self.source}",
            f"{self.num_pictures:,} pictures, {self.num_absent:,} views without imagery, "
            f"{self.num_failed:,} failed",
        ]
        lines += [f"  {count:,} × {kind}" for kind, count in self.kinds.items()]
        if self.num_left:
            lines.append(
                f"{self.num_left:,} views are left, since the quota of the day is used up: run the "
                "same command again tomorrow"
            )
        if self.finished_before:
            lines.append("nothing was left to do")
        return "\n".join([*lines, f"→ {self.folder}"])

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def summarize(
    views: pa.Table, num_points: int, num_wanted: int, folder: str, source: str
) -> Summary:
    """Counts the views of a run. num_wanted: views that the recipe asks for."""
    taken = views.filter(pc.is_null(views["error"]))
    counted = pc.value_counts(views["error_kind"].drop_null()).to_pylist()
    kinds = {row["values"]: row["counts"] for row in sorted(counted, key=lambda r: -r["counts"])}
    num_absent = kinds.get(NO_IMAGERY, 0)
    return Summary(
        folder=folder,
        source=source,
        num_points=num_points,
        num_points_with_pictures=len(taken["point_id"].unique()),
        num_pictures=taken.num_rows,
        num_absent=num_absent,
        num_failed=views.num_rows - taken.num_rows - num_absent,
        num_left=max(num_wanted - views.num_rows, 0),
        kinds=kinds,
    )
