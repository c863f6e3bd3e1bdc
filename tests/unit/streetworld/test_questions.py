"""Questions about drawn scenes: true, balanced, and silent about where a scene is."""

import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from georay.core.gazetteer import Gazetteer
from georay.locatability.labels import LABEL_INDEX
from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.canvas.lettering import script_of
from georay.streetworld.scene import Scene
from georay.streetworld.words.questions import QUESTION_KINDS, Pair, balanced, questions_of
from georay.streetworld.words.questions_facts import layout, num_groups
from georay.streetworld.words.questions_places import names_place, sign_names_place
from georay.streetworld.world import StreetWorld

ATLAS = Atlas.load()

NUM_SCENES = 260
DEMONYMS = (
    "British|English|Scottish|Irish|French|German|Spanish|Portuguese|Italian|Greek|Swedish|Polish|"
    "Russian|Bulgarian|Turkish|Israeli|Emirati|Egyptian|South African|Indian|Thai|Japanese|Korean|"
    "Chinese|Australian|American|Canadian|Mexican|Brazilian|Argentine|Argentinian|Parisian|Roman|"
    "European|Asian|African|Arab|Dutch|Danish|Norwegian|Finnish|Hebrew"
)


@pytest.fixture(scope="module")
def asked() -> list[tuple[Scene, tuple[Pair, ...]]]:
    world = StreetWorld(77, 224)
    scenes = (world.scene(index) for index in range(NUM_SCENES))
    return [(scene, questions_of(scene)) for scene in scenes]


@pytest.fixture(scope="module")
def pairs(asked) -> list[Pair]:
    return [pair for _, pairs in asked for pair in pairs]


def every_place() -> list[str]:
    """All countries of the gazetteer; StreetWorld's cities and districts as they are written."""
    gazetteer = Gazetteer.load()
    names = [gazetteer.country_name(code) for code in gazetteer.countries()]
    names += [country.name for country in ATLAS.countries]
    for _, city in ATLAS.places:
        names += [city.name, *city.districts]
    return names


def test_no_question_and_no_answer_names_a_country_a_city_or_a_people(pairs):
    assert len(pairs) > 5000
    places = "|".join(re.escape(name) for name in sorted(set(every_place()), key=len, reverse=True))
    named = re.compile(rf"\b(?:{places}|{DEMONYMS})\b")
    texts = {text for pair in pairs for text in (pair.question, pair.answer)}
    assert [text for text in texts if named.search(text)] == []
    gazetteer = Gazetteer.load()
    plain = {"pole", "iron", "kana"}  # a people, Iran and Ghana in some language
    words = {word for text in texts for word in re.findall(r"\w{4,}", text)} - plain
    assert [word for word in words if gazetteer.country(word)] == []


@pytest.mark.parametrize(
    "text",
    [
        "the Germany flag",
        "Café de Paris",
        "Parisian-style cornices",
        "thai letters",
        "a Greek sign",
        "中国银行",
        "北京饭店",
        "to the United Kingdom",
        "São Paulo",
        "Πλάκα",
        "Trattoria Roma",
    ],
)
def test_texts_that_name_a_place_are_found(text):
    assert sign_names_place(text)


def test_plain_words_and_words_on_signs_are_not_taken_for_places():
    for text in ("utility pole with a crossarm", "iron balconies", "a light blue bus and a taxi"):
        assert not names_place(text)
    words = [word for country in ATLAS.countries for word in country.signs.shops]
    assert sum(map(sign_names_place, words)) < 0.1 * len(words)


def test_the_same_scene_gives_the_same_questions(asked):
    scene, pairs = asked[3]
    assert questions_of(StreetWorld(77, 224).scene(scene.index)) == pairs


def test_every_kind_is_asked_and_signs_in_several_scripts_are_read(pairs):
    assert {pair.kind for pair in pairs} == set(QUESTION_KINDS)
    signs = {pair.answer for pair in pairs if pair.kind == "sign"}
    assert len({script_of(words) for words in signs}) >= 5
    known = {word for country in ATLAS.countries for word in country.signs.shops}
    assert signs <= known


