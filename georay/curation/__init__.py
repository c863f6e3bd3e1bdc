"""Curation: scores photographs by locatability, selects them, makes training samples of them."""
