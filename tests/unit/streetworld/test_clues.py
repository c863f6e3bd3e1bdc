"""The truth about a scene is what its pixels show."""

import numpy as np

from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.canvas.clues import KINDS, Clue, ClueLedger, labels_of, num_distinct
from georay.streetworld.paint.compose import PLACELESS
from georay.streetworld.scene import Scene


def test_every_visible_clue_covers_pixels_of_its_class_in_its_box(scenes: list[Scene]) -> None:
    for scene in scenes:
        for clue in scene.clues:
            left, top, right, bottom = clue.box
            inside = scene.mask[top:bottom, left:right]
            own = int(np.isin(inside, list(labels_of(clue.kind))).sum())
            assert own >= clue.pixels >= KINDS[clue.kind].least_share * scene.mask.size, clue


def test_a_clue_hidden_by_something_nearer_is_not_visible() -> None:
    ledger = ClueLedger()
    plate, lamp = ledger.new("plate", "hidden"), ledger.new("street lamp", "seen")
    mask = np.zeros((64, 64), np.uint8)
    numbers = np.zeros((64, 64), np.int32)
    numbers[10:30, 10:14] = plate
    numbers[5:40, 8:20] = lamp  # painted after the plate, over all of it
    assert [clue.text for clue in ledger.visible(mask, numbers)] == ["seen"]


def test_a_clue_of_few_pixels_is_not_visible() -> None:
    ledger = ClueLedger()
    number = ledger.new("taxi", "far away")
    numbers = np.zeros((100, 100), np.int32)
    numbers[50, 50:60] = number
    assert ledger.visible(np.zeros((100, 100), np.uint8), numbers) == ()
    numbers[50:60, 50:60] = number
    (clue,) = ledger.visible(np.zeros((100, 100), np.uint8), numbers)
    assert clue.box == (50, 50, 60, 60)
    assert clue.pixels == 100


def test_misleading_and_repeated_clues_do_not_count() -> None:
    box = (0, 0, 1, 1)
    plate = Clue("plate", "white", box, 1)
    replica = Clue("landmark", "a replica", box, 1, misleading=True)
    assert num_distinct([plate, plate, replica]) == 1


def test_nobody_can_place_tunnels_walls_forests_fog_and_fields(scenes: list[Scene]) -> None:
    placeless = [scene for scene in scenes if scene.kind in PLACELESS]
    assert 0.17 < len(placeless) / len(scenes) < 0.38
    assert {scene.kind for scene in placeless} == set(PLACELESS)
    assert all(scene.visible_clue_count == 0 for scene in placeless)
    assert all(scene.visible_clue_count > 0 for scene in scenes if scene not in placeless)


def test_driving_side_and_line_colours_are_those_of_the_country(scenes: list[Scene]) -> None:
    seen = set()
    for scene in scenes:
        country = Atlas.load().by_code[scene.country]
        expected = {
            "driving side": f"traffic keeps {country.side}",
            "centre line": f"{country.lines.centre} {country.lines.pattern} centre line",
            "edge line": f"{country.lines.edge} {country.lines.edge_pattern} edge line",
        }
        for clue in scene.clues:
            if clue.kind in expected:
                assert clue.text == expected[clue.kind]
                seen.add(clue.kind)
    assert len(seen) == 3
