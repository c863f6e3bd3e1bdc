"""Answers that other programs wrote down."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from georay.evaluation.metrics import evaluate_file
from georay.evaluation.others_answers import read_answers

HEAD = "filename,pred_country,pred_lat,pred_lng,country,lat,lon,annotator\n"
ROWS = "a.jpg,France,48.85,2.35,FR,48.86,2.35,me\nb.jpg, ,,,Japan,35.68,139.69,me\n"


def test_predictions_and_truth_are_known_by_the_names_people_use(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text(HEAD + ROWS)
    found = evaluate_file(path)
    assert found.statuses == {"answered": 1, "unparseable": 1}
    assert (found.country.num_images, found.country.num_correct) == (2, 1)
    assert (found.num_placed, found.num_located) == (2, 1)
    assert "columns not used: annotator" in found.as_text()


@pytest.mark.parametrize(
    ("names", "field"),
    [
        (("predicted_city", "label_city"), "city"),
        (("city", "true_city"), "city"),
        (("country_pred", "gt_country"), "country"),
        (("guess_longitude", "longitude"), "longitude"),
        (("Pred Lat", "Label Lat"), "latitude"),
    ],
)
def test_an_answer_and_its_truth_are_told_apart(tmp_path, names, field):
    path = tmp_path / "theirs.parquet"
    values = (["Lyon"], ["Nice"]) if field in {"city", "country"} else ([1.0], [2.0])
    pq.write_table(pa.table({"img_id": [7], names[0]: values[0], names[1]: values[1]}), path)
    (row,) = read_answers(path).table.to_pylist()
    assert (row["image_id"], row[field], row[f"true_{field}"]) == ("7", values[0][0], values[1][0])


def test_raw_texts_are_read_where_no_column_holds_an_answer(tmp_path):
    path = tmp_path / "theirs.csv"
    texts = '1,"It is Lyon,\nFrance.",France\n2,I cannot tell where this is.,Japan\n'
    path.write_text("id,model_response,label_country\n" + texts)
    found = evaluate_file(path)
    assert found.statuses == {"answered": 1, "refused": 1}
    assert found.country.num_correct == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("pred_country\nFrance\n", "no column names the images"),
        ("id,country\n1,France\n", "no column holds an answer"),
        ("id,Pred_Lat,pred lat\n1,2,3\n", "two columns are called"),
        ("id,pred_lat\n1,north\n", "the column for latitude cannot be read"),
    ],
)
def test_a_table_that_cannot_be_read_says_what_to_change(tmp_path, content, told):
    path = tmp_path / "theirs.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=told):
        read_answers(path)


@pytest.mark.parametrize("name", ["claude-3-haiku", "llava-v1.6-mistral-7b"])
def test_answers_of_real_models_are_measured(name, shared):
    found = evaluate_file(shared(f"data/model_answers/{name}.csv"))
    assert found.num_images == 600
    assert found.country.num_correct > 100
