"""Computes all figures of one file of answers, beside the paper's."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa

from georay.core.paths import AnyPath
from georay.core.tables import JUDGED, conform
from georay.evaluation.breakdown import Breakdown, breakdowns_of
from georay.evaluation.confidence import (
    Calibration,
    RiskCoverage,
    calibration_of,
    confidences,
    risk_coverage_of,
)
from georay.evaluation.confusion import Confusion, confusion_of
from georay.evaluation.faithfulness import Faithfulness, faithfulness_of
from georay.evaluation.inputs.conventions import Conventions
from georay.evaluation.inputs.joining import Extra, Joined, join
from georay.evaluation.inputs.scenes import Scenes
from georay.evaluation.inputs.truth import Truth
from georay.evaluation.metrics import (
    Evaluation,
    Measuring,
    evaluate_outcomes,
    is_within,
    source_of,
)
from georay.evaluation.others_answers import OthersAnswers, read_answers, read_answers_alone
from georay.evaluation.outcomes import Mask, Outcomes, outcomes_of
from georay.evaluation.readings import Reading, compare_readings
from georay.evaluation.top_k import TopK, top_k_of

_RIGHT_KM = 750.0
"""What an answer without a country counts as right within, where confidences are judged."""


@dataclass(frozen=True)
class Judgement:
    """The figures of one file.

    notes: sentences on what was left out or taken otherwise than written. right: which images are,
    by what `judged_by` names, as `calibration` and `risk_coverage` have it; these two need
    confidences, as `top_k` needs candidates.
    readings: where raw answers were read that another program had read too. faithfulness: where
    reasons are about pictures whose clues are known.
    """

    evaluation: Evaluation
    outcomes: Outcomes
    notes: tuple[str, ...]
    judged_by: str
    right: Mask
    calibration: Calibration | None
    risk_coverage: RiskCoverage | None
    top_k: tuple[TopK, ...]
    breakdowns: tuple[Breakdown, ...]
    confusion: Confusion | None
    readings: tuple[Reading, ...]
    faithfulness: Faithfulness | None

    def to_json(self) -> dict[str, object]:
        """Every figure, as JSON has it: those of the evaluation first."""
        others = {name: getattr(self, name) for name in _WRITTEN}
        plain = {name: _plain(value) for name, value in others.items()}
        return self.evaluation.to_json() | plain


_WRITTEN = (
    "notes", "judged_by", "calibration", "risk_coverage", "top_k", "breakdowns", "confusion",
    "readings", "faithfulness",
)  # fmt: skip


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str) else asdict(value)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Inputs:
    """How files of answers are read. truth: where it is, if it is not in the file itself.
    scenes: drawn ones, which bring the clues of their pictures. conventions: by which things each
    country is known, for whom reasons are held against clues; those of the scenes if there are any.
    """

    truth: Truth | None = None
    raw_column: str | None = None
    extra: Extra = "refuse"
    scenes: Scenes | None = None
    conventions: Conventions | None = None

    def clued(self, table: pa.Table) -> pa.Table:
        """The table (schema JUDGED) with the clues that the scenes know."""
        return table if self.scenes is None else self.scenes.told_to(table)

    def of_countries(self) -> Conventions | None:
        """The conventions that reasons are held against."""
        own = None if self.scenes is None else self.scenes.conventions
        return self.conventions if self.conventions is not None else own


def judge_file(path: AnyPath, inputs: Inputs, measuring: Measuring) -> Judgement:
    """The figures of one file of answers.

    Raises ValueError if it cannot be read, holds an image more than once, or does not belong to
    the truth, as `read_answers` and `join` say.
    """
    if inputs.truth is None:
        read = read_answers(path, inputs.raw_column)
        joined = Joined(conform(read.table, JUDGED, path.name), {}, ())
    else:
        read = read_answers_alone(path, inputs.raw_column)
        joined = join(read.table, inputs.truth, inputs.extra, path.name)
    source = source_of(path, read.unused)
    table = inputs.clued(joined.table)
    found = outcomes_of(table, source.name, measuring.formula)
    evaluation = evaluate_outcomes(table, found, source, measuring)
    notes = (*read.notes, *joined.notes)
    readings = _readings(read, joined)
    faithfulness = faithfulness_of(table, found, inputs.of_countries())
    return _judged(table, found, evaluation, notes, readings, faithfulness)


def _judged(
    table: pa.Table,
    found: Outcomes,
    evaluation: Evaluation,
    notes: Sequence[str],
    readings: tuple[Reading, ...],
    faithfulness: Faithfulness | None,
) -> Judgement:
    measuring = evaluation.measuring
    near = {
        km: found.located & is_within(found.distance_km, km, measuring)
        for km in measuring.thresholds_km
    }
    confidence = confidences(table, found.country.answer)
    judged_by, answered, right = _right(found, measuring)
    sure = answered & ~np.isnan(confidence)
    return Judgement(
        evaluation=evaluation,
        outcomes=found,
        notes=tuple(notes),
        judged_by=judged_by,
        right=right,
        calibration=calibration_of(confidence[sure], right[sure]),
        risk_coverage=risk_coverage_of(confidence[sure], right[sure]),
        top_k=top_k_of(table, found),
        breakdowns=breakdowns_of(table, found, near),
        confusion=confusion_of(found),
        readings=readings,
        faithfulness=faithfulness,
    )


def _right(found: Outcomes, measuring: Measuring) -> tuple[str, Mask, Mask]:
    """What makes an answer right, which images have one, and which of these are."""
    if found.country.effective.any():
        return "country", found.country.effective, found.country.correct
    near = found.located & is_within(found.distance_km, _RIGHT_KM, measuring)
    return f"{measuring.within} {_RIGHT_KM:g} km", found.located, near


def _readings(read: OthersAnswers, joined: Joined) -> tuple[Reading, ...]:
    """Compared in the file's order, with the truth that belongs to each row."""
    if read.beside is None:
        return ()
    rows = {one: row for row, one in enumerate(joined.table.column("image_id").to_pylist())}
    ids = read.table.column("image_id").to_pylist()
    at = pa.array([rows.get(joined.name_of.get(one, one)) for one in ids], pa.int64())
    ours = read.table
    for name in (name for name in JUDGED.names if name.startswith("true_")):
        truth = joined.table.column(name).take(at)
        ours = ours.set_column(ours.column_names.index(name), JUDGED.field(name), truth)
    return compare_readings(ours, read.beside)
