"""Flows that join curation, training and evaluation."""
