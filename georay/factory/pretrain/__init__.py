"""Pre-training of the base `tiny` on drawn scenes: first its vision encoder, then all of it."""
