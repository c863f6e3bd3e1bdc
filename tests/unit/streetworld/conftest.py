"""Scenes that several tests look at: drawn once."""

import pytest

from georay.streetworld.scene import Scene
from georay.streetworld.world import StreetWorld

NUM_SCENES = 140


@pytest.fixture(scope="session")
def scenes() -> list[Scene]:
    world = StreetWorld(seed=20)
    return [world.scene(index) for index in range(NUM_SCENES)]
