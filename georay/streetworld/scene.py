"""What a drawn scene is: its pixels, and everything that is true about it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from georay.streetworld.canvas.clues import Clue, num_distinct


@dataclass(frozen=True)
class Scene:
    """One drawn street view with its truth.

    image: RGB [size, size, 3]. mask: ADE20K ids [size, size]. country: ISO alpha-2 code.
    Coordinates in degrees, `heading` in degrees clockwise from north. caption: what is seen,
    without places.
    """

    seed: int
    index: int
    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    clues: tuple[Clue, ...]
    caption: str
    country: str
    country_name: str
    city: str
    latitude: float
    longitude: float
    heading: float
    kind: str
    weather: str

    @property
    def name(self) -> str:
        """A name that no other scene of any seed has."""
        return f"streetworld-{self.seed}-{self.index:08d}"

    @property
    def visible_clue_count(self) -> int:
        """How many different true clues can be seen; 0 means that nobody can place the scene."""
        return num_distinct(self.clues)
