"""The outlines of land and borders in the Natural Earth projection, for maps in SVG."""

import json
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDTH = 1000.0
_NORTH = 84.0
# Natural Earth projection (Šavrič, Jenny, Patterson, Petrovič, Hurni 2011): powers of the latitude.
_X_TERMS = {0: 0.8707, 2: -0.131979, 4: -0.013791, 10: 0.003971, 12: -0.001529}
_Y_TERMS = {0: 1.007226, 2: 0.015085, 6: -0.044475, 8: 0.028874, 10: -0.005916}


def project(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Degrees to SVG units: the equator is WIDTH long, y grows southward from the northern edge."""
    north = np.radians(np.array([_NORTH]))
    phi = np.radians(latitude)
    unit = WIDTH / (2 * np.pi * _X_TERMS[0])
    x = WIDTH / 2 + unit * np.radians(longitude) * _polynomial(_X_TERMS, phi)
    y = unit * (north * _polynomial(_Y_TERMS, north) - phi * _polynomial(_Y_TERMS, phi))
    return x, y


def _polynomial(terms: dict[int, float], phi: Floats) -> Floats:
    total: Floats = np.zeros_like(phi)
    for power, factor in terms.items():
        total = total + factor * phi**power
    return total


@cache
def outlines() -> tuple[str, str]:
    """SVG paths of the land masses and of the borders between countries, in units of `project`."""
    file = resources.files("georay.core") / "world_outline.json"
    outline = json.loads(file.read_text(encoding="utf-8"))
    land = "".join(_path(line) + "z" for line in outline["land"])
    return land, "".join(_path(line) for line in outline["borders"])


def _path(steps: list[int]) -> str:
    degrees = np.cumsum(np.array(steps, dtype=np.int64).reshape(-1, 2), axis=0) / 10
    x, y = project(degrees[:, 0], degrees[:, 1])
    points: NDArray[np.int64] = np.round(np.stack([x, y], axis=1) * 10).astype(np.int64)
    moves = np.diff(points, axis=0, prepend=0)
    first, rest = moves[0], moves[1:]
    return f"M{first[0] / 10:g} {first[1] / 10:g}l" + " ".join(
        f"{a / 10:g} {b / 10:g}" for a, b in rest
    )
