"""What became of the pictures of a collection."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from georay.config.locate import LocateRecipe
from georay.core.paths import AnyPath, path_of
from georay.curation.inputs.remarks import Remark, remarks_to_json
from georay.evaluation.usage import RunUsage, usage_of
from georay.models.registry import caveat_of


@dataclass(frozen=True)
class LocateSummary:
    """Counts over the rows of a run.

    statuses: pictures by the status of their answer. num_unsure: answers that are not sure.
    num_unfamiliar: answers about pictures that the model does not know the like of. caveat: what to
    know before believing the model. num_kept: rows of pictures that the inputs no longer name, kept
    because they were paid for. usage: of a remote model.
    """

    folder: str
    statuses: dict[str, int]
    num_listed: int
    num_kept: int
    finished_before: bool
    usage: RunUsage | None
    num_unsure: int = 0
    num_unfamiliar: int = 0
    caveat: str | None = None
    remarks: tuple[Remark, ...] = ()

    @property
    def num_failed(self) -> int:
        return self.statuses.get("failed", 0)

    @property
    def report(self) -> AnyPath:
        return path_of(self.folder) / "report.html"

    def as_text(self) -> str:
        """What a person reads at the end."""
        counts = ", ".join(f"{count:,} {status}" for status, count in self.statuses.items())
        before = " (finished before; nothing was asked again)" if self.finished_before else ""
        lines = [f"{self.num_listed:,} pictures: {counts}{before}"]
        if self.num_unsure:
            lines.append(f"{self.num_unsure:,} of the answers are not sure (column sureness)")
        if self.num_unfamiliar:
            unlike = "of the pictures are not like those that the model knows (column sureness)"
            advice = f": {self.caveat}" if self.caveat else ""
            lines.append(f"{self.num_unfamiliar:,} {unlike}{advice}")
        if self.num_kept:
            lines.append(f"{self.num_kept:,} rows of pictures that are no longer named are kept")
        if self.usage is not None:
            lines.append(self.usage.as_text())
        lines += [line for remark in self.remarks for line in remark.lines()]
        return "\n".join([*lines, f"locations: {self.folder}", f"report: {self.report}"])

    def to_json(self) -> dict[str, Any]:
        """Every field, as JSON has it."""
        return asdict(self) | {"remarks": remarks_to_json(self.remarks), "report": str(self.report)}


def summarize(
    folder: AnyPath,
    table: pa.Table,
    num_listed: int,
    finished_before: bool,
    recipe: LocateRecipe,
    remarks: Sequence[Remark],
) -> LocateSummary:
    """Counts the rows of schema LOCATED."""
    return LocateSummary(
        folder=str(folder),
        statuses=dict(sorted(Counter(table.column("status").to_pylist()).items())),
        num_listed=num_listed,
        num_kept=table.num_rows - num_listed,
        finished_before=finished_before,
        usage=usage_of(table) if recipe.endpoint else None,
        num_unsure=_count(table, "unsure"),
        num_unfamiliar=_count(table, "unfamiliar"),
        caveat=None if recipe.endpoint else caveat_of(recipe.model),
        remarks=tuple(remarks),
    )


def _count(table: pa.Table, sureness: str) -> int:
    is_so = pc.equal(table.column("sureness"), sureness)
    return int(pc.sum(is_so, min_count=0).as_py())
