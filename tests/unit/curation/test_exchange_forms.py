"""What is put around a question for another tool is taken away again, and nothing else."""

import pytest
from exchange_room import picture_bytes
from hypothesis import given
from hypothesis import strategies as st

from georay.curation.exchange.external_rows import ExternalRow, Source, external_row
from georay.curation.exchange.forms import (
    llama_factory_question,
    qwen_question,
    without_pictures,
)

questions = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<>"), min_size=1)


@given(questions)
def test_a_question_is_the_same_after_llama_factory(question):
    assert without_pictures(llama_factory_question(question)) == (question, [])


@given(questions, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<>")))
def test_a_question_and_its_path_are_the_same_after_qwen_vl(question, path):
    assert without_pictures(qwen_question(path, question)) == (question, [path])


@pytest.mark.parametrize(
    "value",
    [
        "<image>\nWhere?",
        "Where?<image>",
        "<img>a.jpg</img>Where?",
        "Picture 1:<img>a.jpg</img>\nWhere?",
    ],
)
def test_other_ways_to_put_a_picture_into_a_question_are_understood(tmp_path, value):
    (tmp_path / "a.jpg").write_bytes(picture_bytes(0, "a.jpg"))
    row = {
        "conversations": [{"from": "user", "value": value}, {"from": "assistant", "value": "Italy"}]
    }
    if "<image>" in value:
        row["images"] = "a.jpg"
    told = external_row(row, "row 1", Source(tmp_path / "rows.json", tmp_path))
    assert isinstance(told, ExternalRow)
    assert (told.question, told.picture) == ("Where?", str(tmp_path / "a.jpg"))