def test_after_balancing_no_answer_takes_over_a_topic(pairs):
    kept = balanced([p.topic for p in pairs], [p.answer for p in pairs], 0.6, seed=0)
    assert 0.6 * len(pairs) < len(kept) < len(pairs)
    assert kept == sorted(kept)
    tallies: dict[str, Counter[str]] = defaultdict(Counter)
    for row in kept:
        tallies[pairs[row].topic][pairs[row].answer] += 1
    assert len(tallies) > 40
    for topic, tally in tallies.items():
        assert tally.most_common(1)[0][1] <= 0.7 * tally.total(), topic


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), max_size=60),
    st.floats(0.5, 0.95),
)
def test_balancing_holds_its_bound_and_drops_only_the_commonest_answer(rows, most):
    topics, answers = [row[0] for row in rows], [row[1] for row in rows]
    kept = balanced(topics, answers, most, seed=1)
    for topic in set(topics):
        before = Counter(a for t, a in rows if t == topic)
        after = Counter(rows[row][1] for row in kept if rows[row][0] == topic)
        assert max(after.values(), default=0) <= most * after.total() + 1e-6
        fewer = [answer for answer in before if after[answer] < before[answer]]
        assert len(fewer) <= 1
        assert all(before[answer] == max(before.values()) for answer in fewer)


def test_a_bound_below_a_half_is_refused():
    with pytest.raises(ValueError, match="largest share"):
        balanced(["a"], ["x"], 0.4, seed=0)


def test_colours_are_those_of_the_table(asked):
    seen = 0
    for scene, pairs in asked:
        country = ATLAS.by_code[scene.country]
        city = next(city for city in country.cities if city.name == scene.city)
        truth = {
            "colour of centre line": country.lines.centre,
            "colour of roof of the houses": country.buildings.roof,
            "colour of taxi": city.taxi[0],
            "colour of direction sign": country.signs.guide,
        }
        answers = {pair.topic: pair.answer for pair in pairs}
        for topic in truth.keys() & answers.keys():
            assert answers[topic] == truth[topic]
            seen += 1
    assert seen > 200


def test_sides_and_presence_are_those_of_the_clues(asked):
    sides = 0
    for scene, pairs in asked:
        answers = {pair.topic: pair.answer for pair in pairs}
        kinds = {clue.kind for clue in scene.clues if not clue.misleading}
        if "side of traffic" in answers:
            assert answers["side of traffic"] == ATLAS.by_code[scene.country].side
        if "presence of a taxi" in answers:
            assert answers["presence of a taxi"] == ("yes" if "taxi" in kinds else "no")
        if "presence of the sea" in answers:
            there = bool((scene.mask == LABEL_INDEX["sea"]).any())
            assert answers["presence of the sea"] == ("yes" if there else "no")
        if "side of taxi" in answers:
            boxes = [clue.box for clue in scene.clues if clue.kind == "taxi"]
            middle = scene.mask.shape[1] / 2
            left = all((box[0] + box[2]) / 2 < middle for box in boxes)
            assert answers["side of taxi"] == ("left" if left else "right")
            sides += 1
    assert sides > 5


def test_counting_takes_what_touches_as_one_and_leaves_out_specks():
    mask = np.zeros((300, 300), np.uint8)
    person, pole = LABEL_INDEX["person"], LABEL_INDEX["pole"]
    assert num_groups(mask, ("person",)) == 0
    mask[100:140, 20:40] = person
    mask[100:140, 100:120] = person
    mask[0, 299] = person
    assert num_groups(mask, ("person",)) == 2
    mask[90:200, 28:31] = pole  # a pole in front does not make two of one
    assert num_groups(mask, ("person",)) == 2
    assert num_groups(mask, ("pole",)) == 1


def test_the_layout_tells_what_covers_each_cell():
    mask = np.full((8, 8), LABEL_INDEX["sky"], np.uint8)
    mask[4:] = LABEL_INDEX["road"]
    mask[4:6, 6:] = LABEL_INDEX["car"]
    sky, road = "sky, sky, sky, sky", "road, road, road, road"
    assert layout(mask) == f"{sky}; {sky}; road, road, road, car; {road}"
