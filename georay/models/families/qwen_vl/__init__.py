"""Qwen-VL, native: the paper's base model, its tokenizer and its processor."""

from .config import QwenVLConfig
from .model import QwenVLForConditionalGeneration, QwenVLModel

__all__ = ["QwenVLConfig", "QwenVLForConditionalGeneration", "QwenVLModel"]
