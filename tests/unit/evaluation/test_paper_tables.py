"""The paper's tables: quotations as they stand, findings that are computed, rows that were run."""

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from judged_rows import judged

from georay.core.tables import PREDICTIONS
from georay.evaluation.inputs.truth import read_truth
from georay.evaluation.metrics import Measuring
from georay.evaluation.paper.inconsistencies import inconsistencies
from georay.evaluation.paper.quoted import the_paper
from georay.evaluation.paper.rows import RowFiles
from georay.evaluation.paper.tables import paper_tables


def told(kind, paper=None, floors=None):
    return [one.told for one in inconsistencies(paper or the_paper(), floors) if one.kind == kind]


def with_figure(number, row, column, value):
    """The paper with one figure printed otherwise."""
    paper = the_paper()
    table = paper.tables[number]
    values = list(table.rows[row])
    values[list(table.columns).index(column)] = value
    changed = replace(table, rows={**table.rows, row: values})
    return replace(paper, tables={**paper.tables, number: changed})


def test_quotations_are_those_of_the_reference(shared):
    reference = json.loads(shared("reference/paper_tables.json").read_text())
    tables = the_paper().tables
    names = {1: "table1", 2: "table2", 3: "table3_im2gps", 4: "table4_im2gps3k", 6: "table6"}
    for number, name in names.items():
        rows = {row: values[-len(tables[number].columns) :] for row, values in
                reference[name]["rows"].items()}  # fmt: skip
        assert tables[number].rows == rows
    settings = reference["table5_hyperparameters"]
    assert tables[5].rows["learning rate"] == [settings["learning_rate"]]
    assert tables[5].rows["LoRA rank *"] == [settings["from_the_authors_code"]["lora_rank"]]


def test_an_f1_that_its_accuracy_and_recall_do_not_give_is_found():
    (one,) = told("F1")
    assert "Table 2, GeoReasoner, city" in one and "0.8585; 0.8584 is printed" in one
    wrong = with_figure(1, "LLaVA", "country_f1", 0.61)
    found = told("F1", wrong)
    assert len(found) == 2
    assert "no accuracy and recall that are printed alike give it" in found[0]


def test_a_model_with_two_figures_is_found():
    assert told("two figures") == [
        "GeoReasoner*, city f1: 0.8585 in Table 1 and 0.8584 in Table 2."
    ]
    assert told("two figures", with_figure(2, "GeoReasoner", "city_f1", 0.8585)) == []


def test_improvements_on_different_bases_are_told_with_all_bases():
    (one,) = told("bases")
    assert "25.02 % in country f1 is of the other's figure" in one
    assert "38.61 % in city f1 is of its own figure" in one
    paper = the_paper()
    claims = [replace(paper.claims[0], percent=25.02), replace(paper.claims[1], percent=62.90)]
    assert told("bases", replace(paper, claims=claims)) == []
    unfounded = replace(paper, claims=[replace(paper.claims[0], percent=40.0), paper.claims[1]])
    assert "40 % in country f1 is nothing that fits" in told("bases", unfounded)[0]


def test_accuracies_that_are_no_share_of_the_effective_answers_are_found():
    found = told("denominator")
    qwen = [one for one in found if "Qwen-VL" in one]
    assert len(qwen) == 2 and all("it is one of all images" in one for one in qwen)
    assert not any("StreetCLIP" in one or "LLaVA" in one for one in found)
    assert not any("GPT-4V, country" in one for one in found), "107 of 120"


def test_the_floor_of_centroids_is_told_where_it_was_computed():
    plain, _ = told("centroids")
    assert "at most 0.13" in plain and "up to 0.25" in plain
    assert "lie 0.3418 of the images" in told("centroids", floors={3: 0.3418})[0]


def test_counts_that_are_cut_and_not_rounded_are_found():
    base, lora = told("parameters")
    assert "9.6B; rounded they are 9.7B" in base and "112.19M; rounded they are 112.20M" in lora


@pytest.fixture
def predictions(tmp_path):
    rows = [
        {"true_country": "FR", "true_city": "Lyon", "country": country, "city": "Lyon",
         "latency_ms": 250.0 * (n + 1)}
        for n, country in enumerate(("FR", "FR", "IT", "FR"))
    ]  # fmt: skip
    path = tmp_path / "both.parquet"
    pq.write_table(judged(rows).select(PREDICTIONS.names), path)
    return path


def table(number, *rows, truths=None):
    found = paper_tables([number], rows, truths or {}, Measuring())
    return found.tables[0], {row.name: row for row in found.tables[0].rows}


