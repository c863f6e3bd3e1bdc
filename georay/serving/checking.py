"""Checks before a cluster starts whether a recipe can be served.

The functions that load are asked: there is no second list of what may be wrong.
"""

from georay.config.serve import LocatabilityRecipe, ServeRecipe
from georay.models.checking import check_model, check_parts
from georay.models.families.remote import RemoteModel
from georay.models.segmenters.base import SMALL
from georay.models.segmenters.hub import model_config, pinned_revision
from georay.serving.ingress.limits import KeyRing
from georay.serving.replica.engines.load import adapters_in
from georay.serving.replica.engines.remote import remote_settings
from georay.serving.replica.locatability import LocatabilityReader, class_weights


def check_here(recipe: ServeRecipe) -> None:
    """Raises ValueError or ModelUnavailable where a server on this machine could not start."""
    KeyRing.from_environment(recipe.limits.keys_variable)
    if recipe.remote is not None:
        RemoteModel(remote_settings(recipe.remote))
    else:
        check_model(
            recipe.model, adapters_in(recipe), revision=recipe.revision, device=recipe.device
        )
    _check_locatability(recipe.locatability)


def _check_locatability(recipe: LocatabilityRecipe) -> None:
    """A segmenter that is not small is for the replicas alone to load."""
    choice = recipe.segmenter
    if choice.model == SMALL:
        on_cpu = choice.model_copy(update={"device": "cpu"})
        LocatabilityReader(recipe.model_copy(update={"segmenter": on_cpu}))
    else:
        model_config(choice.model, pinned_revision(choice.model, choice.revision))
        class_weights(recipe.weights)


def check_anywhere(recipe: ServeRecipe) -> None:
    """Raises ValueError for what is wrong on every machine of a cluster.

    Keys, memory and weights are the nodes' own; names, adapters and files are seen by all.
    """
    if recipe.remote is None:
        check_parts(recipe.model, adapters_in(recipe), revision=recipe.revision)
    class_weights(recipe.locatability.weights)
