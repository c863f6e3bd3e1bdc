"""Measures a picture's locatability in a replica: the segmenter, the class weights, their sum."""

import time

from PIL import Image

from georay.config.serve import LocatabilityRecipe
from georay.core.paths import path_of
from georay.locatability.colours import class_colour
from georay.locatability.pictures import overlay_uri
from georay.locatability.score import area_ratio, contributions
from georay.locatability.weights import ClassWeights, published_weights, weights_from_json
from georay.models.segmenter import load_segmenter
from georay.models.segmenters.base import Segmenter, unknown_share
from georay.models.segmenters.hub import pinned_revision
from georay.serving.messages import ClassShare, Locatability

_TOP_CLASSES = 8
_OVERLAY_SIDE = 512


class LocatabilityReader:
    """Measures how much a picture gives away about where it was taken (paper, equation 1)."""

    def __init__(self, recipe: LocatabilityRecipe) -> None:
        """Raises ModelUnavailable or ValueError where weights are not here."""
        choice = recipe.segmenter
        self._segmenter: Segmenter = load_segmenter(
            choice.model,
            revision=pinned_revision(choice.model, choice.revision),
            exact=choice.exact,
            device=choice.device,
        )
        self._weights = class_weights(recipe.weights)

    def read(self, picture: Image.Image, overlay: bool) -> Locatability:
        """Locatability of an RGB picture, with its coloured class map if `overlay` is set."""
        started = time.perf_counter()
        class_map = self._segmenter.class_maps([picture])[0]
        ratios = area_ratio(class_map)
        unknown = unknown_share(ratios)
        parts = contributions(ratios, self._weights.values)
        top = tuple(
            ClassShare(
                part.label,
                part.area_ratio,
                part.weight,
                part.contribution,
                class_colour(part.label),
            )
            for part in parts[:_TOP_CLASSES]
        )
        return Locatability(
            score=sum(part.contribution for part in parts),
            classes=top,
            overlay=overlay_uri(class_map, picture.size, _OVERLAY_SIDE) if overlay else None,
            elapsed_ms=(time.perf_counter() - started) * 1000,
            unknown_share=unknown,
            outside_segmenter=unknown > self._segmenter.largest_unknown_share,
        )


def class_weights(source: str) -> ClassWeights:
    """The published class weights, or those of a file. Raises ValueError where there are none."""
    if source == "published":
        return published_weights()
    path = path_of(source)
    if not path.is_file():
        raise ValueError(
            f"locatability.weights must be `published` or a file; there is no file {path}"
        )
    return weights_from_json(path.read_text(encoding="utf-8"))
