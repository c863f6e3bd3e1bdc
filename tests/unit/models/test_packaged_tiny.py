"""What a newcomer gets: `tiny` with the adapters of the package, on scenes that it never saw."""

import pytest
from PIL import Image

from georay.core.gazetteer import Gazetteer
from georay.models.decoding.calibration import Calibration
from georay.models.familiarity import Familiarity
from georay.models.fitted import find_fitted
from georay.models.locations import Location
from georay.models.locator import Locator, adapter_weights
from georay.models.registry import packaged_adapters
from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.world import StreetWorld

WORLD = StreetWorld(99)
SCENES = (2, 5, 6, 9)


@pytest.fixture(scope="module")
def located() -> list[Location]:
    locator = Locator.from_pretrained("tiny", packaged_adapters("tiny"), device="cpu")
    return locator.locate([Image.fromarray(WORLD.scene(index).image) for index in SCENES], top_k=2)


def test_most_of_some_easy_scenes_are_placed_in_their_countries(located: list[Location]) -> None:
    right = [
        found.country == WORLD.scene(index).country
        for index, found in zip(SCENES, located, strict=True)
    ]
    assert sum(right) >= 3


def test_towns_are_those_of_its_world(located: list[Location]) -> None:
    gazetteer = Gazetteer.load()
    known = {
        gazetteer.resolve(city.name, country.code).name for country, city in Atlas.load().places
    }
    assert {found.city for found in located} <= known


def test_what_was_fitted_for_the_adapters_is_of_these_adapters() -> None:
    """Copied adapters leave the calibration of the former ones behind: fit it again."""
    folder = packaged_adapters("tiny")
    assert folder is not None
    found = find_fitted(folder, adapter_weights(folder))
    assert (found.calibration is None) == (Calibration.find(folder) is None)
    assert (found.familiarity is None) == (Familiarity.find(folder) is None)


def test_reasons_are_sentences(located: list[Location]) -> None:
    told = [found for found in located if found.sureness == "sure"]
    assert len(told) >= 3, "easy scenes"
    for found in told:
        assert found.reasons and len(found.reasons.split()) > 4 and found.reasons.endswith(".")
