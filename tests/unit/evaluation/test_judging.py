"""Everything about one file, and several files side by side."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from judged_rows import KM, candidates, judged

from georay.core.tables import PREDICTIONS
from georay.evaluation.inputs.truth import read_truth
from georay.evaluation.judging import Inputs, judge_file
from georay.evaluation.metrics import Measuring, evaluate_file
from georay.evaluation.report.judgement import render_judgements
from georay.evaluation.sections import as_text
from georay.evaluation.side_by_side import judge

VIENNA = {
    "true_country": "AT", "true_city": "Vienna", "true_latitude": 48.2, "true_longitude": 16.37,
}  # fmt: skip


def answer(country, share, north_km=0.0):
    place = {"latitude": 48.2 + north_km * KM, "longitude": 16.37}
    shares = candidates((country, share), ("HU" if country == "AT" else "AT", 1 - share))
    return VIENNA | place | {"country": country, "city": "Vienna", "candidates": shares}


ROWS = [
    answer("AT", 0.9),
    answer("AT", 0.8, 10),
    answer("HU", 0.6, 300),
    VIENNA | {"status": "refused"},
]


@pytest.fixture
def ours(tmp_path):
    path = tmp_path / "ours.parquet"
    pq.write_table(judged(ROWS).select(PREDICTIONS.names), path)
    return path


@pytest.fixture
def theirs(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("img_id,lat,lon,conf,note\ni0,48.2,16.37,0.5,\ni1,-33,151,0.9,x\ni9,0,0,0.1,\n")
    return path


def test_our_own_predictions_have_all_figures_and_those_of_the_paper_unchanged(ours):
    found = judge_file(ours, Inputs(), Measuring())
    assert found.evaluation == evaluate_file(ours)
    assert found.judged_by == "country"
    assert found.calibration.num_answers == 3
    assert found.calibration.expected_error == pytest.approx((0.1 + 0.2 + 0.6) / 3)
    assert found.risk_coverage.aurc == pytest.approx(1 / 9)
    assert [(one.k, one.countries.value) for one in found.top_k] == [(1, 0.5), (2, 0.75)]
    assert found.confusion.wrong[0].answer == "HU"
    assert found.notes == () and found.readings == () and found.faithfulness is None


def test_answers_by_coordinates_are_judged_by_distance_and_by_the_nearest_towns_country(
    theirs, tmp_path
):
    (tmp_path / "truth.csv").write_text("id,lat,lng\ni0,48.2,16.37\ni1,48.2,16.37\ni2,0,10\n")
    inputs = Inputs(truth=read_truth(tmp_path / "truth.csv"), extra="leave out")
    found = judge_file(theirs, inputs, Measuring())
    assert found.evaluation.statuses == {"answered": 2, "missing": 1}
    assert found.evaluation.distances[0].of_all.value == pytest.approx(1 / 3)
    assert found.evaluation.country.num_correct == 1
    assert found.evaluation.source.unused == ("note",)
    assert sum("nearest town" in note for note in found.notes) == 2
    assert found.calibration.num_answers == 2


def test_without_countries_an_answer_within_750_km_is_right(tmp_path):
    (tmp_path / "a.csv").write_text("id,city,lat,lon,conf\ni0,,48.2,16.37,0.9\ni1,,10,10,0.8\n")
    (tmp_path / "t.csv").write_text("id,country,lat,lon\ni0,AT,48,16\ni1,AT,48,16\n")
    found = judge_file(
        tmp_path / "a.csv", Inputs(truth=read_truth(tmp_path / "t.csv")), Measuring()
    )
    assert found.judged_by == "<= 750 km"
    assert found.right.tolist() == [True, False]


def test_answers_by_name_count_as_the_centre_of_their_town(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "id,pred_country,pred_city,country,lat,lon\n1,AT,Wien,AT,48.2,16.37\n2,AT,,AT,48,16\n"
    )
    found = judge_file(path, Inputs(), Measuring())
    assert found.evaluation.num_located == 1
    assert found.evaluation.distances[1].of_all.value == 0.5
    assert found.notes == ("1 answers without coordinates count as the centre of their town.",)


def test_candidates_of_others_are_lists_of_countries(tmp_path):
    rows = [
        {"id": 1, "pred_country": "Chile", "country": "Peru", "candidates": ["Chile", "Peru"]},
        {"id": 2, "pred_country": "Peru", "country": "Peru",
         "candidates": [{"country": "PE", "prob": 0.7}, {"country": "Chile", "prob": 0.3}]},
        {"id": 3, "pred_country": "Peru", "country": "Peru", "candidates": "none"},
        {"id": 4, "pred_country": "Peru", "country": "Peru", "candidates": " "},
    ]  # fmt: skip
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    found = judge_file(path, Inputs(), Measuring())
    assert [one.countries.value for one in found.top_k] == pytest.approx([1 / 4, 2 / 4])
    assert found.calibration.num_answers == 1
    assert "1 cells of candidates are no list of countries." in found.notes


def test_words_that_name_nothing_are_no_answer_and_na_is_namibia(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,pred_country,country\n1,Unknown,FR\n2,NA,NA\n3,N/A,FR\n")
    found = judge_file(path, Inputs(), Measuring())
    assert (found.evaluation.country.num_effective, found.evaluation.country.num_correct) == (1, 1)


def test_a_column_of_models_does_not_make_a_table_ours(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("image_id,model,pred_country,country\n1,gpt,FR,FR\n")
    assert judge_file(path, Inputs(), Measuring()).evaluation.country.num_correct == 1


def test_a_raw_column_that_is_not_there_is_named(ours):
    with pytest.raises(ValueError, match=r"no column is called 'text' .*found: image_id"):
        judge_file(ours, Inputs(raw_column="text"), Measuring())


def test_raw_answers_of_our_own_predictions_can_be_read_anew(tmp_path):
    path = tmp_path / "ours.parquet"
    rows = [VIENNA | {"status": "unparseable", "raw": "This is Graz, Austria."}]
    pq.write_table(judged(rows).select(PREDICTIONS.names), path)
    found = judge_file(path, Inputs(raw_column="raw"), Measuring())
    assert found.evaluation.statuses == {"answered": 1}


def test_text_markdown_json_and_page_tell_the_same(ours, theirs, tmp_path):
    (tmp_path / "truth.csv").write_text(
        "id,lat,lng,country,kind\n" + "".join(f"i{n},48.2,16.37,AT,street\n" for n in range(4))
    )
    inputs = Inputs(truth=read_truth(tmp_path / "truth.csv"), extra="leave out")
    found = judge({"ours": [ours], "theirs": [theirs]}, inputs, Measuring())
    text, markdown, page = found.as_text(), found.as_markdown(), render_judgements(found)
    ece = f"{found.judgements['ours'][0].calibration.expected_error:.4f}"
    difference = f"{found.tests[0].difference.value:+.4f}"
    for told in (text, markdown, page):
        for figure in ("0.5000 [0.150, 0.850]", ece, difference, "1 answers are about images"):
            assert figure in told
    facts = json.loads(json.dumps(found.to_json()))
    assert facts["evaluations"][0]["calibration"]["num_answers"] == 3
    assert facts["evaluations"][1]["breakdowns"][0]["groups"][0]["name"] == "Europe"
    assert facts["pairs"][0]["measure"] == "country"


def test_the_page_is_whole_in_itself_and_escapes_what_others_wrote(tmp_path, ours):
    path = tmp_path / "<b>.csv"
    path.write_text("id,pred_country,country,lat,lon\n1,<i>x</i>,AT,48,16\n2,HU,AT,48,16\n")
    page = render_judgements(judge({"<u>": [path], "ours": [ours]}, Inputs(), Measuring()))
    assert "<b>.csv" not in page and "<u>" not in page
    assert "http" not in page.replace("http-equiv", ""), "it loads nothing from anywhere"
    assert page.count('<path class="land"') == 4, "two maps per file"
    assert 'class="dot right' in page and 'class="arc"' in page
    assert page.count('<rect class="share"') == 3, "a bar per bin that holds answers"


def test_a_file_alone_has_no_pairs(ours):
    found = judge({"ours": [ours]}, Inputs(), Measuring())
    assert found.tests == () and "pairs" not in found.to_json()
    assert as_text(found.all[0]) == found.as_text()


def test_long_tables_are_cut_in_the_terminal_and_whole_elsewhere(tmp_path):
    codes = ["AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "GR", "HU", "IE", "IT", "JP"]
    path = tmp_path / "a.csv"
    path.write_text("id,pred_country,country\n" + "".join(f"{c},{c},{c}\n" for c in codes))
    found = judge({"a": [path]}, Inputs(), Measuring())
    assert "and 4 more" in found.as_text() and "Japan" not in found.as_text()
    assert "| Japan |" in found.as_markdown()


def test_runs_are_averaged_by_distance_too(ours, tmp_path):
    other = tmp_path / "other.parquet"
    pq.write_table(pq.read_table(ours).slice(0, 2), other)
    found = judge({"both": [ours, other], "one": [ours]}, Inputs(), Measuring())
    lines = found.as_text().partition("Distances side by side")[2].splitlines()
    assert lines[2].split() == [
        "system",
        "<=",
        "1",
        "km",
        "<=",
        "25",
        "km",
        "<=",
        "200",
        "km",
        "<=",
        "750",
        "km",
        "<=",
        "2500",
        "km",
        "Geoscore",
    ]
    both = lines[3].split("  ")
    assert both[0].strip() == "both" and "0.7500 ± 0.3536" in lines[3]
    assert "0.5000 [0.150, 0.850]" in lines[4]
    assert found.tests[0].p_value is None


def test_a_table_without_rows_and_a_truth_without_answers_have_no_figures(tmp_path):
    (tmp_path / "a.csv").write_text("id,pred_country,country\n")
    found = judge_file(tmp_path / "a.csv", Inputs(), Measuring())
    assert found.evaluation.num_images == 0
    (tmp_path / "t.csv").write_text("id,country,lat,lon\n1,FR,48,2\n")
    truth = read_truth(tmp_path / "t.csv")
    found = judge_file(tmp_path / "a.csv", Inputs(truth=truth), Measuring())
    assert found.evaluation.statuses == {"missing": 1}
    assert found.evaluation.country.recall.value == 0
    assert render_judgements(judge({"a": [tmp_path / "a.csv"]}, Inputs(), Measuring()))


@pytest.mark.parametrize("cell", [["a"], {"x": [1]}])
def test_ids_that_are_no_names_are_refused_in_a_sentence(tmp_path, cell):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image_id": [cell], "pred_country": ["FR"]}), path)
    with pytest.raises(ValueError, match=r"a\.parquet: (the column 'image_id'|no column names)"):
        judge_file(path, Inputs(), Measuring())


def test_a_page_does_not_grow_with_every_pair_of_countries(tmp_path, monkeypatch):
    monkeypatch.setattr("georay.evaluation.report.judgement._MOST_ROWS", 3)
    path = tmp_path / "a.csv"
    path.write_text(
        "id,pred_country,country\n" + "".join(f"{c},{c},{c}\n" for c in ["AT", "BE", "CH", "DE"])
    )
    page = render_judgements(judge({"a": [path]}, Inputs(), Measuring()))
    assert "and 1 more, which JSON and Markdown have" in page
