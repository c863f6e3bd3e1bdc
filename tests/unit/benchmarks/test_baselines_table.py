"""What is said of the systems' answers: pairs on the same pictures, few and many clues, speeds."""

import pyarrow.parquet as pq
import pytest

from benchmarks import baselines
from benchmarks.baselines import answered_per_second, steps_of
from benchmarks.baselines_judged import asked_ids, bands_of, by_clues, judged
from georay.core.tables import PREDICTIONS, rows_to_table
from georay.errors import ModelUnavailable

NUM = 40
CLUES = {f"i{n:02}": n % 20 for n in range(NUM)}
MANY = [one for one, count in CLUES.items() if count > 9.5]


def answers(path, right, latency=None):
    """Everyone lies in Norway; who is not right says Sweden."""
    rows = [
        {
            "image_id": one,
            "model": "m",
            "status": "answered",
            "country": "NO" if one in right else "SE",
            "true_country": "NO",
            "latency_ms": None if latency is None else latency[number],
        }
        for number, one in enumerate(sorted(CLUES))
    ]
    pq.write_table(rows_to_table(rows, PREDICTIONS), path)
    return path


@pytest.fixture
def files(tmp_path):
    """One system is right where clues are many, one nearly so, and one never."""
    return {
        "sharp": [answers(tmp_path / "sharp.parquet", set(MANY))],
        "nearly": [answers(tmp_path / "nearly.parquet", set(MANY[1:]))],
        "blind": [answers(tmp_path / "blind.parquet", set())],
    }


def test_the_best_row_is_named_with_those_that_no_test_tells_from_it(files, tmp_path):
    found = judged(files, CLUES, tmp_path / "parts")
    assert found["best"]["country"] == {
        "row": "sharp", "share": 0.5, "not_told_apart": ["nearly"],
    }  # fmt: skip
    pair = found["pairs"]["country"]["sharp / blind"]
    assert (pair["first_only"], pair["second_only"]) == (20, 0) and pair["p_holm"] < 0.001
    low, high = (found["systems"]["sharp"]["country"][end] for end in ("low", "high"))
    assert low == pytest.approx(0.352, abs=1e-3) and high == pytest.approx(0.648, abs=1e-3)


def test_few_and_many_clues_are_judged_apart(files, tmp_path):
    parts = judged(files, CLUES, tmp_path / "parts")["by_amount"]
    assert (parts["few"]["images"], parts["many"]["images"]) == (20, 20)
    assert parts["few"]["systems"]["sharp"]["value"] == 0
    assert parts["many"]["systems"]["sharp"]["value"] == 1
    assert parts["many"]["best"]["not_told_apart"] == ["nearly"]


def test_bands_hold_every_picture_once_and_those_without_a_clue_apart(files):
    bands = bands_of(CLUES)
    assert list(bands) == ["0", "1 to 7", "8 to 13", "14 or more"]
    assert sorted(one for chosen in bands.values() for one in chosen) == sorted(CLUES)
    assert bands["0"] == {"i00", "i20"}
    told = by_clues(files, CLUES)
    assert told["14 or more"]["systems"]["sharp"]["value"] == 1
    assert told["1 to 7"]["images"] == 14


def test_rows_that_were_asked_about_other_pictures_are_refused(files, tmp_path):
    table = pq.read_table(files["blind"][0])
    pq.write_table(table.slice(1), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="different pictures"):
        asked_ids(files | {"other": [tmp_path / "other.parquet"]})


def test_speed_is_that_of_the_median_whole_batch(tmp_path):
    latency = [100.0] * 16 + [200.0] * 16 + [1.0] * 8  # the last batch is no whole one
    file = answers(tmp_path / "a.parquet", set(), latency)
    assert answered_per_second(file, 16) == round(16 / 0.150, 1)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "cannot reach 'https://hub.example/a'. Connect once",
            "cannot reach the hub. Connect once",
        ),
        ("no folder 'x'\nand more", "no folder 'x'"),
    ],
)
def test_what_loading_says_is_kept_in_a_line_that_names_no_address(monkeypatch, said, told):
    def refuse(recipe):
        raise ModelUnavailable(said)

    monkeypatch.setattr(baselines, "check_can_answer", refuse)
    assert baselines.tried("llava") == told


def test_as_many_steps_are_made_as_fit_into_the_minutes():
    assert steps_of(2.0, 0.25) == 480
    assert steps_of(0.001, 1.0) == 1
