"""The page with models side by side: its figures are the comparison's, its pictures the test's."""

import base64
import html
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from georay.core.tables import PREDICTIONS, rows_to_table
from georay.evaluation.datasets import KnownPicture
from georay.evaluation.metrics import evaluate_file
from georay.evaluation.report import ComparisonPage, pictures_with_answers, render_comparison
from georay.evaluation.report.answers import ModelAnswer
from georay.evaluation.tables import compare

ANSWERS = {
    "base": [("unparseable", None, None), ("answered", "IT", "Rome"), ("answered", "FR", "Paris")],
    "both": [("answered", "FR", "Lyon"), ("answered", "FR", "Paris"), ("answered", "FR", "Lyons")],
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    found = []
    for number in range(3):
        path = folder / f"{number}.jpg"
        Image.new("RGB", (80, 40), (60 * number, 90, 120)).save(path)
        found.append(KnownPicture(f"i{number}", str(path), "FR", "Lyon", None, None))
    return found


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predictions")
    for label, answers in ANSWERS.items():
        rows = [
            {"image_id": f"i{n}", "model": "<b>m</b>", "status": status}
            | {"country": country, "city": city, "true_country": "FR", "true_city": "Lyon"}
            for n, (status, country, city) in enumerate(answers)
        ]
        pq.write_table(rows_to_table(rows, PREDICTIONS), folder / f"{label}.parquet")
    return {label: folder / f"{label}.parquet" for label in ANSWERS}


@pytest.fixture(scope="module")
def comparison(files):
    return compare("t", {label: [evaluate_file(path)] for label, path in files.items()})


def test_each_picture_has_every_models_answer_and_how_much_of_it_is_right(pictures, files):
    shown = pictures_with_answers(pictures, files, 3)
    assert [one.truth for one in shown] == ["Lyon, France"] * 3
    outcome = [[(a.country_is_right, a.city_is_right) for a in one.answers] for one in shown]
    assert outcome == [
        [(False, False), (True, True)],
        [(False, False), (True, False)],
        [(True, False), (True, True)],
    ]
    assert shown[0].answers[0].text == "no place (unparseable)"
    assert shown[0].image.startswith("data:image/jpeg;base64,")
    assert len(pictures_with_answers(pictures, files, 2)) == 2
    assert pictures_with_answers(pictures, {}, 9), "no model hides a picture"


def test_the_page_holds_the_figures_the_answers_and_the_files(pictures, files, comparison):
    page = render_comparison(
        ComparisonPage(
            title="<i>Both</i> stages",
            lead="Two models.",
            comparison=comparison,
            pictures=pictures_with_answers(pictures, files, 3),
            links=[("curation", "curation/report.html")],
            notes=["Tiny."],
        )
    )
    assert "<i>" not in page.partition("<title>")[2].partition("</title>")[0]
    text = html.unescape(page)
    for label, country in (("base", "0.500"), ("both", "1.000")):
        row = text.partition(f'<th scope="row">{label}</th>')[2]
        assert row.partition("<td>")[2].startswith(country)
    assert text.count("<figure>") == 3
    assert text.count("✓✓") == 2 + 1, "two answers and the legend"
    assert 'href="curation/report.html"' in page
    for row in comparison.rows:
        assert row.evaluations[0].source.sha256 in page


def opened(answered):
    raw = base64.b64decode(answered.image.partition(",")[2], validate=True)
    return Image.open(io.BytesIO(raw))


def test_answers_are_told_by_label_place_and_error(pictures, tmp_path):
    answers = [
        {"status": "answered", "country": "DE", "city": "Ulm"},
        {"status": "answered", "country": None, "city": "Lyon"},
        {"status": "failed", "error": "the file has zero bytes", "country": "FR", "city": "Lyon"},
    ]
    rows = [{"image_id": f"i{n}", "model": "m"} | answer for n, answer in enumerate(answers)]
    pq.write_table(rows_to_table(rows, PREDICTIONS), tmp_path / "p.parquet")
    shown = pictures_with_answers(pictures, {"m": tmp_path / "p.parquet"}, 3)
    assert [one.answers for one in shown] == [
        (ModelAnswer("m", "Ulm, Germany", False, False),),
        (ModelAnswer("m", "Lyon", False, True),),
        (ModelAnswer("m", "the file has zero bytes", False, False),),
    ]


def test_pictures_are_chosen_evenly_and_shown_small(tmp_path):
    many = []
    for number in range(7):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (1000, 500), (30 * number, 0, 0)).save(path)
        many.append(KnownPicture(f"i{number}", str(path), "FR", None, None, None))
    shown = pictures_with_answers(many, {}, 3)
    reds = [opened(one).getpixel((9, 9))[0] for one in shown]
    assert reds == pytest.approx([0, 60, 120], abs=4)
    assert {opened(one).size for one in shown} == {(420, 210)}
    assert [one.truth for one in shown] == ["France"] * 3
    assert len(pictures_with_answers(many, {}, 1)) == 1
    assert pictures_with_answers(many, {}, 0) == []
    assert len(pictures_with_answers(many, {}, 99)) == 7


def test_a_picture_that_one_model_was_not_asked_about_is_not_shown(pictures, files, tmp_path):
    pq.write_table(pq.read_table(files["base"]).slice(1), tmp_path / "fewer.parquet")
    shown = pictures_with_answers(pictures, files | {"fewer": tmp_path / "fewer.parquet"}, 9)
    assert len(shown) == 2
    assert [answer.label for answer in shown[0].answers] == ["base", "both", "fewer"]


def test_a_table_of_something_else_is_named(pictures, tmp_path):
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"image_id": ["i0"]}), path)
    with pytest.raises(ValueError, match=f"table '{path}' has no column"):
        pictures_with_answers(pictures, {"m": path}, 1)


def test_the_page_carries_its_style_with_it(comparison):
    page = render_comparison(ComparisonPage(title="t", lead="l", comparison=comparison))
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert style.count("{") == style.count("}") > 5
    assert "&#" not in style, "escaped, a style sheet is none"
