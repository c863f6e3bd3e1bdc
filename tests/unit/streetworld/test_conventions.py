"""What is drawn, not only what is said, follows the country's row."""

import unicodedata

import numpy as np
import pytest
from numpy.typing import NDArray

from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.atlas.schema import Country
from georay.streetworld.canvas.setting import Setting
from georay.streetworld.dice import Dice
from georay.streetworld.paint.ground import paint_lines, paint_road
from georay.streetworld.paint.traffic import moving
from georay.streetworld.paint.vehicles import paint_vehicle
from georay.streetworld.scene import Scene
from georay.streetworld.world import begin

ATLAS = Atlas.load()

_SCRIPT_NAMES = {
    "latin": {"LATIN"},
    "cyrillic": {"CYRILLIC"},
    "greek": {"GREEK"},
    "arabic": {"ARABIC"},
    "hebrew": {"HEBREW"},
    "devanagari": {"DEVANAGARI"},
    "thai": {"THAI"},
    "hangul": {"HANGUL"},
    "kana and kanji": {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK"},
    "hanzi": {"CJK"},
}


def _road_of(country: Country, seed: int) -> Setting:
    return begin(country, country.cities[0], "road", 256, Dice(seed))


def _pixels_of(setting: Setting, kind: str, text: str) -> NDArray[np.float64]:
    _, numbers = setting.painter.truth()
    chosen = numbers == setting.ledger.shared(kind, text)
    assert chosen.sum() > 20
    return setting.painter.picture()[chosen].astype(np.float64)


@pytest.mark.parametrize("country", ATLAS.countries, ids=lambda country: country.code)
def test_lines_are_painted_in_the_country_s_colours(country: Country) -> None:
    setting = next(s for s in (_road_of(country, i) for i in range(99)) if s.weather == "overcast")
    paint_road(setting)
    paint_lines(setting)
    lines = country.lines
    for kind, colour, pattern in (
        ("centre line", lines.centre, lines.pattern),
        ("edge line", str(lines.edge), lines.edge_pattern),
    ):
        mean = _pixels_of(setting, kind, f"{colour} {pattern} {kind}").mean(axis=0)
        yellowness = mean[0] - mean[2]
        assert (yellowness > 40) == (colour == "yellow"), (kind, mean)


@pytest.mark.parametrize("country", ATLAS.countries, ids=lambda country: country.code)
def test_oncoming_traffic_is_on_the_side_that_the_country_does_not_keep_to(
    country: Country,
) -> None:
    found = 0
    for seed in range(6):
        setting = _road_of(country, seed)
        for vehicle in moving(setting):
            if not vehicle.oncoming:
                continue
            paint_vehicle(setting, vehicle)
            _, numbers = setting.painter.truth()
            columns = np.nonzero(numbers == vehicle.clue)[1]
            middle, _ = setting.camera.project(0.0, 0.0, vehicle.z)
            left_of_the_middle = columns.mean() < middle
            assert left_of_the_middle == (country.side == "right")
            found += 1
    assert found


def test_signs_are_in_the_script_of_the_country(scenes: list[Scene]) -> None:
    scripts = {country.code: country.signs.script for country in ATLAS.countries}
    seen = set()
    for scene in scenes:
        for clue in scene.clues:
            if clue.kind != "script" or clue.misleading:
                continue
            words = clue.text.rsplit(" (", 1)[0]
            letters = [c for c in words if unicodedata.category(c)[0] == "L"]
            names = {unicodedata.name(c).split(" ")[0] for c in letters}
            assert names <= _SCRIPT_NAMES[scripts[scene.country]], clue.text
            seen.add(scripts[scene.country])
    assert len(seen) >= 5
