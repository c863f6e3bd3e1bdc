"""Compares several files of answers, with tests of which system is better."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from georay.core.paths import AnyPath
from georay.evaluation.judging import Inputs, Judgement, judge_file
from georay.evaluation.metrics import Measuring
from georay.evaluation.paired import PairedTest, paired_tests
from georay.evaluation.sections import (
    as_text,
    distances_section,
    paired_section,
    sections_of,
)
from georay.evaluation.tables import Comparison, compare


@dataclass(frozen=True)
class SideBySide:
    """Judgements by the label of their row, one per run. tests: of every pair of rows."""

    judgements: Mapping[str, Sequence[Judgement]]
    comparison: Comparison
    tests: tuple[PairedTest, ...]

    @property
    def all(self) -> list[Judgement]:
        return [one for found in self.judgements.values() for one in found]

    def as_text(self) -> str:
        """Each file's figures, and for several files the tables with all."""
        texts = [as_text(one) for one in self.all]
        if len(texts) > 1:
            texts.append(self.comparison.as_markdown())
            texts.append("\n".join(distances_section(self.comparison).as_lines()))
        if self.tests:
            texts.append("\n".join(paired_section(self.tests).as_lines()))
        return "\n\n".join(texts)

    def as_markdown(self) -> str:
        """A document with all tables, whole."""
        lines = [self.comparison.as_markdown(), ""]
        lines += distances_section(self.comparison).as_markdown()
        if self.tests:
            lines += paired_section(self.tests).as_markdown()
        for one in self.all:
            lines += [f"## {one.evaluation.source.name}", "", "```"]
            lines += [one.evaluation.as_text(), "```", ""]
            lines += [f"- {note}" for note in one.notes] + [""]
            lines += [line for section in sections_of(one) for line in section.as_markdown()]
        return "\n".join(lines).rstrip() + "\n"

    def to_json(self) -> dict[str, object]:
        """All figures; with several files the table and the tests."""
        facts: dict[str, object] = {"evaluations": [one.to_json() for one in self.all]}
        if len(self.all) > 1:
            facts["table"] = self.comparison.to_json()
            facts["pairs"] = [asdict(test) for test in self.tests]
        return facts


def judge(
    rows: Mapping[str, Sequence[AnyPath]], inputs: Inputs, measuring: Measuring
) -> SideBySide:
    """Judges the files of each row, one per run. Raises ValueError as `judge_file` does."""
    found = {
        label: [judge_file(path, inputs, measuring) for path in paths]
        for label, paths in rows.items()
    }
    comparison = compare(
        "Predictions side by side",
        {label: [one.evaluation for one in runs] for label, runs in found.items()},
    )
    outcomes = {label: [one.outcomes for one in runs] for label, runs in found.items()}
    return SideBySide(found, comparison, paired_tests(outcomes, measuring))
