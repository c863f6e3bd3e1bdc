"""Sentences of players' guides and games, from the forms in which people keep them."""

from georay.clues.sources.read import read_sentences
from georay.clues.sources.sentence import Sentence

__all__ = ["Sentence", "read_sentences"]
