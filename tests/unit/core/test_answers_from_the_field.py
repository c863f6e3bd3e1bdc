"""What the parser reads out of answers that models really gave."""

import csv
import hashlib
import json
from pathlib import Path

import pytest

from georay.core.answers import Answer, parse_answer
from georay.core.names import fold

LABELLED = Path(__file__).parents[2] / "fixtures" / "answers_labelled.csv"


def test_answers_from_the_field_are_read(shared) -> None:
    lines = shared("cases/answers.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    missed = [row for row in rows if not _fits(parse_answer(row.pop("text")), row)]
    assert len(missed) <= 0.05 * len(rows), missed


def _fits(answer: Answer, expected: dict[str, object]) -> bool:
    read = {field: getattr(answer, field) for field in expected}
    return all(
        value == pytest.approx(expected[field], abs=1e-3)
        if isinstance(expected[field], float)
        else value == expected[field]
        for field, value in read.items()
    )


def test_real_answers_are_read_as_a_careful_person_reads_them(shared) -> None:
    folder = shared("data/model_answers")
    csv.field_size_limit(10**8)
    labelled = list(csv.DictReader(LABELLED.read_text(encoding="utf-8").splitlines()))
    raw: dict[tuple[str, str], str] = {}
    for name in {row["file"] for row in labelled}:
        with (folder / name).open(encoding="utf-8", newline="") as lines:
            for number, answer in enumerate(csv.DictReader(lines)):
                raw[name, str(number)] = answer["model_response"]
    assert len(labelled) == 300
    agreed = 0
    for row in labelled:
        text = raw[row["file"], row["row"]]
        assert hashlib.sha256(text.encode()).hexdigest() == row["sha256"]
        agreed += _agrees(parse_answer(text), row)
    assert agreed >= 297


def _agrees(answer: Answer, row: dict[str, str]) -> bool:
    numbers = (answer.latitude, row["latitude"]), (answer.longitude, row["longitude"])
    return (
        answer.status == row["status"]
        and (answer.country or "") == row["country"]
        and fold(answer.city or "") == fold(row["city"])
        and all(
            label == "" if value is None else label != "" and abs(value - float(label)) < 1e-3
            for value, label in numbers
        )
    )
