"""Clues with the models that a recipe names."""

from functools import partial

from georay.clues.run import make_clues as make
from georay.clues.spacy_tagger import SpacyTagger
from georay.clues.summary import CluesSummary
from georay.clues.tools import Tools
from georay.config.clues import BERT, MULTILINGUAL, NONE, SPACY, CluesRecipe, TaggerRecipe
from georay.core.entities import NoTagger

_NAMED = {"bert": BERT, "multilingual": MULTILINGUAL}
_INSTEAD = (
    "Give the full commit hash as `{key}` in a recipe, the folder of a downloaded model, or {other}."
)


def make_clues(recipe: CluesRecipe) -> CluesSummary:
    """Makes the table of clues of a recipe; see `georay.clues.run.make_clues`.

    Models of the hub are pinned to a commit first, which the manifest states.
    Raises ModelUnavailable if one cannot be pinned or loaded.
    """
    recipe = _pinned(recipe)
    return make(recipe, tools_of(recipe))


def tools_of(recipe: CluesRecipe) -> Tools:
    """What makes the recipe's models, each in the worker that needs it."""
    return Tools(tagger=_tagger(recipe.tagger), encoder=_encoder(recipe), clip=_clip(recipe))


def _tagger(choice: TaggerRecipe) -> "partial[object]":  # type: ignore[return]
    raise NotImplementedError


def _pinned(recipe: CluesRecipe) -> CluesRecipe:
    raise NotImplementedError
