"""Small networks of each chat class with random weights: for what holds whatever the weights.

Their tokenizer and chat templates are small too, and have the published ones' form.
"""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from georay.core.prompts import INFERENCE
from georay.models.families.chat import ChatFamily
from georay.models.families.chat_processor import (
    ChatProcessor,
    GridPictures,
    SquarePictures,
    llava_tokens,
)
from georay.models.families.qwen_vl import QwenVLConfig, QwenVLForConditionalGeneration

VOCABULARY = 512
PAD, BOS, EOS, TURN_START, TURN_END = "<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"
IMAGE_PAD, VIDEO_PAD = "<|image_pad|>", "<|video_pad|>"
VISION_START, VISION_END, IMAGE = "<|vision_start|>", "<|vision_end|>", "<image>"
SPECIAL = (PAD, BOS, EOS, TURN_START, TURN_END)
SPECIAL += (IMAGE_PAD, VIDEO_PAD, VISION_START, VISION_END, IMAGE)

CHATML = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n{% for part in turn.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VICUNA = (
    "{% for turn in messages %}{{ turn.role | upper }}: {% for part in turn.content %}"
    "{% if part.type == 'image' %}<image>\n{% else %}{{ part.text }} {% endif %}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)

_TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "bos_token_id": SPECIAL.index(BOS),
    "eos_token_id": SPECIAL.index(EOS),
    "pad_token_id": SPECIAL.index(PAD),
}
_PLACES = {
    "image_token_id": SPECIAL.index(IMAGE_PAD),
    "video_token_id": SPECIAL.index(VIDEO_PAD),
    "vision_start_token_id": SPECIAL.index(VISION_START),
    "vision_end_token_id": SPECIAL.index(VISION_END),
}


def _qwen2_5_vl() -> PreTrainedModel:
    rope = {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 1e4}
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 32,
        "fullatt_block_indexes": [1],
    }
    config = Qwen2_5_VLConfig(
        text_config=_TEXT | {"rope_parameters": rope}, vision_config=vision, **_PLACES
    )
    return Qwen2_5_VLForConditionalGeneration(config)


def _qwen3_vl() -> PreTrainedModel:
    rope = {
        "rope_type": "default",
        "mrope_section": [2, 1, 1],
        "mrope_interleaved": True,
        "rope_theta": 1e4,
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 32,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    config = Qwen3VLConfig(
        text_config=_TEXT | {"rope_parameters": rope, "head_dim": 8},
        vision_config=vision,
        **_PLACES,
    )
    return Qwen3VLForConditionalGeneration(config)


def _llava() -> PreTrainedModel:
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
        projection_dim=32,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=LlamaConfig(**_TEXT),
        image_token_index=SPECIAL.index(IMAGE),
        image_seq_length=16,
    )
    return LlavaForConditionalGeneration(config)


def _qwen() -> PreTrainedModel:
    visual = {
        "image_size": 28,
        "patch_size": 14,
        "width": 32,
        "layers": 2,
        "heads": 2,
        "mlp_ratio": 2.0,
        "output_dim": 128,
        "image_start_id": 500,
        "n_queries": 4,
    }
    config = QwenVLConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        kv_channels=32,
        intermediate_size=192,
        visual=visual,
    )
    return QwenVLForConditionalGeneration(config)


_BUILDERS = {"qwen": _qwen, "qwen2_5_vl": _qwen2_5_vl, "qwen3_vl": _qwen3_vl, "llava": _llava}


def small_chat_network(model_type: str, seed: int) -> PreTrainedModel:
    """A small network of the given model type, the same for the same seed."""
    torch.manual_seed(seed)
    return _BUILDERS[model_type]().eval()


def _tokenizer(model_type: str) -> PreTrainedTokenizerFast:
    """A byte-level BPE of a few merges; LLaVA's begins every text with <s>, as Llama's does."""
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    words.train_from_iterator([INFERENCE.question], trainer)
    if model_type == "llava":
        words.post_processor = processors.TemplateProcessing(
            single=f"{BOS} $A", special_tokens=[(BOS, SPECIAL.index(BOS))]
        )
    ends, starts = (EOS, BOS) if model_type == "llava" else (TURN_END, None)
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token=PAD, eos_token=ends, bos_token=starts
    )


def small_chat_family(model_type: str, seed: int) -> ChatFamily:
    """A small network of the given model type with its tokenizer and processor."""
    network, tokenizer = small_chat_network(model_type, seed), _tokenizer(model_type)
    config = network.config
    if model_type == "llava":
        size = {"height": 56, "width": 56}
        square = CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size=size)
        pictures: GridPictures | SquarePictures = SquarePictures(square, llava_tokens(config))
    else:
        patch = config.vision_config.patch_size
        pictures = GridPictures(Qwen2VLImageProcessorPil(patch_size=patch))
    template = VICUNA if model_type == "llava" else CHATML
    return ChatFamily(network, ChatProcessor(tokenizer, template, pictures, config.image_token_id))
