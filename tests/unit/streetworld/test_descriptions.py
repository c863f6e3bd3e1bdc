from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.words.descriptions import all_things, things_of
from georay.streetworld.world import StreetWorld

ATLAS = Atlas.load()


def test_every_true_clue_of_a_scene_is_among_the_things_of_its_country():
    world = StreetWorld(11, 128)
    for index in range(60):
        scene = world.scene(index)
        true = {(clue.kind, clue.text) for clue in scene.clues if not clue.misleading}
        assert true <= things_of(scene.country)


def test_misleading_things_belong_to_no_country():
    world = StreetWorld(11, 128)
    clues = [clue for index in range(60) for clue in world.scene(index).clues if clue.misleading]
    assert clues and not {(clue.kind, clue.text) for clue in clues} & all_things()


def test_countries_differ_and_one_that_is_not_drawn_shows_nothing():
    assert things_of("XX") == frozenset()
    assert len({things_of(code) for code in ATLAS.by_code}) == len(ATLAS.by_code)
    assert ("driving side", "traffic keeps left") in things_of("GB") - things_of("FR")
