"""Which OpenStreetMap ways a car may drive on, and what of their tags matters here."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

ROAD_CLASSES = (
    "motorway",
    "motorway_link",
    "trunk",
    "trunk_link",
    "primary",
    "primary_link",
    "secondary",
    "secondary_link",
    "tertiary",
    "tertiary_link",
    "unclassified",
    "residential",
    "living_street",
    "road",
)
"""Values of `highway` that are roads for cars. Service ways and tracks can be added by a recipe."""

# The most specific key that a way has decides: `access=no` with `motor_vehicle=yes` is open.
_ACCESS_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
_CLOSED = frozenset({"no", "private", "agricultural", "forestry", "emergency", "military"})
_PRIVATE_SERVICE = frozenset({"driveway", "parking_aisle", "emergency_access"})
_ROUNDABOUT = frozenset({"roundabout", "circular"})
_ONE_WAY = {"yes": 1, "true": 1, "1": 1, "-1": -1, "reverse": -1}


@dataclass(frozen=True, slots=True)
class Road:
    """A drivable way. `direction`: 1 one-way as drawn, -1 one-way against it, 0 both ways."""

    way_id: int
    road_class: str
    name: str | None
    ref: str | None
    direction: int
    is_roundabout: bool

    def continues_as(self, other: "Road") -> bool:
        """Whether both ways are one road: one name, one number, or one roundabout."""
        return (
            (self.name is not None and self.name == other.name)
            or (self.ref is not None and self.ref == other.ref)
            or (self.is_roundabout and other.is_roundabout)
        )


def drivable_road(
    way_id: int, tags: Mapping[str, str], classes: Collection[str] = ROAD_CLASSES
) -> Road | None:
    """The road that a way's tags describe, or None where a car may not drive."""
    road_class = tags.get("highway")
    if road_class not in classes or tags.get("area") == "yes" or _is_closed(tags):
        return None
    is_roundabout = tags.get("junction") in _ROUNDABOUT
    return Road(
        way_id=way_id,
        road_class=str(road_class),
        name=tags.get("name"),
        ref=tags.get("ref"),
        direction=_direction(tags, is_roundabout),
        is_roundabout=is_roundabout,
    )


def _is_closed(tags: Mapping[str, str]) -> bool:
    said = (tags.get(key) for key in _ACCESS_KEYS)
    most_specific = next((value for value in said if value is not None), None)
    return most_specific in _CLOSED or tags.get("service") in _PRIVATE_SERVICE


def _direction(tags: Mapping[str, str], is_roundabout: bool) -> int:
    """Motorways and roundabouts are one-way unless their tags say otherwise."""
    said = tags.get("oneway")
    if said is not None:
        return _ONE_WAY.get(said, 0)
    return int(is_roundabout or tags.get("highway") == "motorway")
