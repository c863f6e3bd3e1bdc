"""Clues: sentences of players that name a place, each once, with language, class and licence."""
