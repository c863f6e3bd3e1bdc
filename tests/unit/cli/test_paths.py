"""Where verbs write to and read from: paths of this machine, and nothing taken for one."""

from pathlib import Path

import pytest

from georay import cli

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"
OUT = "s3://bucket/run"
WRITING = {
    "curate": ["curate", "photos", "--out", OUT],
    "samples": ["samples", "--curation", "run", "--out", OUT],
    "train": ["train", str(RECIPES / "train-tiny.yaml"), "--out", OUT],
    "predict": ["predict", str(RECIPES / "predict-tiny.yaml"), "--out", f"{OUT}.parquet"],
    "weights": ["weights", "clues.csv", "--out", f"{OUT}.json"],
    "streetworld": ["streetworld", "--out", OUT],
    "demo": ["demo", "--out", OUT],
    "clues": ["clues", "guide.csv", "--out", f"{OUT}.parquet"],
    "points": ["points", "monaco.osm.pbf", "--out", f"{OUT}.parquet"],
    "cities": ["cities", "--count", "3", "--out", f"{OUT}.csv"],
    "convert": ["convert", "folder", "--out", OUT],
}
READING = {
    "select": ["select", OUT, "--threshold", "0.5"],
    "evaluate": ["evaluate", f"both={OUT}.parquet"],
    "samples": ["samples", "--curation", OUT, "--out", "out"],
}


def told(arguments, monkeypatch, capsys):
    """What the command says on its way out, and its exit code."""
    monkeypatch.setattr("sys.argv", ["georay", *arguments])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize("arguments", [*WRITING.values(), *READING.values()], ids=" ".join)
def test_an_address_in_storage_is_refused_at_once_and_makes_no_folder(
    arguments, monkeypatch, capsys, tmp_path
):
    monkeypatch.chdir(tmp_path)
    code, text = told(arguments, monkeypatch, capsys)
    assert code == 1
    assert "is an address in storage; give a path here" in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("threshold", ["nan", "inf", "-inf", "1.01", "-0.01"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["curate", "photos", "--out", "run"],
        ["score", "a.jpg"],
        ["weights", "clues.csv"],
    ],
    ids=" ".join,
)
def test_a_threshold_outside_0_to_1_is_refused(arguments, threshold, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    code, text = told([*arguments, "--threshold", threshold], monkeypatch, capsys)
    assert code == 1
    assert "threshold: Input should be" in text
    assert list(tmp_path.iterdir()) == []
