"""The engine that a recipe names."""

from pathlib import Path

from georay.config.serve import ServeRecipe
from georay.models.families.remote import RemoteModel
from georay.models.locator import load_model
from georay.models.registry import adapters_named, adapters_of
from georay.serving.replica.engines.base import Engine
from georay.serving.replica.engines.local import LocalEngine
from georay.serving.replica.engines.remote import RemoteEngine, remote_settings
from georay.serving.replica.engines.vllm import VllmEngine


def load_engine(recipe: ServeRecipe) -> Engine:
    """The engine that a recipe names, its model loaded.

    Raises ModelUnavailable for weights that are not here; ValueError for adapters of another base
    or a key that is not in the environment.
    """
    if recipe.remote is not None:
        model = RemoteModel(remote_settings(recipe.remote))
        return (VllmEngine if recipe.remote.engine == "vllm" else RemoteEngine)(model, recipe)
    loaded = load_model(
        recipe.model,
        adapters_in(recipe),
        revision=recipe.revision,
        device=recipe.device,
        precision=recipe.precision,
    )
    return LocalEngine(loaded, recipe)


def adapters_in(recipe: ServeRecipe) -> Path | None:
    """The folder of the recipe's adapters, or of those that the package carries for its model."""
    return adapters_of(recipe.model, adapters_named(recipe.adapters))
