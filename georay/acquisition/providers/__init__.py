"""Providers of street views: one class each, behind the protocol in `base`."""

from collections.abc import Mapping

from georay.acquisition.providers.base import (
    AccessRefused,
    FoundPicture,
    NoPicture,
    Point,
    Provider,
    QuotaUsedUp,
    Terms,
    Web,
)
from georay.acquisition.providers.folder import PictureFolder
from georay.acquisition.providers.google import GoogleStreetView
from georay.acquisition.providers.kartaview import KartaView
from georay.acquisition.providers.mapillary import Mapillary
from georay.acquisition.providers.panoramax import Panoramax
from georay.config.collect import (
    GoogleRecipe,
    KartaViewRecipe,
    MapillaryRecipe,
    PanoramaxRecipe,
    ProviderRecipe,
)

__all__ = [
    "AccessRefused",
    "FoundPicture",
    "NoPicture",
    "Point",
    "Provider",
    "QuotaUsedUp",
    "Terms",
    "Web",
    "load_provider",
]


def load_provider(recipe: ProviderRecipe, environment: Mapping[str, str]) -> Provider:
    """The provider of a recipe, with its key from the environment.

    Raises ValueError if the key is missing, or what else the provider asks for first.
    """
    if isinstance(recipe, GoogleRecipe):
        return GoogleStreetView(recipe, environment)
    if isinstance(recipe, MapillaryRecipe):
        return Mapillary(recipe, environment)
    if isinstance(recipe, PanoramaxRecipe):
        return Panoramax(recipe)
    if isinstance(recipe, KartaViewRecipe):
        return KartaView(recipe, environment)
    return PictureFolder(recipe)
