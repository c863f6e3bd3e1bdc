"""Recipes: frozen pydantic models, read from YAML, overlaid and printed."""
