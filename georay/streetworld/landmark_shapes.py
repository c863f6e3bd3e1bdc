"""What a landmark is made of: parts in shares of its height, foot at 0, middle at 0."""

from dataclasses import dataclass

Part = tuple[str, float, float, float, float]
"""A shape and four numbers: (left, low, right, high) for box, crown and columns, (x, y, radius, 0)
for ball and face, else (middle, half width, low, high)."""


@dataclass(frozen=True)
class Landmark:
    """A silhouette, its ADE20K label and its true height in metres."""

    label: str
    height: float
    parts: tuple[Part, ...]
    windows: bool = False

    @property
    def reach(self) -> float:
        """How far it spreads to a side, in heights."""
        boxes = ("box", "crown", "columns")
        return max(
            max(abs(a), abs(c)) if kind in boxes else abs(a) + (c if kind == "ball" else b)
            for kind, a, b, c, _ in self.parts
        )


def mirrored(*parts: Part) -> tuple[Part, ...]:
    """The parts and their mirror images, for twin towers and the like."""
    flipped = []
    for kind, a, b, c, d in parts:
        flipped.append((kind, -c, b, -a, d) if kind in ("box",) else (kind, -a, b, c, d))
    return (*parts, *flipped)


MOSQUE: tuple[Part, ...] = (
    ("box", -0.8, 0.0, 0.8, 0.3),
    ("dome", 0.0, 0.42, 0.3, 0.72),
    *mirrored(
        ("dome", 0.52, 0.22, 0.3, 0.45),
        ("box", 0.84, 0.0, 0.92, 0.86),
        ("point", 0.88, 0.05, 0.86, 1.0),
        ("box", 0.81, 0.6, 0.95, 0.64),
    ),
)
LATTICE: tuple[Part, ...] = (
    ("leg", 0.0, 0.24, 0.0, 0.3),
    ("leg", 0.0, 0.13, 0.3, 0.55),
    ("taper", 0.0, 0.05, 0.55, 0.93),
    ("box", -0.17, 0.28, 0.17, 0.31),
    ("box", -0.1, 0.53, 0.1, 0.56),
    ("box", -0.008, 0.9, 0.008, 1.0),
)
SPIRES = mirrored(("box", 0.08, 0.0, 0.3, 0.58), ("point", 0.19, 0.12, 0.58, 1.0))
BALL_TOWER: tuple[Part, ...] = (
    ("taper", 0.0, 0.05, 0.0, 0.62),
    ("ball", 0.0, 0.64, 0.075, 0.0),
    ("box", -0.012, 0.66, 0.012, 1.0),
)
GOLDEN_DOMES: tuple[Part, ...] = (
    ("box", -0.5, 0.0, 0.5, 0.45),
    ("dome", 0.0, 0.3, 0.45, 0.86),
    ("box", -0.012, 0.86, 0.012, 1.0),
    *mirrored(("dome", 0.38, 0.14, 0.45, 0.64)),
)
TEMPLE: tuple[Part, ...] = (
    ("hill", 0.0, 1.5, 0.0, 0.62),
    ("box", -0.55, 0.6, 0.55, 0.66),
    ("columns", -0.5, 0.66, 0.5, 0.86),
    ("box", -0.54, 0.86, 0.54, 0.92),
    ("point", 0.0, 0.54, 0.92, 1.04),
)
PAGODA: tuple[Part, ...] = (
    *(("eaves", 0.0, 0.34 - 0.04 * i, 0.1 + 0.16 * i, 0.24 + 0.16 * i) for i in range(5)),
    ("box", -0.15, 0, 0.15, 0.85),
    ("box", -0.012, 0.8, 0.012, 1),
)
