"""Answers that are places: constrained writing, ranking of the gazetteer, calibrated confidence."""
