"""docs/walkthrough.md: its commands run as they stand there, and print what it says they print."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ports import free_port

pytestmark = pytest.mark.slow  # four minutes: two stages are trained

PROJECT = Path(__file__).parents[2]
DOCUMENT = PROJECT / "docs" / "walkthrough.md"
FOLDER, PORT = "runs/walkthrough", "8021"
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [body for name, body in _BLOCK.findall(DOCUMENT.read_text("utf-8")) if name == kind]


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The folder that the commands left, and what they printed."""
    folder = tmp_path_factory.mktemp("walk")
    script = "set -euo pipefail\n" + "".join(blocks("sh"))
    script = script.replace("source .venv/bin/activate\n", "")  # the tests' own environment
    script = script.replace(FOLDER, str(folder)).replace(PORT, str(free_port()))
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "OMP_NUM_THREADS": "1",
    }
    (folder / "walk.sh").write_text(script, encoding="utf-8")
    running = subprocess.Popen(
        ["bash", str(folder / "walk.sh")], cwd=PROJECT, env=environment, text=True,
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        said, warned = running.communicate()
    finally:
        stop_group(running.pid)
    assert running.returncode == 0, f"{said}\n{warned[-4000:]}"
    return folder, said.replace(str(folder), FOLDER)


def stop_group(leader: int) -> None:
    """Ends what a script that failed half-way left, its server above all."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_the_commands_print_what_the_document_says(walked):
    lines = [line for block in blocks("text") for line in block.splitlines()]
    assert len(lines) > 5
    printed = walked[1].splitlines()
    assert [line for line in lines if line not in printed] == []


def test_what_networks_decide_is_nearly_what_the_document_says(walked):
    """Blocks without a language: another processor rounds differently, and a few rows move."""
    lines = [line for block in blocks("") for line in block.splitlines()]
    assert lines
    printed = walked[1].splitlines()
    assert [line for line in lines if not any(is_nearly(line, one) for one in printed)] == []


def is_nearly(line: str, printed: str) -> bool:
    """Whether two lines differ in nothing but numbers, and in these by little."""
    if _NUMBER.sub("", line) != _NUMBER.sub("", printed):
        return False
    pairs = zip(_NUMBER.findall(line), _NUMBER.findall(printed), strict=True)
    return all(abs(float(a) - float(b)) <= 4 + 0.05 * float(a) for a, b in pairs)


def test_every_picture_has_a_street_of_its_own_of_the_right_town(walked):
    folder, _ = walked
    images = pq.read_table(folder / "streetviews" / "images.parquet")
    assert len(set(images["image_id"].to_pylist())) == images.num_rows > 100
    assert len(set(images["city"].to_pylist())) == 6


def test_both_stages_learnt_from_what_the_steps_before_made(walked):
    folder, _ = walked
    samples = json.loads((folder / "samples" / "samples.json").read_text())["samples"]
    assert samples["reasoning"]["train"] > 30 and samples["location"]["train"] > 30
    stages = json.loads((folder / "trained" / "manifest.json").read_text())["stages"]
    assert {name: one["num_samples"] for name, one in stages.items()} == {
        name: counts["train"] for name, counts in samples.items()
    }


def test_the_answers_are_about_the_held_out_pictures_and_have_the_form_that_was_taught(walked):
    folder, said = walked
    rows = pq.read_table(folder / "predictions.parquet").to_pylist()
    samples = pq.read_table(folder / "samples" / "samples").to_pylist()
    held_out = {row["image_id"] for row in samples if row["split"] == "test"}
    assert {row["image_id"] for row in rows} == held_out
    answered = sum(row["status"] == "answered" for row in rows)
    assert answered > len(rows) / 2  # six in eight name no place before the second stage's epochs
    assert "sure of the country" in said.rpartition("_front.jpg")[2]


def test_every_file_that_the_document_tells_to_look_at_is_there(walked):
    folder, _ = walked
    text = DOCUMENT.read_text("utf-8")
    named = re.findall(r"Look\s+at\s+`([^`]+)`", text)
    assert len(named) >= 5
    assert [name for name in named if not (folder / name).is_file()] == []
    assert (DOCUMENT.parent / "walkthrough.jpg").stat().st_size < 150_000
