"""Reasons held against drawn scenes: what they name, what is to be seen, what is invented."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from judged_rows import judged, outcomes

from georay.core.images import content_id
from georay.evaluation.faithfulness import Scenes, faithfulness_of, named_things, read_scenes
from georay.streetworld.export.records import SCENES, scene_row, write_folder
from georay.streetworld.words.descriptions import all_things, things_of
from georay.streetworld.words.sentences import clue_rows
from georay.streetworld.world import StreetWorld

WORLD = StreetWorld(3, 256)


def test_the_longest_thing_is_named_at_each_place_and_articles_and_case_do_not_matter():
    text = "A Date palm, a palm and TRAFFIC keeps left; an agave is near, but no oak."
    assert named_things(text) == ["date palm", "palm", "traffic keeps left", "agave"]
    assert named_things("palms and palmtrees, nothing else") == []


def test_every_sentence_about_a_scene_names_the_thing_that_it_was_made_of():
    for index in range(12):
        scene = WORLD.scene(index)
        told = [row["text"] for row in clue_rows(scene) if row["places"]]
        shown = {clue.text for clue in scene.clues}
        assert all(set(named_things(text)) & shown for text in told)


def test_figures_by_hand():
    """Two of four things are to be seen and usual in the answered country; one more is usual."""
    japan = dict(sorted(things_of("JP")))
    usual = [japan["driving side"], japan["utility pole"], japan["warning sign"]]
    strange = "petrol", next(t for _, t in sorted(all_things()) if t not in japan.values())
    scenes = Scenes({"i0": frozenset(usual[:1]), "i1": frozenset(usual[1:2]), "i2": frozenset()})
    rows = [
        {"country": "JP", "reasons": f"I see that {usual[0]}, and {strange[1]}."},
        {"country": "JP", "reasons": f"There is a {usual[1]}. There is a {usual[2]}."},
        {"country": "JP", "reasons": f"It smells of {strange[0]}."},
        {"country": "JP", "reasons": None},
        {
            "image_id": "i9",
            "country": "JP",
            "reasons": f"{usual[0]}, of a picture that is no scene",
        },
    ]
    found = faithfulness_of(judged(rows), outcomes(rows), scenes)
    assert (found.num_reasons, found.num_naming, found.num_named) == (3, 2, 4)
    assert (found.visible.value, found.conventional.value, found.both.value) == (0.5, 0.75, 0.5)
    assert found.grounded.value == 1.0
    assert dict(found.invented) == {strange[1]: 1, usual[2]: 1}


def test_answers_about_no_scene_have_no_figures():
    rows = [{"reasons": "traffic keeps left"}]
    assert faithfulness_of(judged(rows), outcomes(rows), Scenes({})) is None


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    write_folder(WORLD, 6, folder / "files")
    rows = [scene_row(WORLD.scene(index)) for index in range(6)]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCENES), folder / "scenes.parquet")
    return folder


@pytest.mark.parametrize("form", ["files", "scenes.parquet"])
def test_scenes_are_known_by_name_and_by_the_bytes_of_their_picture(drawn, form):
    scenes = read_scenes(drawn / form)
    for index in range(6):
        scene = WORLD.scene(index)
        true = {clue.text for clue in scene.clues if not clue.misleading}
        raw = (drawn / "files" / "images" / f"{scene.name}.jpg").read_bytes()
        assert scenes.shown[scene.name] >= true
        assert scenes.shown[content_id(raw)] == scenes.shown[scene.name]


def test_a_folder_of_something_else_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no scenes of georay streetworld"):
        read_scenes(tmp_path)
    pq.write_table(pa.table({"image_id": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="holds no scenes"):
        read_scenes(tmp_path / "a.parquet")
