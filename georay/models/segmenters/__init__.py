"""The segmenters, one file per family; georay.models.segmenter loads them."""
