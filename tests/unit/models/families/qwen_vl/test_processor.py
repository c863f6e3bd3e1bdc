"""Pixels and prompts as the network was tuned to see them."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from georay.core.prompts import INFERENCE, Conversation, qwen_vl_text, target_answer
from georay.models.families.base import IGNORED, Exchange, Sampling
from georay.models.families.qwen_vl import (
    QwenVLFamily,
    QwenVLForConditionalGeneration,
    QwenVLProcessor,
    QwenVLTokenizer,
)

from .conftest import small_config

START, END, PLACE = 470, 471, 472


@pytest.fixture
def processor(tokenizer: QwenVLTokenizer) -> QwenVLProcessor:
    return QwenVLProcessor(tokenizer, image_size=28, n_queries=4)


@pytest.fixture
def family(network: QwenVLForConditionalGeneration, processor: QwenVLProcessor) -> QwenVLFamily:
    return QwenVLFamily(network, processor)


def photograph(seed: int = 0, size: tuple[int, int] = (61, 47)) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(levels)


def exchange(question: str, answer: str | None = None, num_images: int = 1) -> Exchange:
    images = tuple(photograph(seed) for seed in range(num_images))
    return Exchange(images, Conversation(question, num_images, answer))


def test_pixels_are_the_squeezed_image_normalised_by_clip(processor: QwenVLProcessor) -> None:
    image = photograph()
    square = np.asarray(image.resize((28, 28), Image.Resampling.BICUBIC), dtype=np.float64) / 255
    mean = np.array([0.48145466, 0.4578275, 0.40821073])
    std = np.array([0.26862954, 0.26130258, 0.27577711])
    pixels = processor.pixels([image])
    assert pixels.dtype == torch.float32
    assert pixels.shape == (1, 3, 28, 28)
    expected = torch.from_numpy((square - mean) / std).permute(2, 0, 1)
    torch.testing.assert_close(pixels[0].double(), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1", "LA"])
def test_every_kind_of_image_becomes_three_colours(processor: QwenVLProcessor, mode: str) -> None:
    image = photograph().convert(mode)
    expected = processor.pixels([image.convert("RGB")])
    assert torch.equal(processor.pixels([image]), expected)


def test_metadata_leaves_no_trace_in_the_pixels(processor: QwenVLProcessor) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    tagged, plain = io.BytesIO(), io.BytesIO()
    photograph().save(tagged, "JPEG", exif=exif)
    photograph().save(plain, "JPEG")
    assert tagged.getvalue() != plain.getvalue()
    assert torch.equal(
        processor.pixels([Image.open(tagged)]), processor.pixels([Image.open(plain)])
    )


def test_each_image_gets_its_places_whatever_stands_between_the_tags(
    processor: QwenVLProcessor,
) -> None:
    features = processor(["a<img>street/1.jpg</img>b<img></img>", "c"], [photograph()] * 2)
    image = [START, *[PLACE] * 4, END]
    assert features["input_ids"][0].tolist() == [ord("a"), *image, ord("b"), *image]
    assert features["input_ids"][1].tolist() == [256] * 13 + [ord("c")]
    assert features["attention_mask"].sum(dim=1).tolist() == [14, 1]
    assert features["pixel_values"].shape == (2, 3, 28, 28)


@pytest.mark.parametrize(("prompt", "num_images"), [("<img></img>", 0), ("a", 1)])
def test_images_without_places_and_places_without_images_are_refused(
    processor: QwenVLProcessor, prompt: str, num_images: int
) -> None:
    with pytest.raises(ValueError, match="places for"):
        processor([prompt], [photograph()] * num_images)


def test_the_published_prompt_comes_out_in_the_originals_ids(
    published: QwenVLTokenizer, shared: Callable[[str], Path]
) -> None:
    cases = json.loads(shared("reference/qwen_vl/tokenizer_cases.json").read_text())
    processor = QwenVLProcessor(published, 448, 256)
    asked = cases[1]["text"].split("</img>\n")[1].split("<|im_end|>")[0]
    prompt = qwen_vl_text(Conversation(asked)).context
    features = processor([prompt], [photograph()])
    assert features["input_ids"].tolist() == [cases[1]["ids"]]


def test_a_saved_processor_loads_with_equal_outputs(
    processor: QwenVLProcessor, tmp_path: Path
) -> None:
    processor.save_pretrained(tmp_path)
    loaded = QwenVLProcessor.from_pretrained(tmp_path)
    prompts, images = ["<img></img>where?"], [photograph()]
    expected, found = processor(prompts, images), loaded(prompts, images)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_published_folder_gives_the_sizes_of_its_network(
    tokenizer: QwenVLTokenizer, tmp_path: Path
) -> None:
    tokenizer.save_pretrained(tmp_path)
    small_config().save_pretrained(tmp_path)
    loaded = QwenVLProcessor.from_pretrained(tmp_path)
    assert (loaded.image_size, loaded.n_queries) == (28, 4)


def test_a_tokenizer_of_another_network_is_refused(tokenizer: QwenVLTokenizer) -> None:
    vision = small_config(vocab_size=600).vision
    other = small_config(vocab_size=600, visual=vars(vision) | {"image_start_id": 500}).vision
    with pytest.raises(ValueError, match="load both from the same model"):
        QwenVLProcessor.for_network(tokenizer, other)


def test_only_the_answer_and_its_end_are_learnt(family: QwenVLFamily) -> None:
    answer = target_answer(INFERENCE, country="Chile", city="Santiago", reasons="tiled roofs")
    exchanges = [exchange("Where is it?", answer), exchange("?", "Peru", num_images=2)]
    batch = family.encode_for_training(exchanges)
    learnt = [row[row != IGNORED].tolist() for row in batch["labels"]]
    assert family.tokenizer.batch_decode(learnt) == [f"{answer}<|im_end|>", "Peru<|im_end|>"]
    assert batch["pixel_values"].shape == (3, 3, 28, 28)
    given = (batch["labels"] == IGNORED) & (batch["attention_mask"] == 1)
    for number, prompt in enumerate(exchanges):
        asked = family.encode([prompt])["input_ids"][0]
        assert torch.equal(batch["input_ids"][number][given[number]], asked)
    assert torch.isfinite(family.network(**batch).loss)


def test_training_needs_answers(family: QwenVLFamily) -> None:
    with pytest.raises(ValueError, match="needs an answer"):
        family.encode_for_training([exchange("Where?")])


def test_answers_end_at_the_turns_end(family: QwenVLFamily) -> None:
    """A head that scores the turn's end highest must end every answer at once."""
    batch = family.encode([exchange("Where?"), exchange("And this one?", num_images=2)])
    assert all(len(answer) > 0 for answer in family.generate(batch, Sampling(max_new_tokens=9)))
    end = family.tokenizer.stop_token_ids[0]
    bias = torch.zeros(family.network.config.vocab_size)
    bias[end] = 1e4
    steps: list[int] = []

    def insist(_: object, __: object, scores: torch.Tensor) -> torch.Tensor:
        steps.append(1)
        return scores + bias

    family.network.lm_head.register_forward_hook(insist)
    assert family.generate(batch, Sampling(max_new_tokens=9)) == ["", ""]
    assert len(steps) == 1


def test_a_family_saved_in_one_folder_loads_from_it(family: QwenVLFamily, tmp_path: Path) -> None:
    family.network.save_pretrained(tmp_path)
    family.processor.save_pretrained(tmp_path)
    loaded = QwenVLFamily.from_pretrained(tmp_path)
    batch = family.encode([exchange("Where?")])
    sampling = Sampling(max_new_tokens=5)
    assert loaded.generate(batch, sampling) == family.generate(batch, sampling)
