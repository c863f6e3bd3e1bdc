"""Reasons held against clues: what they name, what is to be seen, what is invented."""

import json
from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from judged_rows import judged, outcomes

from georay.core.images import content_id
from georay.evaluation.faithfulness import Vocabulary, faithfulness_of
from georay.evaluation.inputs.conventions import read_conventions
from georay.evaluation.inputs.scenes import Scenes, read_scenes
from georay.evaluation.inputs.truth import read_truth
from georay.streetworld.export.records import SCENES, scene_row, write_folder
from georay.streetworld.words.descriptions import all_things
from georay.streetworld.words.sentences import clue_rows
from georay.streetworld.world import StreetWorld

WORLD = StreetWorld(3, 256)
CONVENTIONS = {
    "JP": frozenset({"red kerb", "slim pole", "yellow plate"}),
    "PE": frozenset({"llama"}),
}


def named(vocabulary, text):
    return [[vocabulary.text_of(thing) for thing in told] for told in vocabulary.sentences(text)]


def shares(found, level):
    one = found.at(level)
    return [figure.value for figure in (one.visible, one.conventional, one.both, one.invented)]


def test_the_longest_thing_is_named_at_each_place_and_articles_and_case_do_not_matter():
    vocabulary = Vocabulary(["date palm", "palm", "traffic keeps left", "an agave", "oak tree"])
    assert named(
        vocabulary, "A Date palm, a palm and TRAFFIC keeps left; a agave, but no oak."
    ) == [["date palm", "palm", "traffic keeps left", "an agave"]]
    assert named(vocabulary, "palms and palmtrees, nothing else") == [[]]


def test_sentences_end_where_a_full_stop_ends_them_and_not_within_a_thing_or_a_number():
    vocabulary = Vocabulary(["St. Mary sign", "Bar No. 5 (Irish)", "kerb"])
    text = 'I see a St. Mary sign. About 2.5 m of kerb!  "Nice." Bar No. 5 (Irish)? …'
    assert named(vocabulary, text) == [["St. Mary sign"], ["kerb"], [], ["Bar No. 5 (Irish)"]]
    assert named(vocabulary, " ") == []


def test_figures_by_hand():
    """Of four answers with reasons, one names nothing, one invents, one is of another country."""
    rows = [
        # Two sentences: one is true, one tells of a pole that is not there.
        {"country": "JP", "clues": ["red kerb"], "reasons": "A red kerb. I see a slim pole."},
        # One sentence with two things that are both there; one belongs to another country.
        {"country": "JP", "clues": ["yellow plate", "llama", "red kerb"],
         "reasons": "Behind the yellow plate stands a llama."},
        {"country": "PE", "clues": [], "reasons": "It smells of petrol."},
        {"country": "PE", "clues": ["llama"], "reasons": "This llama! A llama, yes."},
        {"country": "PE", "clues": ["llama"], "reasons": None},
        {"country": "PE", "clues": None, "reasons": "A llama, of which nobody knows."},
    ]  # fmt: skip
    found = faithfulness_of(judged(rows), outcomes(rows), CONVENTIONS)
    assert [(one.number, one.num_naming) for one in found.levels] == [(4, 3), (6, 5), (5, 5)]
    assert shares(found, "answers") == [2 / 4, 2 / 4, 1 / 4, 1 / 4]
    assert shares(found, "sentences") == [4 / 6, 4 / 6, 3 / 6, 1 / 6]
    assert shares(found, "things") == [4 / 5, 4 / 5, 3 / 5, 1 / 5]
    assert found.invented == (("slim pole", 1),)
    visible = found.at("answers").visible
    assert 0.1 < visible.low < 0.5 < visible.high < 0.9


def test_an_answer_without_a_country_or_with_an_unknown_one_is_true_of_none():
    rows = [
        {"country": None, "clues": ["llama"], "reasons": "A llama."},
        {"country": "FR", "clues": ["llama"], "reasons": "A llama."},
    ]
    found = faithfulness_of(judged(rows), outcomes(rows), CONVENTIONS)
    assert shares(found, "answers") == [1.0, 0.0, 0.0, 0.0]


def test_without_conventions_only_what_is_seen_is_told():
    rows = [{"country": "PE", "clues": ["llama"], "reasons": "A llama."}]
    found = faithfulness_of(judged(rows), outcomes(rows), None)
    assert shares(found, "answers") == [1.0, None, None, 0.0]


