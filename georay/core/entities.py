"""What a tagger of named entities finds, whichever model does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["place", "people", "other"]


@dataclass(frozen=True, slots=True)
class Entity:
    """Characters start to end of a sentence. kind: "people" is a nationality or a language."""

    start: int
    end: int
    kind: Kind


class PlaceTagger(Protocol):
    """Finds named entities in sentences.

    name: the model with its version or revision. languages: ISO 639 codes of those that it was
    trained on; None means any. It is not asked about sentences in others.
    """

    name: str
    languages: frozenset[str] | None

    def tag(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in the order in which they stand."""


class NoTagger:
    """Finds nothing, so that the gazetteer alone decides."""

    name = "none"
    languages: frozenset[str] | None = None

    def tag(self, texts: Sequence[str]) -> list[list[Entity]]:
        """No entities, for each text."""
        return [[] for _ in texts]
