"""Which class is which system, imported when it is asked for."""

from importlib import import_module

from georay.config.baselines import BaselineRecipe
from georay.evaluation.baselines.protocol import Baseline, Facts

_CLASSES = {
    "vit": ("vit", "ViT"),
    "streetclip": ("streetclip", "StreetCLIP"),
    "geoclip": ("geoclip", "GeoCLIP"),
    "planet": ("geocells.planet", "PlaNet"),
    "cplanet": ("geocells.cplanet", "CPlaNet"),
    "isns": ("geocells.isns", "ISNs"),
    "translocator": ("geocells.translocator", "Translocator"),
    "geodecoder": ("geocells.geodecoder", "GeoDecoder"),
}


def system_class(recipe: BaselineRecipe) -> type[Baseline]:
    """The class of a recipe's system."""
    module, name = _CLASSES[recipe.system.name]
    found: type[Baseline] = getattr(import_module(f"{__package__}.{module}"), name)
    return found


def build_system(recipe: BaselineRecipe, facts: Facts) -> Baseline:
    """A recipe's network with random weights."""
    return system_class(recipe)(recipe, facts)
