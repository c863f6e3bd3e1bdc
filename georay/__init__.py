"""georay says where a street-level photograph was taken, and why.

    import georay

    georay.curate(inputs=["photos/"], output="runs/photos")     # score, keep, report
    for place in georay.locate(["street.jpg"]):
        print(place.country_name, place.city, place.reasons)

Each name is loaded when it is first used, so that `import georay` itself takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from georay.core.answers import parse_answer as parse_answer
    from georay.core.gazetteer import Gazetteer as Gazetteer
    from georay.front import curate as curate
    from georay.front import evaluate as evaluate
    from georay.front import locate as locate
    from georay.front import predict as predict
    from georay.front import train as train
    from georay.locatability.weights import ClassWeights as ClassWeights
    from georay.models.locator import Locator as Locator
    from georay.streetworld.world import StreetWorld as StreetWorld

__version__ = "0.1.0"

_HOMES = {
    "curate": "georay.front",
    "locate": "georay.front",
    "train": "georay.front",
    "predict": "georay.front",
    "evaluate": "georay.front",
    "Locator": "georay.models.locator",
    "Gazetteer": "georay.core.gazetteer",
    "parse_answer": "georay.core.answers",
    "StreetWorld": "georay.streetworld.world",
    "ClassWeights": "georay.locatability.weights",
    "locatability": "georay.locatability",  # a room that is called as its one formula
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """What the front door offers, loaded now."""
    if name not in _HOMES:
        raise AttributeError(f"module 'georay' has no attribute {name!r}")
    if name == "StreetWorld":
        from georay.core.extras import require_extra

        require_extra("streetworld", "drawing scenes")
    home = import_module(_HOMES[name])
    found = home if home.__name__ == f"georay.{name}" else getattr(home, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
