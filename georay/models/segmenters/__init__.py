"""The segmenters, one file per family; georay.models.segmenter is the door."""
