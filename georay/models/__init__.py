"""The model package that curation, training, serving and evaluation share."""
