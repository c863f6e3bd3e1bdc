import json
from dataclasses import replace
from statistics import stdev

import pytest

from georay.core.tables import PREDICTIONS, rows_to_table
from georay.evaluation.intervals import Figure
from georay.evaluation.metrics import PredictionsFile, evaluate
from georay.evaluation.tables import MEASURES, compare


def evaluation(num_right, num_wrong, num_refused, name="run"):
    """An evaluation of Lyon: right in country and town, wrong in both, or refused."""
    answers = (
        [("answered", "FR", "Lyon")] * num_right
        + [("answered", "IT", "Rome")] * num_wrong
        + [("refused", None, None)] * num_refused
    )
    rows = [
        {"image_id": f"i{n}", "model": "m", "status": status, "country": country, "city": city}
        | {"true_country": "FR", "true_city": "Lyon"}
        for n, (status, country, city) in enumerate(answers)
    ]
    return evaluate(rows_to_table(rows, PREDICTIONS), PredictionsFile(f"{name}.parquet", name * 4))


def test_one_run_shows_its_figures_with_their_intervals():
    table = compare("Table 2", {"base": [evaluation(6, 2, 2)]})
    cell = table.rows[0].cells["country"]["accuracy"]
    assert (cell.mean, cell.sd) == (0.75, None)
    text = table.as_markdown()
    assert "| base    | 10     | 0.7500 [0.409, 0.929] | 0.8000 [0.490, 0.943] |" in text


def test_several_seeds_show_their_mean_and_standard_deviation():
    runs = [evaluation(right, 10 - right, 0, f"seed{right}") for right in (4, 6, 8)]
    table = compare("Table 2", {"both": runs})
    cell = table.rows[0].cells["city"]["accuracy"]
    assert cell.mean == pytest.approx(0.6)
    assert cell.sd == pytest.approx(stdev([0.4, 0.6, 0.8]))
    assert "0.6000 ± 0.2000" in table.as_markdown()


def test_a_figure_that_one_run_lacks_is_not_averaged_over_the_others():
    runs = [evaluation(5, 5, 0, "a"), evaluation(0, 0, 10, "b")]
    cells = compare("t", {"m": runs}).rows[0].cells["country"]
    assert cells["accuracy"].mean is None
    assert cells["recall"].mean == 0.5
    assert "| -" in compare("t", {"m": runs}).as_markdown()


def test_every_row_names_the_files_that_its_numbers_came_from():
    runs = {"base": [evaluation(1, 1, 0, "x")], "both": [evaluation(2, 0, 0, "y")]}
    table = compare("Table 2", runs)
    for label, name in (("base", "x"), ("both", "y")):
        assert f"- {label}: {name}.parquet (SHA-256 {name * 4})" in table.as_markdown()
    written = json.loads(json.dumps(table.to_json()))
    assert [row["sources"][0]["name"] for row in written["rows"]] == ["x.parquet", "y.parquet"]
    assert written["rows"][1]["figures"]["city"]["f1"]["mean"] == 1.0


def test_how_many_images_each_run_was_measured_on_is_told():
    same = [evaluation(3, 1, 0, "a"), evaluation(1, 3, 0, "b")]
    other = [evaluation(3, 1, 0, "c"), evaluation(3, 3, 0, "d")]
    text = compare("t", {"same": same, "other": other}).as_markdown()
    assert "| same    | 4      |" in text
    assert "| other   | 4 / 6  |" in text


def test_rows_keep_their_order_and_line_up():
    names = ["base", "reasoning only", "location only", "both"]
    runs = {name: [evaluation(n, 4, 1, name)] for n, name in enumerate(names)}
    lines = compare("Table 2", runs).as_markdown().splitlines()
    country = [line for line in lines if line.startswith("|")][:6]
    assert [line.split("|")[1].strip() for line in country[2:]] == names
    assert len({len(line) for line in country}) == 1