def test_answers_about_pictures_whose_clues_nobody_knows_have_no_figures():
    rows = [{"country": "PE", "reasons": "A llama."}]
    assert faithfulness_of(judged(rows), outcomes(rows), CONVENTIONS) is None


def test_clues_are_a_column_of_a_truth_as_lists_or_as_json_and_other_cells_are_counted(tmp_path):
    (tmp_path / "t.csv").write_text(
        'id;country;clues\n1;PE;["llama"]\n2;PE;[{"text": "kerb", "kind": "x"}]\n3;PE;\n4;PE;kerb\n'
    )
    truth = read_truth(tmp_path / "t.csv")
    assert truth.table.column("clues").to_pylist() == [["llama"], ["kerb"], None, None]
    assert truth.notes == ("1 cells of clues are no list of texts.",)
    table = pa.table({"id": ["1"], "country": ["PE"], "clues": [["llama", "kerb"]]})
    pq.write_table(table, tmp_path / "t.parquet")
    (clues,) = read_truth(tmp_path / "t.parquet").table.column("clues").to_pylist()
    assert clues == ["llama", "kerb"]


def test_conventions_are_a_table_of_countries_and_texts(tmp_path):
    (tmp_path / "c.csv").write_text("Country,Text\nPeru,llama\nPE,a puma\nJapan,red kerb\n")
    assert read_conventions(tmp_path / "c.csv") == {"PE": {"llama", "a puma"}, "JP": {"red kerb"}}
    rows = [{"country": "Peru", "conventions": ["llama", "a puma"]}]
    (tmp_path / "c.json").write_text(json.dumps(rows))
    assert read_conventions(tmp_path / "c.json") == {"PE": {"llama", "a puma"}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("country,other\nPeru,llama\n", "no column is called 'text'"),
        ("country,text\nPeru,llama\nAtlantis,llama\n", "row 2: 'Atlantis' is no country"),
    ],
)
def test_conventions_that_cannot_be_read_are_named(tmp_path, text, problem):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(ValueError, match=problem):
        read_conventions(tmp_path / "c.csv")


def test_every_sentence_about_a_scene_names_the_thing_that_it_was_made_of():
    vocabulary = Vocabulary(text for _, text in all_things())
    for index in range(12):
        scene = WORLD.scene(index)
        told = [row["text"] for row in clue_rows(scene) if row["places"]]
        shown = {clue.text for clue in scene.clues}
        assert all(set(chain.from_iterable(named(vocabulary, text))) & shown for text in told)


def test_the_sentences_of_a_scene_are_true_of_it_and_of_its_country_and_of_no_other():
    scenes = [WORLD.scene(index) for index in range(12)]
    told = [(one, row["text"]) for one in scenes for row in clue_rows(one) if row["places"]]
    rows = [
        {"country": one.country, "clues": [clue.text for clue in one.clues], "reasons": text}
        for one, text in told
    ]
    found = faithfulness_of(judged(rows), outcomes(rows), Scenes({}).conventions)
    assert shares(found, "answers") == [1.0, 1.0, 1.0, 0.0]


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
        raw = (drawn / "files" / "images" / f"{scene.name}.jpg").read_bytes()
        assert scenes.shown[scene.name] >= {clue.text for clue in scene.clues}
        assert scenes.shown[content_id(raw)] == scenes.shown[scene.name]


def test_the_labels_of_drawn_scenes_are_a_truth_with_their_clues(drawn):
    truth = read_truth(drawn / "files" / "labels.csv")
    clues = truth.table.column("clues").to_pylist()
    assert clues == [[clue.text for clue in WORLD.scene(index).clues] for index in range(6)]


def test_a_foreign_sign_may_be_named_with_its_language(tmp_path):
    clues = json.dumps([{"kind": "script", "text": "寿司 (foreign)", "misleading": True}])
    table = pa.table({"image_id": ["a"], "image": [b"x"], "clues": [clues]})
    pq.write_table(table, tmp_path / "a.parquet")
    signs = {text for kind, text in all_things() if kind == "script" and text.startswith("寿司 (")}
    assert read_scenes(tmp_path / "a.parquet").shown["a"] == {"寿司 (foreign)", *signs}


def test_a_folder_of_something_else_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no scenes of georay streetworld"):
        read_scenes(tmp_path)
    pq.write_table(pa.table({"image_id": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="holds no scenes"):
        read_scenes(tmp_path / "a.parquet")
