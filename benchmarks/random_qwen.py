"""A small Qwen2.5-VL with random weights, as a folder that georay and vLLM both load.

It knows nothing; two engines that compute the same network must say the same all the same. Its
answers end, since the quote that ends a text is made likely.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from georay.core.prompts import PROMPTS
from georay.models.adapter_card import LoraSettings
from georay.models.adapters import STAGES, AdapterStack, lora_defaults
from georay.models.conversion import join_adapters
from georay.models.families.chat import ChatFamily
from georay.models.families.chat_processor import ChatProcessor, GridPictures
from georay.models.families.qwen_vl.tiny import place_texts

PATCH = 14
_SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
)
_TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n"
    "{% if turn.content is string %}{{ turn.content }}{% else %}{% for part in turn.content %}"
    "{% if part.type in ('image', 'image_url') %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Sizes:
    """How large the network is; vLLM on CPUs needs heads of at least 32 channels."""

    width: int = 128
    layers: int = 2
    heads: int = 4
    vocabulary: int = 1024
    rank: int = 8


def save_random_qwen(folder: Path, sizes: Sizes = Sizes(), seed: int = 5) -> Path:
    """Writes the model to folder/model, its two adapters to folder/adapters, their sum beside them
    to folder/both; returns the model's folder.
    """
    torch.manual_seed(seed)
    tokenizer = _tokenizer(sizes.vocabulary)
    network = _network(sizes, tokenizer)
    _let_answers_end(network, tokenizer)
    grid = GridPictures(Qwen2VLImageProcessorPil(patch_size=PATCH))
    image_token = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    family = ChatFamily(network, ChatProcessor(tokenizer, _TEMPLATE, grid, image_token))
    model = folder / "model"
    family.save_pretrained(model)
    _save_adapters(network, folder / "adapters", sizes.rank)
    join_adapters(folder / "adapters", folder / "both")
    return model


def _network(sizes: Sizes, tokenizer: Any) -> Qwen2_5_VLForConditionalGeneration:
    half = sizes.width // sizes.heads // 2
    sections = [half - 2 * (half // 3), half // 3, half // 3]
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": sizes.width,
        "intermediate_size": 2 * sizes.width,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.heads // 2,
        "max_position_embeddings": 4096,
        "rope_parameters": {
            "rope_type": "default",
            "mrope_section": sections,
            "rope_theta": 1e4,
        },
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "depth": 2,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_heads": 2,
        "out_hidden_size": sizes.width,
        "fullatt_block_indexes": [1],
    }
    places = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(token)
        for name, token in (
            ("image", "<|image_pad|>"),
            ("video", "<|video_pad|>"),
            ("vision_start", "<|vision_start|>"),
            ("vision_end", "<|vision_end|>"),
        )
    }
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, **places)
    return Qwen2_5_VLForConditionalGeneration(config).eval()


def _tokenizer(num_words: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE of prompts and places."""
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=num_words,
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = [*place_texts(4), *(prompt.question for prompt in PROMPTS.values())]
    words.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<|endoftext|>", eos_token="<|im_end|>"
    )


@torch.no_grad()
def _let_answers_end(network: Qwen2_5_VLForConditionalGeneration, tokenizer: Any) -> None:
    """Texts end where the quote is likelier than all else, which now happens soon."""
    head = network.lm_head.weight
    head.normal_(std=0.3)
    for text in ('"', '"}'):
        for token in tokenizer(text, add_special_tokens=False)["input_ids"]:
            head[token] *= 2.0
    for token in _SPECIAL:
        if token != tokenizer.eos_token:
            head[tokenizer.convert_tokens_to_ids(token)] = 0.0


def _save_adapters(network: Any, folder: Path, rank: int) -> None:
    usual = lora_defaults(network)
    settings = LoraSettings(rank=rank, alpha=rank, dropout=0.0, targets=usual.targets)
    stack = AdapterStack.build(network, "random Qwen2.5-VL", STAGES, settings)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.2)
    stack.save(folder)
