"""Where verbs write to and read from: paths and addresses, and neither taken for the other."""

from pathlib import Path

import pytest

from georay import cli

RECIPES = Path(__file__).parents[3] / "jobs" / "recipes"
AWAY = "s3://bucket/run"
HERE_ONLY = [
    ["streetworld", "--out", AWAY],
    ["demo", "--out", AWAY],
    ["cities", "--count", "3", "--out", f"{AWAY}.csv"],
    ["convert", "folder", "--out", AWAY],
    ["points", "monaco.osm.pbf", "--cities", f"{AWAY}.csv", "--radius", "2", "--out", "p.csv"],
]
SECRET = "s3://name:key@bucket/run"  # refused wherever an address is understood, and nobody asked
ANYWHERE = [
    ["curate", "photos", "--out", SECRET],
    ["select", SECRET, "--threshold", "0.5"],
    ["weights", "clues.csv", "--out", f"{SECRET}.json"],
    ["points", "monaco.osm.pbf", "--out", f"{SECRET}.parquet"],
    ["points", f"{SECRET}.osm.pbf", "--out", "p.parquet"],
    ["points", "monaco.osm.pbf", "--boundary", f"{SECRET}.poly", "--out", "p.parquet"],
    ["collect", f"{SECRET}.yaml"],
    ["clues", "guide.csv", "--out", f"{SECRET}.parquet"],
    ["clues", "guide.csv", "--curation", SECRET, "--out", "c.parquet"],
    ["samples", "--curation", "run", "--out", SECRET],
    ["samples", "--curation", SECRET, "--out", "out"],
    ["samples", "--conversations", SECRET, "--out", "out"],
    ["samples", SECRET, "--export", "webdataset"],
    ["samples", "run", "--export", "webdataset", "--out", SECRET],
    ["train", str(RECIPES / "train-tiny.yaml"), "--out", SECRET],
    ["train", str(RECIPES / "train-tiny.yaml"), "--samples", SECRET],
    ["baseline", str(RECIPES / "baselines" / "planet-small.yaml"), "--samples", SECRET],
    ["baseline", str(RECIPES / "baselines" / "planet-small.yaml"), "--out", SECRET],
    ["predict", str(RECIPES / "predict-tiny.yaml"), "--samples", SECRET],
    ["predict", str(RECIPES / "predict-tiny.yaml"), "--out", f"{SECRET}.parquet"],
    ["locate", "photos", "--out", SECRET],
    ["evaluate", f"both={SECRET}.parquet"],
    ["evaluate", "a.csv", "--truth", f"{SECRET}.csv"],
    ["evaluate", "a.csv", "--scenes", SECRET],
    ["evaluate", "a.csv", "--conventions", f"{SECRET}.csv"],
    ["evaluate", "a.csv", "--html", f"{SECRET}.html"],
    ["evaluate", "a.csv", "--markdown", f"{SECRET}.md"],
    ["tables", f"1:both={SECRET}.parquet"],
    ["tables", "--truth", f"{SECRET}.csv"],
    ["tables", "--markdown", f"{SECRET}.md"],
    ["serve", f"{SECRET}.yaml"],
]


def told(arguments, monkeypatch, capsys):
    """What the command says on its way out, and its exit code."""
    monkeypatch.setattr("sys.argv", ["georay", *arguments])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize("arguments", HERE_ONLY, ids=" ".join)
def test_an_address_in_storage_is_refused_at_once_and_makes_no_folder(
    arguments, monkeypatch, capsys, tmp_path
):
    monkeypatch.chdir(tmp_path)
    code, text = told(arguments, monkeypatch, capsys)
    assert code == 1
    assert "is an address in storage; give a path here" in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", ANYWHERE, ids=" ".join)
def test_every_other_path_may_be_an_address_and_one_with_a_secret_is_refused(
    arguments, monkeypatch, capsys, tmp_path
):
    monkeypatch.chdir(tmp_path)
    code, text = told(arguments, monkeypatch, capsys)
    assert code == 1
    assert "this s3:// address holds a secret" in text
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
