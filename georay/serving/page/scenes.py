"""Drawn example scenes of StreetWorld, made when they are first asked for."""

import threading
from functools import cache

SEED = 11
SCENES = (11, 1, 17, 20, 23, 15)  # five with clues, and a field that nobody can place
_SIDE = 640
_drawing = threading.Lock()


def scene_jpeg(number: int) -> bytes:
    """The scene of this number as a JPEG. Raises IndexError beyond `SCENES`."""
    with _drawing:
        return _drawn(SCENES[number])


@cache
def _drawn(index: int) -> bytes:
    from georay.streetworld.export.records import jpeg_bytes
    from georay.streetworld.world import StreetWorld

    return jpeg_bytes(StreetWorld(SEED, _SIDE).scene(index).image)
