"""Qwen-VL, native: the paper's base model, its tokenizer and its processor."""

from .config import QwenVLConfig
from .family import QwenVLFamily
from .model import QwenVLForConditionalGeneration, QwenVLModel
from .processor import QwenVLProcessor
from .tokenizer import QwenVLTokenizer

__all__ = [
    "QwenVLConfig",
    "QwenVLFamily",
    "QwenVLForConditionalGeneration",
    "QwenVLModel",
    "QwenVLProcessor",
    "QwenVLTokenizer",
]
