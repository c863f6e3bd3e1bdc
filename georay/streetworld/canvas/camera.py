"""A pinhole camera beside a road, and the planes of the street as homographies.

World axes in metres: x to the right of the road, y up, z along the road. A plane's matrix lets the
painter draw in metres on that plane, in perspective.
"""

import math
from dataclasses import dataclass

import skia

Vector = tuple[float, float, float]
NEAR = 0.6  # metres: nothing nearer is projected point by point
_CLIP = 0.45  # metres: planes end here, because points behind a camera project to nonsense


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and looks. Sizes in pixels, `eye` in metres, `yaw` in radians."""

    size: int
    focal: float
    horizon: float
    eye: float
    x: float
    yaw: float

    def view(self, x: float, z: float) -> tuple[float, float]:
        """Ground position (x, z) as (sideways, depth) in metres seen from the camera."""
        cosine, sine = math.cos(self.yaw), math.sin(self.yaw)
        return (x - self.x) * cosine - z * sine, (x - self.x) * sine + z * cosine

    def depth(self, x: float, z: float) -> float:
        """Metres in front of the camera; negative behind it."""
        return self.view(x, z)[1]

    def nearest(self, x: float) -> float:
        """The least z at which something at `x` is in front of the camera."""
        return (_CLIP - (x - self.x) * math.sin(self.yaw)) / math.cos(self.yaw)

    def project(self, x: float, y: float, z: float) -> tuple[float, float]:
        """The pixel (column, row) of a point, which must be in front of the camera."""
        side, depth = self.view(x, z)
        scale = self.focal / max(depth, NEAR)
        return self.size / 2 + side * scale, self.horizon + (self.eye - y) * scale

    def pixels_per_metre(self, x: float, z: float) -> float:
        """The scale at a ground position: its pixels per metre across the view."""
        return self.focal / max(self.depth(x, z), NEAR)

    def plane(self, origin: Vector, a: Vector, b: Vector) -> skia.Matrix:
        """The homography that takes (s, t) on the plane origin + s·a + t·b to pixels."""
        columns = (self._project_direction(a), self._project_direction(b))
        u, v, w = self._project_point(origin)
        (ua, va, wa), (ub, vb, wb) = columns
        matrix = skia.Matrix()
        matrix.set9([ua, ub, u, va, vb, v, wa, wb, w])
        return matrix

    def ground(self, height: float = 0.0) -> skia.Matrix:
        """The horizontal plane: (x, z) in metres to pixels."""
        return self.plane((0.0, height, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))

    def along(self, x: float) -> skia.Matrix:
        """The upright plane parallel to the road at `x`: (z, y) in metres to pixels."""
        return self.plane((x, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0))

    def across(self, z: float) -> skia.Matrix:
        """The upright plane square to the road at `z`: (x, y) in metres to pixels."""
        return self.plane((0.0, 0.0, z), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))

    def facing(self, x: float, z: float, y: float = 0.0) -> skia.Matrix:
        """The plane through (x, y, z) that faces the camera: (right, up) in metres to pixels."""
        column, row = self.project(x, y, z)
        scale = self.pixels_per_metre(x, z)
        return skia.Matrix.MakeAll(scale, 0, column, 0, -scale, row, 0, 0, 1)

    def _project_direction(self, direction: Vector) -> Vector:
        x, y, z = direction
        cosine, sine = math.cos(self.yaw), math.sin(self.yaw)
        return self._homogeneous(x * cosine - z * sine, -y, x * sine + z * cosine)

    def _project_point(self, point: Vector) -> Vector:
        side, depth = self.view(point[0], point[2])
        return self._homogeneous(side, self.eye - point[1], depth)

    def _homogeneous(self, side: float, below: float, depth: float) -> Vector:
        return (
            depth * self.size / 2 + self.focal * side,
            depth * self.horizon + self.focal * below,
            depth,
        )
