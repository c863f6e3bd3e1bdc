"""Whether a recipe can be served, told before a cluster starts.

The functions that load are asked: there is no second list of what may be wrong.
"""

from georay.config.serve import ServeRecipe
from georay.models.checking import check_model, check_parts
from georay.models.families.remote import RemoteModel, RemoteSettings
from georay.models.segmenter import SMALL
from georay.serving.clues import CluesReader, class_weights
from georay.serving.engine import adapters_of
from georay.serving.limits import KeyRing


def check_here(recipe: ServeRecipe) -> None:
    """Raises ValueError or ModelUnavailable where a server on this machine could not start."""
    KeyRing.from_environment(recipe.limits.keys_variable)
    if recipe.remote is not None:
        RemoteModel(RemoteSettings(**recipe.remote.model_dump()))
    else:
        check_model(
            recipe.model, adapters_of(recipe), revision=recipe.revision, device=recipe.device
        )
    if recipe.clues.segmenter.model == SMALL:  # a larger one is for the replicas alone to load
        on_cpu = recipe.clues.segmenter.model_copy(update={"device": "cpu"})
        CluesReader(recipe.clues.model_copy(update={"segmenter": on_cpu}))


def check_anywhere(recipe: ServeRecipe) -> None:
    """Raises ValueError for what is wrong on every machine of a cluster.

    Keys, memory and weights are the nodes' own; names, adapters and files are seen by all.
    """
    if recipe.remote is None:
        check_parts(recipe.model, adapters_of(recipe), revision=recipe.revision)
    class_weights(recipe.clues.weights)
