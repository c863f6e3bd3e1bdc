import pyarrow as pa
import pytest
from judged_rows import judged

from georay.evaluation.judging import Inputs, judge_file
from georay.evaluation.metrics import Measuring
from georay.evaluation.readings import Difference, compare_readings
from georay.evaluation.sections import as_text

TRUTH = {"true_country": "FR", "true_city": "Lyon", "true_latitude": 45.75, "true_longitude": 4.83}


def compare(ours, **beside):
    table = judged([TRUTH | row for row in ours])
    columns = {
        name: pa.array(values, pa.float64() if name.endswith("tude") else pa.string())
        for name, values in beside.items()
    }
    return {one.part: one for one in compare_readings(table, pa.table(columns))}


def test_countries_are_one_by_code_and_each_kind_of_difference_is_counted():
    ours = [{"country": c} for c in ("FR", "FR", None, None, "IT")]
    beside = ["France", None, "Spain", None, "France"]
    found = compare(ours, country=beside)["country"]
    counts = (found.same, found.only_ours, found.only_beside, found.neither, found.differ)
    assert counts == (1, 1, 1, 1, 1)
    assert (found.ours_right, found.beside_right) == (1, 1)
    assert (found.ours_alone, found.beside_alone) == ((("FR", 1),), (("Spain", 1),))
    assert found.examples[1] == Difference("i2", "nothing", "Spain")


def test_towns_are_one_by_place_and_unknown_ones_by_their_letters():
    ours = [{"country": "FR", "city": c} for c in ("Lyon", "Anytown", "Paris")]
    found = compare(ours, country=["FR"] * 3, city=["Lyons", "anytown", "Nice"])["city"]
    assert (found.same, found.differ, found.ours_right) == (2, 1, 0)


def test_positions_are_one_within_a_kilometre_and_right_within_750():
    near = {"latitude": 45.75, "longitude": 4.83}
    ours = [near, near, {}, {}]
    found = compare(ours, latitude=[45.751, 0, 48, None], longitude=[4.83, 0, 2, None])["position"]
    assert (found.same, found.differ, found.only_beside, found.neither) == (1, 1, 1, 1)
    assert (found.ours_right, found.beside_right) == (1, 1)


@pytest.mark.parametrize("truth_is_apart", [False, True])
def test_a_file_with_raw_answers_and_a_reading_has_both_compared(tmp_path, truth_is_apart):
    from georay.evaluation.inputs.truth import read_truth

    head = "image_name,model_response,predicted_country,label_country\n"
    rows = 'x/0.jpg,"It is Lyon, France.",,France\nx/1.jpg,I cannot tell.,Nowhere,Japan\n'
    (tmp_path / "a.csv").write_text(head + rows)
    (tmp_path / "t.csv").write_text("id,country\n0,FR\n1,JP\n")
    truth = read_truth(tmp_path / "t.csv") if truth_is_apart else None
    inputs = Inputs(truth=truth, raw_column="model_response")
    found = judge_file(tmp_path / "a.csv", inputs, Measuring())
    assert found.evaluation.statuses == {"answered": 1, "refused": 1}
    (reading,) = found.readings
    assert (reading.only_ours, reading.only_beside, reading.ours_right) == (1, 1, 1)
    assert "country, ours alone: FR (1). country, theirs alone: Nowhere (1)." in as_text(found)
    plain = judge_file(tmp_path / "a.csv", Inputs(truth=truth), Measuring())
    assert plain.evaluation.country.num_correct == 0 and plain.readings == ()


EXPECTED = {
    # answered, right countries, countries only ours, only theirs, read differently
    "claude-3-haiku": (599, 369, 0, 0, 0),
    "llama-3.2-90b-vision": (429, 278, 35, 9, 0),
    "llava-v1.6-mistral-7b": (565, 160, 37, 28, 2),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_answers_of_real_models_are_read_beside_an_earlier_reading(name, shared):
    """Theirs alone are no countries ("Any Country", "Europe"); ours alone are mostly prose."""
    path = shared(f"data/model_answers/{name}.csv")
    found = judge_file(path, Inputs(raw_column="model_response"), Measuring())
    country = found.readings[0]
    answered, right, only_ours, only_beside, differ = EXPECTED[name]
    assert found.evaluation.statuses["answered"] == pytest.approx(answered, abs=3)
    assert found.evaluation.country.num_correct == pytest.approx(right, abs=3)
    assert (country.only_ours, country.only_beside) == pytest.approx(
        (only_ours, only_beside), abs=3
    )
    assert country.differ <= differ + 1 and country.ours_right >= country.beside_right
