import pytest

from georay.runtime import progress as module
from georay.runtime.progress import progress


def test_away_from_a_terminal_there_are_plain_lines(capsys, monkeypatch):
    monkeypatch.setattr(module, "PLAIN_LINE_SECONDS", 0.0)
    with progress("scoring", 1200) as meter:
        meter.resume(1000)
        meter.advance(50, 3)
        meter.advance(150, 1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("scoring: 1,050/1,200 images · ")
    assert "3 errors · ETA" in lines[0]
    assert lines[1].startswith("scoring: 1,200/1,200 images · ")
    assert lines[1].endswith("4 errors")
    assert len(lines) == 2, "the end is not said twice"


def test_lines_come_seconds_apart_but_the_end_is_always_said(capsys):
    with progress("embedding", None, "clues") as meter:
        for _ in range(1000):
            meter.advance(1)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("embedding: 1,000 clues · ")


def test_the_speed_counts_only_what_this_run_did(capsys, monkeypatch):
    now = iter([100.0, 100.0, 110.0, 110.0, 110.0, 110.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(now))
    with progress("scoring", 1000) as meter:
        meter.resume(900)
        meter.advance(50)
    assert "950/1,000 images · 5.0/s · 0 errors · ETA 10 s" in capsys.readouterr().err


def test_a_note_stands_beside_the_counts_until_the_next_one(capsys, monkeypatch):
    monkeypatch.setattr(module, "PLAIN_LINE_SECONDS", 0.0)
    with progress("training", 20, "samples") as meter:
        meter.note("loss 2.5")
        meter.advance(10)
        meter.note("loss 2.4")
        meter.advance(10)
    at_once, first, last = capsys.readouterr().err.splitlines()
    assert at_once == "training: 0/20 samples · 0.0/s · 0 errors · loss 2.5"
    assert " errors · loss 2.5 · ETA" in first
    assert last.endswith("0 errors · loss 2.4")


def test_a_failure_inside_is_not_swallowed():
    with pytest.raises(RuntimeError, match="inside"), progress("scoring", 10):
        raise RuntimeError("inside")
