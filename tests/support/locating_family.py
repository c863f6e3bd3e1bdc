"""A very small Qwen-VL with untrained weights and strong opinions, for decoding and the locator."""

from functools import cache

import numpy as np
import torch
from PIL import Image

from georay.config.tiny import TinyModelRecipe, TinyVisionRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.prompts import INFERENCE, Conversation, Prompt
from georay.models.families.base import Exchange
from georay.models.families.qwen_vl import QwenVLFamily, QwenVLForConditionalGeneration
from georay.models.families.qwen_vl.processor import QwenVLProcessor
from georay.models.families.qwen_vl.tiny import learn_words, tiny_config
from georay.models.families.qwen_vl.tokenizer import QwenVLTokenizer

RECIPE = TinyModelRecipe(
    hidden_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=192,
    visual=TinyVisionRecipe(image_size=56, width=32, layers=1, heads=2, n_queries=4),
)


@cache
def small_family(num_words: int = 700) -> QwenVLFamily:
    """The same every time. Its words come from the names of countries and the question."""
    gazetteer = Gazetteer.load()
    names = [gazetteer.country_name(code) for code in gazetteer.countries()]
    ranks = learn_words([INFERENCE.question, *names], num_words)
    tokenizer = QwenVLTokenizer.from_ranks(ranks)
    config = tiny_config(RECIPE, tokenizer)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = QwenVLForConditionalGeneration(config).eval()
        with torch.no_grad():
            network.lm_head.weight.mul_(12)  # fresh weights like every word equally well
            network.transformer.wte.weight.mul_(12)
    return QwenVLFamily(network, QwenVLProcessor.for_network(tokenizer, config.vision))


def picture(seed: int = 0) -> Image.Image:
    """Noise, the same for a seed."""
    values = np.random.default_rng(seed).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return Image.fromarray(values)


def question(seed: int = 0, prompt: Prompt = INFERENCE) -> Exchange:
    return Exchange((picture(seed),), Conversation(prompt.question))
