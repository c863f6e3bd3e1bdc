"""Where the rooms are joined: curation, training and evaluation as one flow."""
