"""The tiny twin: within its budget, the same every time, and a Qwen-VL in all it does."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from georay.config.load import load_recipe
from georay.config.tiny import TinyModelRecipe
from georay.core.prompts import INFERENCE, LOCATION, Conversation, target_answer
from georay.models.families.base import Exchange, Sampling
from georay.models.families.qwen_vl import QwenVLFamily
from georay.models.families.qwen_vl.tiny import build_tiny, learn_words

RECIPE = Path(__file__).resolve().parents[5] / "jobs" / "recipes" / "tiny.yaml"


@pytest.fixture(scope="module")
def tiny() -> QwenVLFamily:
    return build_tiny(load_recipe(RECIPE, TinyModelRecipe))


def question() -> Exchange:
    picture = Image.fromarray(np.full((90, 120, 3), 128, dtype=np.uint8))
    return Exchange((picture,), Conversation(INFERENCE.question))


def test_the_recipe_stays_within_eight_million_parameters(tiny: QwenVLFamily) -> None:
    parameters = sum(p.numel() for p in tiny.network.parameters())
    assert 10_000_000 < parameters <= 11_000_000
    assert tiny.network.config.vocab_size == len(tiny.tokenizer) == 3072


def test_the_recipe_gives_the_same_model_every_time(tiny: QwenVLFamily) -> None:
    torch.rand(3)  # the caller's own random numbers must neither matter nor change
    state = torch.random.get_rng_state()
    again = build_tiny(load_recipe(RECIPE, TinyModelRecipe))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert again.tokenizer.get_vocab() == tiny.tokenizer.get_vocab()
    for name, tensor in tiny.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], tensor), name


def test_answers_take_few_words(tiny: QwenVLFamily) -> None:
    answer = target_answer(LOCATION, country="United Kingdom", city="London")
    ids = tiny.tokenizer(answer)["input_ids"]
    assert tiny.tokenizer.decode(ids) == answer
    assert len(ids) < len(answer) / 2


def test_the_vocabulary_learns_from_the_texts_it_is_given() -> None:
    texts = ["zebra crossing"] * 9
    assert b"zebra" in learn_words(texts, 400)
    assert learn_words(texts, 256) == learn_words([], 256)
    assert sorted(learn_words([], 256)) == [bytes([byte]) for byte in range(256)]


def test_it_answers_untrained_and_loads_from_its_folder(tiny: QwenVLFamily, tmp_path: Path) -> None:
    tiny.network.save_pretrained(tmp_path)
    tiny.processor.save_pretrained(tmp_path)
    loaded = QwenVLFamily.from_pretrained(tmp_path)
    batch, sampling = tiny.encode([question()]), Sampling(max_new_tokens=4)
    assert int((batch["input_ids"] == tiny.network.config.vision.image_pad_id).sum()) == 64
    assert loaded.generate(loaded.encode([question()]), sampling) == tiny.generate(batch, sampling)
