"""Answers and truth from two places: who belongs to whom, and what becomes of the rest."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from judged_rows import judged
from PIL import Image

from georay.core.images import content_id
from georay.core.tables import JUDGED
from georay.evaluation.inputs.joining import join
from georay.evaluation.inputs.truth import read_truth


def truth_of(tmp_path, text, name="truth.csv"):
    (tmp_path / name).write_text(text)
    return read_truth(tmp_path / name)


def joined(answers, truth, extra="refuse"):
    return join(judged(answers), truth, extra, "answers.csv")


def photograph(path, latitude=None):
    """A small picture, with its place in EXIF where one is given."""
    picture, exif = Image.new("RGB", (8, 8), (len(path.name), 9, 9)), Image.Exif()
    if latitude is not None:
        exif.get_ifd(0x8825).update({1: "N", 2: (latitude, 0.0, 0.0), 3: "E", 4: (16.0, 30.0, 0.0)})
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, "JPEG", exif=exif)


def test_a_missing_answer_counts_as_unanswered_and_rows_go_as_the_truth_goes(tmp_path):
    truth = truth_of(tmp_path, "id,country,city\nb,FR,Lyon\na,IT,Rome\nc,ES,\n")
    found = joined([{"image_id": "a", "country": "IT"}, {"image_id": "b", "country": "FR"}], truth)
    rows = found.table.to_pylist()
    assert [(r["image_id"], r["status"], r["country"], r["true_country"]) for r in rows] == [
        ("b", "answered", "FR", "FR"), ("a", "answered", "IT", "IT"), ("c", "missing", None, "ES"),
    ]  # fmt: skip
    assert found.table.schema == JUDGED and found.notes == ()


def test_answers_about_other_images_are_refused_unless_they_may_be_left_out(tmp_path):
    truth = truth_of(tmp_path, "id,country\na,IT\n")
    answers = [{"image_id": "a", "country": "IT"}, {"image_id": "z", "country": "FR"}]
    with pytest.raises(
        ValueError, match=r"answers 1 images that truth.csv does not have.*'z'.*--allow"
    ):
        joined(answers, truth)
    found = joined(answers, truth, extra="leave out")
    assert found.table.num_rows == 1
    assert "1 answers are about images that truth.csv does not have" in found.notes[0]


def test_no_common_image_is_an_error_even_where_more_may_be_left_out(tmp_path):
    truth = truth_of(tmp_path, "id,country\na,IT\n")
    with pytest.raises(ValueError, match=r"no image of answers.csv is in truth.csv: .*'z'.*'a'"):
        joined([{"image_id": "z"}], truth, extra="leave out")


def test_an_image_answered_twice_is_refused(tmp_path):
    truth = truth_of(tmp_path, "id,country\na,IT\n")
    with pytest.raises(ValueError, match="more than once, such as 'a'"):
        joined([{"image_id": "a"}, {"image_id": "a"}], truth)


def test_names_of_one_file_are_one_image_where_no_other_could_be_meant(tmp_path):
    truth = truth_of(
        tmp_path, "id,country\nphotos/one.jpg,IT\ntwo.png,FR\nx/three.jpg,ES\ny/three.jpg,PT\n"
    )
    answers = [{"image_id": "C:\\data\\one.jpg"}, {"image_id": "two"}]
    found = joined(answers, truth)
    assert [row["status"] for row in found.table.to_pylist()] == ["answered"] * 2 + ["missing"] * 2
    assert "1 ids are matched by the names of files alone" in found.notes[0]
    assert "1 ids are matched by names without their endings: 'two' is 'two.png'" in found.notes[1]
    with pytest.raises(ValueError, match="no image"):
        joined([{"image_id": "three.jpg"}], truth)


def test_the_truth_replaces_what_it_knows_and_names_what_it_does_not_use(tmp_path):
    truth = truth_of(tmp_path, "id,country,heading\na,IT,90\n")
    own = {"image_id": "a", "true_country": "FR", "true_city": "Lyon"}
    found = joined([own], truth)
    (row,) = found.table.to_pylist()
    assert (row["true_country"], row["true_city"]) == ("IT", "Lyon")
    assert found.notes == ("Columns of truth.csv not used: heading.",)


def test_rows_that_agree_are_one_picture_and_rows_that_do_not_are_refused(tmp_path):
    assert truth_of(tmp_path, "id,country\na,IT\na,IT\n").table.num_rows == 1
    with pytest.raises(ValueError, match="image 'a' has two truths"):
        truth_of(tmp_path, "id,country\na,IT\na,FR\n")


def test_scores_of_a_curation_are_a_truth_with_locatability(tmp_path):
    table = {"image_id": ["a"], "uri": ["a.jpg"], "country": ["IT"], "locatability": [0.5]}
    pq.write_table(pa.table(table), tmp_path / "part-0.parquet")
    (row,) = read_truth(tmp_path).table.to_pylist()
    assert row == {"image_id": "a", "true_country": "IT", "locatability": 0.5}


def test_coordinates_alone_give_the_country_of_the_nearest_town(tmp_path):
    truth = truth_of(tmp_path, "image_id,latitude,longitude\na,48.86,2.35\nb,,\nc,95,0\n")
    assert truth.table.column("true_country").to_pylist() == ["FR", None, None]
    assert any("nearest town" in note for note in truth.notes)
    assert any("'95' in row 3 is no latitude" in note for note in truth.notes)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lat,lon\n1,2\n", "no column names the images"),
        ("id,heading\na,2\n", "no column says where a picture was taken"),
        ("id,country\n,FR\n", "row 1 has no id"),
    ],
)
def test_a_truth_that_says_nothing_is_named(tmp_path, text, told):
    with pytest.raises(ValueError, match=rf"truth.csv: {told}"):
        truth_of(tmp_path, text)


def test_photographs_say_themselves_where_they_were_taken(tmp_path):
    photograph(tmp_path / "one.jpg", 48.0)
    photograph(tmp_path / "deep" / "two.jpg", 47.0)
    photograph(tmp_path / "three.jpg")
    (tmp_path / "notes.txt").write_text("no picture")
    truth = read_truth(tmp_path)
    places = {r["image_id"]: r["true_latitude"] for r in truth.table.to_pylist()}
    assert places == {"deep/two.jpg": 47.0, "one.jpg": 48.0, "three.jpg": None}
    assert truth.table.column("true_longitude").to_pylist()[0] == 16.5
    assert truth.notes[:2] == (
        "1 pictures do not say where they were taken.",
        "1 files are no pictures, such as notes.txt.",
    )


def test_predictions_of_ours_are_joined_by_the_bytes_of_the_picture(tmp_path):
    photograph(tmp_path / "one.jpg", 48.0)
    photograph(tmp_path / "another.jpg", 47.0)
    ids = [content_id((tmp_path / name).read_bytes()) for name in ("one.jpg", "another.jpg")]
    view = f"{ids[1]}-90"
    for truth in (
        read_truth(tmp_path),
        truth_of(tmp_path, "file,country\none.jpg,AT\nanother.jpg,HU\n"),
    ):
        found = joined([{"image_id": ids[0]}, {"image_id": view}], truth)
        assert set(found.table.column("status").to_pylist()) == {"answered"}


def test_a_list_may_name_files_beside_its_ids(tmp_path):
    photograph(tmp_path / "images" / "one.jpg")
    truth = truth_of(tmp_path, "image_id,file,country,note\nid1,images/one.jpg,AT,x\n")
    assert truth.unused == ("note",)
    ours = content_id((tmp_path / "images" / "one.jpg").read_bytes())
    for one in ("id1", ours):
        assert joined([{"image_id": one}], truth).table.column("status").to_pylist() == ["answered"]


def test_real_photographs_are_known_by_their_bytes(shared):
    labels = shared("data/street_photos/labels.csv")
    truth = read_truth(labels)
    photographs = sorted((labels.parent / "images").iterdir())[:5]
    found = joined([{"image_id": content_id(one.read_bytes())} for one in photographs], truth)
    assert found.table.column("status").to_pylist().count("answered") == 5


def test_a_folder_without_a_single_place_points_to_its_list(tmp_path):
    photograph(tmp_path / "one.jpg")
    (tmp_path / "labels.csv").write_text("file,country\none.jpg,AT\n")
    with pytest.raises(ValueError, match=r"none of 1 pictures .* give its list labels.csv instead"):
        read_truth(tmp_path)


def test_a_picture_that_cannot_be_read_costs_itself_alone(tmp_path):
    photograph(tmp_path / "one.jpg", 48.0)
    whole = io.BytesIO()
    Image.new("RGB", (8, 8)).save(whole, "PNG")
    (tmp_path / "cut.png").write_bytes(whole.getvalue()[:12])
    truth = read_truth(tmp_path)
    assert truth.table.num_rows == 2
    assert truth.notes[0] == "1 pictures do not say where they were taken."


def test_a_truth_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read the truth from .*gone\.csv"):
        read_truth(tmp_path / "gone.csv")


@pytest.mark.parametrize("name", ["im2gps.csv", "im2gps3k.csv"])
def test_published_lists_of_test_sets_are_answers_and_truth_alike(shared, name):
    from georay.evaluation.judging import Inputs, judge_file
    from georay.evaluation.metrics import Measuring

    path = shared(f"data/im2gps/{name}")
    found = judge_file(path, Inputs(truth=read_truth(path)), Measuring())
    assert found.evaluation.num_located == found.evaluation.num_images > 200
    assert [one.of_all.value for one in found.evaluation.distances] == [1.0] * 5
    assert {one.by for one in found.breakdowns} == {"continent", "country", "kind"}
