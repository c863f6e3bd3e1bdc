"""The summary of an export, in text and as JSON."""

from dataclasses import asdict, dataclass

from georay.curation.exchange.forms import Form, Pictures

CARD, LEFT_OUT_FILE, MANIFEST = "README.md", "left_out.parquet", "export.json"


@dataclass(frozen=True)
class ExportSummary:
    """What left, by stage and split, and what did not, by kind.

    turned: samples whose packed picture is to be turned by its EXIF, which not every tool heeds.
    """

    folder: str
    form: Form
    pictures: Pictures
    samples: dict[str, dict[str, int]]
    left_out: dict[str, int]
    clue_licences: dict[str, int]
    picture_licences: dict[str, int]
    turned: int

    def as_text(self) -> str:
        lines = [f"export: {self.folder}"]
        for stage, counts in self.samples.items():
            parts = ", ".join(f"{count:,} {split}" for split, count in counts.items())
            lines.append(f"  {stage}: {parts}")
        if self.left_out:
            parts = ", ".join(f"{count:,} {kind}" for kind, count in self.left_out.items())
            lines.append(f"  left out: {parts}; see {LEFT_OUT_FILE} there")
        if self.turned:
            lines.append(f"  {self.turned:,} have a picture that its EXIF turns; see {CARD} there")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Every field, as JSON has it."""
        return asdict(self)
