"""Clue sentences are about what the picture shows and name where that is."""

import pytest

from georay.core.tables import CLUES, conform, rows_to_table
from georay.streetworld.scene import Scene
from georay.streetworld.words.sentences import clue_rows


@pytest.fixture(scope="module")
def rows(scenes: list[Scene]) -> list[dict[str, object]]:
    return [row for scene in scenes for row in clue_rows(scene)]


def test_sentences_fit_the_clues_table(rows: list[dict[str, object]]) -> None:
    table = rows_to_table(rows, CLUES)
    assert conform(table, CLUES, "clues").num_rows == len(rows) > 400
    assert len(set(table["clue_id"].to_pylist())) == len(rows)


def test_a_sentence_speaks_of_a_clue_that_its_image_shows(scenes: list[Scene]) -> None:
    for scene in scenes:
        texts = [clue.text.lower() for clue in scene.clues if not clue.misleading]
        for row in clue_rows(scene):
            if row["country"]:
                text = str(row["text"]).lower().replace(" an ", " a ")
                assert any(t.replace("an ", "a ") in text for t in texts), text


def test_sentences_name_the_place_and_distractors_none(rows: list[dict[str, object]]) -> None:
    told = [row for row in rows if row["country"]]
    distractors = [row for row in rows if not row["country"]]
    assert all(row["places"] for row in told)
    assert 0 < len(distractors) < 0.2 * len(rows)
    assert all(not row["places"] for row in distractors)


def test_misleading_clues_are_never_told() -> None:
    from dataclasses import replace

    from georay.streetworld.canvas.clues import Clue
    from georay.streetworld.world import StreetWorld

    scene = StreetWorld(1, 96).scene(0)
    replica = Clue("landmark", "a replica of a famous clock tower", (0, 0, 9, 9), 99, True)
    rows = list(clue_rows(replace(scene, clues=(replica,))))
    assert not any("replica" in str(row["text"]) for row in rows)


def test_phrasings_are_many(rows: list[dict[str, object]]) -> None:
    about_lines = {str(row["text"]).split()[0] for row in rows if "centre line" in str(row["text"])}
    assert len(about_lines) >= 5
