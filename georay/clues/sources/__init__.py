"""Sentences of players' guides and games, from the forms in which people keep them."""

from georay.clues.sources.read import SentenceFile
from georay.clues.sources.sentence import SENTENCES, Sentence

__all__ = ["SENTENCES", "Sentence", "SentenceFile"]
