"""Families of vision-language models, behind one interface."""
