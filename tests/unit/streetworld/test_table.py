"""The rows of the table can be drawn: colours, species, landmarks, flags and letters exist."""

import numpy as np
import pytest
import skia

from georay.locatability.labels import LABEL_INDEX
from georay.streetworld.conventions import Country
from georay.streetworld.countries import COUNTRIES
from georay.streetworld.dice import Dice
from georay.streetworld.flags import paint_flag_cloth
from georay.streetworld.landmark_table import LANDMARKS
from georay.streetworld.landmarks import outline_of
from georay.streetworld.lettering import lettered, missing_letters
from georay.streetworld.palette import NAMED
from georay.streetworld.vegetation import SPECIES
from georay.streetworld.world import begin


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.code)
def test_the_script_of_a_country_draws_every_word_of_its_signs(country: Country) -> None:
    words = [*country.signs.shops, *(d for city in country.cities for d in city.districts)]
    for word in words:
        assert not missing_letters(word, country.signs.script), word
        assert lettered(word, country.signs.script).path.countVerbs() > 10


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.code)
def test_every_name_in_a_row_is_known_to_the_drawing(country: Country) -> None:
    buildings, nature = country.buildings, country.nature
    colours = {*buildings.walls, *buildings.house_walls, buildings.roof, buildings.trim}
    colours |= {*country.kerb, country.bus, nature.soil, nature.grass, nature.crop}
    colours |= {country.lines.centre, country.lines.edge, country.lamp.colour}
    for city in country.cities:
        colours |= {city.taxi[0], city.landmark[1], city.pavement[1]}
        colours |= {colour for colour in (city.tram, city.bus) if colour}
        assert city.landmark[0] in LANDMARKS
    assert colours <= set(NAMED)
    assert {*nature.street_trees, *nature.country_trees} <= set(SPECIES)


def test_arabic_is_joined_and_runs_from_right_to_left() -> None:
    joined, first = lettered("خبز", "arabic"), lettered("خ", "arabic")
    apart = sum(lettered(letter, "arabic").width for letter in "خبز")
    assert joined.width < 0.9 * apart
    box = joined.path.getBounds()
    assert box.right() > 0 and first.width > 0


def test_devanagari_words_hang_from_one_line() -> None:
    word = lettered("चाय", "devanagari")
    apart = sum(lettered(letter, "devanagari").width for letter in "चाय")
    assert word.path.getBounds().width() < apart * 1.05


@pytest.mark.parametrize("name", LANDMARKS)
def test_a_landmark_stands_on_the_ground_and_reaches_its_height(name: str) -> None:
    boxes = [outline_of(part).getBounds() for part in LANDMARKS[name].parts]
    assert min(min(b.top(), b.bottom()) for b in boxes) <= 0.11
    assert 0.85 <= max(max(b.top(), b.bottom()) for b in boxes) <= 1.15


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.code)
def test_a_flag_is_drawn_in_more_than_one_colour(country: Country) -> None:
    setting = begin(country, country.cities[0], "street", 128, Dice(4))
    setting.painter.use(skia.Matrix.MakeAll(40, 0, 4, 0, -40, 100, 0, 0, 1))
    paint_flag_cloth(setting, country.flag, skia.Rect(0, 0, 3, 2), 10.0, 7)
    mask, numbers = setting.painter.truth()
    cloth = numbers == 7
    assert cloth.sum() == 120 * 80
    assert set(mask[cloth].tolist()) == {LABEL_INDEX["flag"]}
    colours = np.unique(setting.painter.picture()[cloth] // 48, axis=0)
    assert len(colours) >= 2
