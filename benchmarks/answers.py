"""How often the parser agrees with a person who read the same answers, and how fast it reads.

    python -m benchmarks.answers --answers model_answers

The folder holds one CSV per model with a column model_response. The labels name rows by file,
number and SHA-256; they hold what the answer says, not what is true of the picture.
"""

import argparse
import csv
import hashlib
import time
from collections import Counter
from pathlib import Path

from benchmarks.record import computing_commit, write_record
from georay.core.answers import Answer, parse_answer
from georay.core.names import fold

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"
LABELS = {
    "labelled": FIXTURES / "answers_labelled.csv",
    "spot_check": FIXTURES / "answers_spot_check.csv",
}
Label = dict[str, str]


def raw_answers(path: Path) -> list[str]:
    """The answers of one model, in their order."""
    csv.field_size_limit(10**8)
    with path.open(encoding="utf-8", newline="") as lines:
        return [row["model_response"] for row in csv.DictReader(lines)]


def differences(answer: Answer, label: Label) -> list[str]:
    """The parts in which the parser and the person differ."""
    read = {
        "status": answer.status,
        "country": answer.country or "",
        "city": fold(answer.city or ""),
        "latitude": _degrees(answer.latitude),
        "longitude": _degrees(answer.longitude),
    }
    said = {
        "status": label["status"],
        "country": label["country"],
        "city": fold(label["city"]),
        "latitude": _degrees(float(label["latitude"]) if label["latitude"] else None),
        "longitude": _degrees(float(label["longitude"]) if label["longitude"] else None),
    }
    return [part for part in read if read[part] != said[part]]


def _degrees(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def agreement(labels: Path, answers: dict[str, list[str]]) -> dict[str, object]:
    """Share of labelled rows in which every part agrees, and the rows in which one does not."""
    rows = list(csv.DictReader(labels.read_text(encoding="utf-8").splitlines()))
    differing: dict[str, list[str]] = {}
    for row in rows:
        raw = answers[row["file"]][int(row["row"])]
        if hashlib.sha256(raw.encode()).hexdigest() != row["sha256"]:
            raise ValueError(f"row {row['row']} of {row['file']} is not the answer that was read")
        if parts := differences(parse_answer(raw), row):
            differing[f"{row['file']} {row['row']}"] = parts
    return {
        "rows": len(rows),
        "agreement": round(1 - len(differing) / len(rows), 4),
        "differing": differing,
    }


def main(folder: Path) -> None:
    computing_commit()
    answers = {path.name: raw_answers(path) for path in sorted(folder.glob("*.csv"))}
    parse_answer("")
    started = time.perf_counter()
    status = {
        name: dict(Counter(parse_answer(raw).status for raw in texts))
        for name, texts in answers.items()
    }
    elapsed = time.perf_counter() - started
    results = {
        "agreement": {name: agreement(path, answers) for name, path in LABELS.items()},
        "spot_check_note": "the first parser agreed on 55 of these 60; its five errors were mended",
        "status_by_file": status,
        "answers_per_s": round(sum(map(len, answers.values())) / elapsed),
    }
    what = "parser of answers: agreement with a person on every part of an answer, and speed"
    print(write_record("answers", {"what": what, "answers": folder.name}, results).read_text())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=Path, required=True)
    main(parser.parse_args().answers)
