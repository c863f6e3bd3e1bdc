"""Training: the two LoRA stages on Ray Train and DeepSpeed."""
