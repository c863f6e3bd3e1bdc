"""What the report and the summary of located pictures say of answers that are not to be trusted."""

import csv
import io

import pytest

from georay.config.load import laid_over
from georay.config.locate import LocateRecipe
from georay.core.tables import LOCATED, rows_to_table
from georay.flow.collection.files import as_csv
from georay.flow.collection.report import render_locations
from georay.flow.collection.summary import summarize

FAMILIAR = [("sure.jpg", 0.91, "sure"), ("unsure.jpg", 0.32, "unsure")]
FOREIGN = [("photograph.jpg", 0.99, "unfamiliar")]
UNCALIBRATED = [("new.jpg", 0.77, None)]


@pytest.fixture
def located(tmp_path):
    """The table, the summary and the page of rows of (file, confidence, sureness)."""

    def build(rows, model="tiny"):
        found = [
            {
                "uri": f"/nowhere/{name}",
                "status": "answered",
                "country": "FR",
                "country_name": "France",
                "confidence": confidence,
                "sureness": sureness,
            }
            for name, confidence, sureness in rows
        ]
        table = rows_to_table(found, LOCATED)
        recipe = laid_over(
            None, LocateRecipe, {"inputs": ["photos"], "output": tmp_path, "model": model}
        )
        summary = summarize(tmp_path, table, len(rows), False, recipe, ())
        return table, summary, render_locations(table, recipe, summary)

    return build


def test_a_confidence_that_nothing_was_fitted_for_is_called_uncalibrated(located):
    for rows, is_said in ((FAMILIAR, False), (UNCALIBRATED, True)):
        _, _, page = located(rows)
        assert ("%, uncalibrated</b>" in page) == is_said
    assert ">91%</b>" in located(FAMILIAR)[2] and ">not sure, 32%</b>" in located(FAMILIAR)[2]


def test_a_picture_unlike_the_known_ones_is_last_however_sure_the_model(located):
    _, summary, page = located(FOREIGN + FAMILIAR)
    assert (summary.num_unsure, summary.num_unfamiliar) == (1, 1)
    order = [page.index(f"{name}.jpg") for name in ("sure", "unsure", "photograph")]
    assert order == sorted(order)
    assert "99%" not in page and ">not sure: unlike what the model knows</b>" in page
    assert "1 of the pictures are not like those that the model knows, so" in page


def test_page_and_summary_say_what_the_model_knows_and_which_to_take_for_photographs(located):
    _, summary, page = located(FOREIGN)
    for said in (page, summary.as_text()):
        assert "knows drawn streets only" in said and "Qwen/Qwen3-VL-2B-Instruct" in said
    _, other, page = located(FOREIGN, "Qwen/Qwen2.5-VL-7B-Instruct")
    assert "drawn streets" not in page and "drawn streets" not in other.as_text()
    assert "1 of the pictures are not like" in other.as_text()


def test_the_csv_says_whether_an_answer_is_sure(located):
    table, _, _ = located(FAMILIAR + FOREIGN + UNCALIBRATED)
    found = list(csv.DictReader(io.StringIO(as_csv(table))))
    assert [row["sureness"] for row in found] == ["sure", "unsure", "unfamiliar", ""]
