"""The models that a run of clues uses, as factories that workers call."""

from collections.abc import Callable
from dataclasses import dataclass

from georay.clues.labels import TextEncoder
from georay.clues.pairing import PictureTextEncoder
from georay.core.entities import PlaceTagger


@dataclass(frozen=True)
class Tools:
    """tagger: finds named entities. encoder: compares sentences and classes; None for no labels.
    clip: compares sentences and pictures; None for no pairs by it. Each is called in a worker, so
    it must be a function of a module, or a partial one.
    """

    tagger: Callable[[], PlaceTagger]
    encoder: Callable[[], TextEncoder] | None = None
    clip: Callable[[], PictureTextEncoder] | None = None