def test_rows_that_were_run_stand_below_the_quoted_ones_with_their_files(predictions):
    found, rows = table(1, RowFiles(1, "ours", (predictions,)))
    assert [row.origin for row in found.rows] == ["quoted"] * 6 + ["run here"]
    assert rows["LLaVA"].cells[:3] == ("0.4029", "1.00", "0.5744")
    assert rows["ours"].cells[0].startswith("0.7500 [")
    assert found.notes[0] == "Quoted from Table 1, section 4.2.2."
    assert found.notes[1].startswith("ours: ") and "SHA-256" in found.notes[1]
    plain, _ = table(2)
    assert plain.notes[-1] == "No row was run here."


def test_a_test_set_gives_rows_of_distances_and_the_floor_of_names(tmp_path):
    (tmp_path / "set.csv").write_text("image_id,latitude,longitude\na,48.0,16.0\nb,-47,-130\n")
    (tmp_path / "theirs.csv").write_text("img_id,lat,lon\na,48.1,16.0\nb,-47,-129.9\n")
    row = RowFiles(3, "theirs", (tmp_path / "theirs.csv",))
    found, rows = table(3, row, truths={3: read_truth(tmp_path / "set.csv")})
    assert [cell[:6] for cell in rows["theirs"].cells] == ["0.0000", "1.0000", "1.0000"]
    assert [cell[:6] for cell in found.rows[-1].cells] == ["0.0000", "0.5000", "0.5000"]
    assert "closest town" in found.rows[-1].name


def test_runs_of_one_row_are_a_mean_and_a_deviation(predictions, tmp_path):
    other = tmp_path / "other.parquet"
    pq.write_table(pq.read_table(predictions).slice(0, 2), other)
    _, rows = table(1, RowFiles(1, "ours", (predictions, other)))
    assert rows["ours"].cells[0] == "0.8750 ± 0.1768"
    places = "image_id,latitude,longitude\na,48,16\nb,48,16\n"
    (tmp_path / "set.csv").write_text(places)
    for name, north in (("x", 48), ("y", 52)):
        (tmp_path / f"{name}.csv").write_text(f"id,lat,lon\na,48,16\nb,{north},16\n")
    files = tuple(tmp_path / f"{name}.csv" for name in "xy")
    _, rows = table(4, RowFiles(4, "two", files), truths={4: read_truth(tmp_path / "set.csv")})
    assert rows["two"].cells == ("0.7500 ± 0.3536", "0.7500 ± 0.3536", "1.0000 ± 0.0000")


def test_settings_of_a_recipe_stand_beside_the_papers(tmp_path):
    recipe = {"samples": ["s"], "output": "o", "base": {"model": "tiny"}, "lora": {"rank": 8}}
    (tmp_path / "r.yaml").write_text(json.dumps(recipe))
    found, rows = table(5, RowFiles(5, "tiny", (tmp_path / "r.yaml",)))
    assert found.columns == ("paper", "tiny (run here)")
    assert rows["LoRA rank *"].cells == ("64", "8")
    assert rows["learning rate"].cells == ("1e-05", "1e-05")
    assert rows["epochs *"].cells == ("5", "1 / 1")
    run = tmp_path / "run"
    run.mkdir()
    (run / "manifest.json").write_text(json.dumps({"kind": "training", "recipe": recipe}))
    assert table(5, RowFiles(5, "tiny", (run,)))[1]["LoRA rank *"].cells == ("64", "8")


def test_speeds_come_from_the_log_of_a_training_run_and_from_predictions(predictions, tmp_path):
    log = tmp_path / "run" / "stages" / "location" / "steps.jsonl"
    log.parent.mkdir(parents=True)
    (tmp_path / "run" / "manifest.json").write_text('{"kind": "training"}')
    log.write_text('{"num_samples": 64, "seconds": 20}\n{"num_samples": 64, "seconds": 44}\n')
    run, answers = RowFiles(6, "run", (tmp_path / "run",)), RowFiles(6, "both", (predictions,))
    _, rows = table(6, run, answers)
    assert rows["run (location)"].cells == ("2", "-", "-", "-")
    assert rows["both"].cells == ("-", "0.625", "-", "-")


@pytest.mark.parametrize("number", [5, 6])
def test_what_is_no_run_and_more_than_one_file_are_named(number, tmp_path):
    with pytest.raises(ValueError, match="is no finished training run"):
        table(number, RowFiles(number, "x", (tmp_path,)))
    with pytest.raises(ValueError, match=f"{number}:x names 2 files"):
        table(number, RowFiles(number, "x", (tmp_path, tmp_path)))


def test_markdown_lines_up_and_ends_with_what_does_not_fit(predictions):
    found = paper_tables(range(1, 7), [RowFiles(1, "ours", (predictions,))], {}, Measuring())
    text = found.as_markdown()
    assert [f"### Table {n}." in text for n in range(1, 7)] == [True] * 6
    grid = [line for line in text.split("### Table 2")[0].splitlines() if line.startswith("|")]
    assert len({len(line) for line in grid}) == 1
    assert text.index("### What does not fit together") > text.index("### Table 6")
    assert json.loads(json.dumps(found.to_json()))["tables"][0]["number"] == 1