@pytest.mark.parametrize("num_runs", [0, 2])
def test_a_model_without_a_run_or_with_one_counted_twice_is_refused(num_runs):
    told = rf"^'base' has {num_runs} evaluations of {min(num_runs, 1)} different predictions files"
    with pytest.raises(ValueError, match=told):
        compare("Table 2", {"base": [evaluation(1, 0, 0)] * num_runs})


AS_MARKDOWN = """\
### Table 2

| Country | Images | Accuracy              | Recall                | F1                    | Of all images         |
| ------- | ------ | --------------------- | --------------------- | --------------------- | --------------------- |
| base    | 10     | 0.7500 [0.409, 0.929] | 0.8000 [0.490, 0.943] | 0.7742 [0.532, 0.947] | 0.6000 [0.313, 0.832] |
| both    | 10     | 0.6000 ± 0.2000       | 1.0000 ± 0.0000       | 0.7368 ± 0.1591       | 0.6000 ± 0.2000       |

| City | Images | Accuracy              | Recall                | F1                    | Of all images         |
| ---- | ------ | --------------------- | --------------------- | --------------------- | --------------------- |
| base | 10     | 0.7500 [0.409, 0.929] | 0.8000 [0.490, 0.943] | 0.7742 [0.532, 0.947] | 0.6000 [0.313, 0.832] |
| both | 10     | 0.6000 ± 0.2000       | 1.0000 ± 0.0000       | 0.7368 ± 0.1591       | 0.6000 ± 0.2000       |

Accuracy counts effective answers"""  # noqa: E501


def test_the_page_is_written_as_markdown_tables_that_line_up():
    seeds = [evaluation(right, 10 - right, 0, f"seed{right}") for right in (4, 6, 8)]
    text = compare("Table 2", {"base": [evaluation(6, 2, 2, "a")], "both": seeds}).as_markdown()
    assert text.startswith(AS_MARKDOWN)
    assert text.endswith(
        " Predictions files:\n\n"
        "- base: a.parquet (SHA-256 aaaa)\n"
        "- both: seed4.parquet (SHA-256 seed4seed4seed4seed4)\n"
        "- both: seed6.parquet (SHA-256 seed6seed6seed6seed6)\n"
        "- both: seed8.parquet (SHA-256 seed8seed8seed8seed8)"
    )


def test_country_and_city_are_told_apart_and_every_measure_has_its_own_figure():
    found = evaluation(1, 2, 1)
    wrong_town = replace(found.city, accuracy=Figure(0.125, 0.1, 0.2))
    cells = compare("t", {"m": [replace(found, city=wrong_town)]}).rows[0].cells
    assert cells["city"]["accuracy"].mean == 0.125
    assert {name: cells["country"][name].mean for name in MEASURES} == pytest.approx(
        {"accuracy": 1 / 3, "recall": 3 / 4, "f1": 6 / 13, "accuracy_over_all": 1 / 4}
    )


def test_the_written_comparison_has_every_figure_by_level_and_measure():
    found = evaluation(6, 2, 2, "a")
    written = compare("Table 2", {"base": [found]}).to_json()
    assert written["title"] == "Table 2"
    (row,) = written["rows"]
    assert (row["label"], row["num_images"]) == ("base", [10])
    assert row["sources"] == [{"name": "a.parquet", "sha256": "aaaa", "unused": ()}]
    assert list(row["figures"]) == ["country", "city"]
    assert list(row["figures"]["city"]) == list(MEASURES)
    assert row["figures"]["country"]["recall"] == {
        "mean": 0.8, "sd": None, "low": found.country.recall.low, "high": found.country.recall.high,
    }  # fmt: skip


def test_numbers_of_images_have_commas_and_are_told_once_where_runs_agree():
    runs = [evaluation(1000, 500, 0, name) for name in ("a", "b")]
    assert "| m       | 1,500  |" in compare("t", {"m": runs}).as_markdown()
