"""The atlas can be drawn, and a mistake in one of its files is told by file and key."""

import shutil
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import skia

from georay.locatability.labels import LABEL_INDEX
from georay.streetworld.atlas.atlas import SHIPPED, Atlas
from georay.streetworld.atlas.schema import Country, Emblem, Plant, Shape
from georay.streetworld.canvas.lettering import lettered, missing_letters
from georay.streetworld.dice import Dice
from georay.streetworld.paint.flags import EMBLEMS, paint_flag_cloth
from georay.streetworld.paint.landmarks import outline_of
from georay.streetworld.paint.vegetation import SPECIES
from georay.streetworld.world import begin

ATLAS = Atlas.load()


@pytest.mark.parametrize("country", ATLAS.countries, ids=lambda country: country.code)
def test_the_script_of_a_country_draws_every_word_of_its_signs(country: Country) -> None:
    words = [*country.signs.shops, *(d for city in country.cities for d in city.districts)]
    for word in words:
        assert not missing_letters(word, country.signs.script), word
        assert lettered(word, country.signs.script).path.countVerbs() > 10


def test_plants_emblems_and_shapes_of_the_schema_are_those_that_are_drawn() -> None:
    assert set(get_args(Plant)) == set(SPECIES)
    assert set(get_args(Emblem)) == set(EMBLEMS)
    for shape in get_args(Shape):
        assert outline_of((shape, 0.1, 0.2, 0.3, 0.4)).countVerbs() > 2


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


@pytest.mark.parametrize("name", ATLAS.landmarks)
def test_a_landmark_stands_on_the_ground_and_reaches_its_height(name: str) -> None:
    boxes = [outline_of(part).getBounds() for part in ATLAS.landmarks[name].parts]
    assert min(min(b.top(), b.bottom()) for b in boxes) <= 0.11
    assert 0.85 <= max(max(b.top(), b.bottom()) for b in boxes) <= 1.15


@pytest.mark.parametrize("country", ATLAS.countries, ids=lambda country: country.code)
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


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the atlas's files, to be spoilt."""
    folder = tmp_path / "atlas"
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return folder


def test_a_copy_of_the_files_is_the_same_atlas(copied: Path) -> None:
    assert Atlas.load(copied) == ATLAS


@pytest.mark.parametrize(
    ("before", "after", "key", "says"),
    [
        ("side: left", "side: middle", "side", "'left' or 'right'"),
        ("side: left", "sides: left", "sides", "not permitted"),
        ("bus: red", "bus: blood red", "bus", "no colour 'blood red'"),
        ("flag: union", "flag: jack", "flag", "no emblem 'jack'"),
        ("flag: union", "flag: h:red", "flag", "2 to 9 colours"),
        ("storeys: [3, 4]", "storeys: [3]", "buildings.storeys.1", "required"),
        ("shops: [CHEMIST", "shops: [no", "signs.shops.0", "valid string"),
        ("[plane, lime]", "[plain, lime]", "nature.street_trees.0", "'plane'"),
        ("{form: castle", "{form: castel", "cities.2.landmark.form", "no landmark 'castel'"),
        ("livery: saloon", "livery: roof", "cities.1.taxi.livery", "no colour ''"),
        ("colour: black, livery", "hue: black, livery", "cities.0.taxi.hue", "not permitted"),
        ("skyline: 0.35", "skyline: 35", "cities.0.skyline", "less than or equal to 1"),
        ("code: GB", "code: UK", "code", "UK in the file of GB"),
        ("code: GB", "code: [", "not valid YAML", "line"),
    ],
)
def test_a_mistake_in_a_country_is_told_by_file_and_key(
    copied: Path, before: str, after: str, key: str, says: str
) -> None:
    file = copied / "countries" / "GB.yaml"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(ValueError) as problem:
        Atlas.load(copied)
    assert f"{file}: {key}: " in str(problem.value)
    assert says in str(problem.value)


def test_a_mistake_in_a_landmark_is_told_by_file_and_key(copied: Path) -> None:
    towers = copied / "landmarks" / "towers.yaml"
    towers.write_text(
        towers.read_text().replace("- [box, -0.09, 0, 0.09, 0.8]", "- [cone, -0.09, 0, 0.09, 0.8]")
    )
    with pytest.raises(ValueError, match=r"towers\.yaml: clock tower\.parts\.0\.0: .*'box'"):
        Atlas.load(copied)
    shutil.copy(SHIPPED / "landmarks" / "mountains.yaml", towers)
    with pytest.raises(ValueError, match=r"towers\.yaml: .*volcano.*another file"):
        Atlas.load(copied)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ("countries: [GB, GB]", "GB is named twice"),
        ("countries: [GB, XX]", r"there is no countries/XX\.yaml"),
        ("countries: [GB]", r"countries/IE\.yaml is not named"),
        ("codes: [GB]", "codes: .*not permitted"),
    ],
)
def test_the_order_names_every_file_once(copied: Path, order: str, says: str) -> None:
    (copied / "order.yaml").write_text(order)
    with pytest.raises(ValueError, match=rf"order\.yaml: .*{says}"):
        Atlas.load(copied)
