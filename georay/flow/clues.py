"""Clues with the models that a recipe names."""

from functools import partial

from georay.clues.labels import TextEncoder
from georay.clues.make_clues import make_clues as make
from georay.clues.pairing import PictureTextEncoder
from georay.clues.spacy_tagger import SpacyTagger
from georay.clues.summary import CluesSummary
from georay.clues.tools import Tools
from georay.config.clues import BERT, MULTILINGUAL, NONE, SPACY, CluesRecipe, TaggerRecipe
from georay.core.entities import NoTagger, PlaceTagger

_NAMED = {"bert": BERT, "multilingual": MULTILINGUAL}


def make_clues(recipe: CluesRecipe) -> CluesSummary:
    """Makes the table of clues of a recipe; see `georay.clues.make_clues.make_clues`.

    Models of the hub are pinned to a commit first, which the manifest states.
    Raises ModelUnavailable if one cannot be pinned or loaded.
    """
    recipe = _pinned(recipe)
    return make(recipe, tools_of(recipe))


def tools_of(recipe: CluesRecipe) -> Tools:
    """What makes the recipe's models, each in the worker that needs it."""
    label, pairing = recipe.label, recipe.pairing
    return Tools(
        tagger=partial(_tagger, recipe.tagger),
        encoder=None if label.encoder == NONE else partial(_encoder, label.encoder, label.revision),
        clip=partial(_clip, pairing.clip, pairing.clip_revision)
        if pairing is not None and pairing.clip
        else None,
    )


def _tagger(choice: TaggerRecipe) -> PlaceTagger:
    if choice.model == NONE:
        return NoTagger()
    if choice.model == SPACY:
        return SpacyTagger()
    from georay.models.place_tagger import BertPlaceTagger

    return BertPlaceTagger(choice.model, choice.revision, choice.device, choice.batch_size)


def _encoder(model: str, revision: str | None) -> TextEncoder:
    from georay.models.sentence_encoder import SentenceEncoder

    return SentenceEncoder(model, revision=revision)


def _clip(model: str, revision: str | None) -> PictureTextEncoder:
    from georay.models.clip import ClipEncoder

    return ClipEncoder(model, revision)


def _pinned(recipe: CluesRecipe) -> CluesRecipe:
    """The recipe with short names of taggers written out and commits filled in."""
    tagger, pairing = recipe.tagger, recipe.pairing
    if tagger.model not in (NONE, SPACY):
        from georay.models.pinning import commit_of
        from georay.models.place_tagger import REVISIONS

        model = _NAMED.get(tagger.model, tagger.model)
        advice = (
            "Give the full commit hash as `tagger.revision` in a recipe, the folder of a "
            "downloaded model, or use the tagger that a package carries (--tagger spacy)."
        )
        revision = tagger.revision or REVISIONS.get(model)
        revision = commit_of(model, revision, "place tagger", advice)
        tagger = tagger.model_copy(update={"model": model, "revision": revision})
    if pairing is not None and pairing.clip:
        from georay.models.pinning import commit_of

        advice = "Give the full commit hash as `pairing.clip_revision`, or a downloaded model."
        revision = commit_of(pairing.clip, pairing.clip_revision, "CLIP model", advice)
        pairing = pairing.model_copy(update={"clip_revision": revision})
    return recipe.model_copy(update={"tagger": tagger, "pairing": pairing})
