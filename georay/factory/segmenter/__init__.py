"""Training and evaluation of the small segmenter and of the small MaskFormer."""
