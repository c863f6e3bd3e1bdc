"""Drawn scenes to try: StreetWorld's, made when they are first asked for."""

import threading
from functools import cache

from georay.serving.schemas import SampleShown

SEED = 11
SCENES = (11, 1, 17, 20, 23, 15)  # five with clues, and a field that nobody can place
_SIDE = 640
_drawing = threading.Lock()


def listed() -> list[SampleShown]:
    """The scenes by name; nothing is drawn yet."""
    return [
        SampleShown(
            name=f"drawn-scene-{number + 1}.jpg",
            url=f"/v1/samples/{number}.jpg",
            title=f"Drawn scene {number + 1}",
        )
        for number in range(len(SCENES))
    ]


def sample(number: int) -> bytes:
    """One scene as a JPEG. Raises IndexError for a number that is not listed."""
    with _drawing:
        return _drawn(SCENES[number])


@cache
def _drawn(index: int) -> bytes:
    from georay.streetworld.export.records import jpeg_bytes
    from georay.streetworld.world import StreetWorld

    return jpeg_bytes(StreetWorld(SEED, _SIDE).scene(index).image)
