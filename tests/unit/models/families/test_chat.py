"""Chat families through one processor, on a small network of each class."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import BertConfig, LlavaProcessor
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from georay.core.prompts import (
    INFERENCE,
    LOCATION,
    Conversation,
    target_answer,
)
from georay.models.families.base import IGNORED, Exchange, Sampling
from georay.models.families.chat import MODEL_TYPES, ChatFamily
from georay.models.families.chat_processor import ChatProcessor

Build = Callable[[str, int], ChatFamily]
JAPAN = target_answer(LOCATION, country="Japan", city="Tōkyō")
GREEDY = Sampling(max_new_tokens=12)


def picture(width: int = 90, height: int = 60, seed: int = 0) -> Image.Image:
    torch.manual_seed(seed)
    return Image.fromarray(torch.randint(0, 256, (height, width, 3), dtype=torch.uint8).numpy())


def exchange(
    sizes: Sequence[tuple[int, int]] = ((90, 60),),
    question: str = LOCATION.question,
    answer: str | None = None,
) -> Exchange:
    images = tuple(picture(*size, seed=number) for number, size in enumerate(sizes))
    return Exchange(images, Conversation(question, len(images), answer))


@pytest.fixture(params=MODEL_TYPES)
def family(request: pytest.FixtureRequest, small_chat_family: Build) -> ChatFamily:
    return small_chat_family(str(request.param), 3)


def test_prompt_ends_where_the_model_speaks_whether_or_not_an_answer_is_known(
    family: ChatFamily,
) -> None:
    asked = family.encode([exchange()])["input_ids"]
    text = family.tokenizer.decode(asked[0])
    assert LOCATION.question in text
    assert text.endswith(("assistant\n", "ASSISTANT:"))
    assert torch.equal(asked, family.encode([exchange(answer=JAPAN)])["input_ids"])


def test_what_is_given_in_training_is_what_is_given_in_inference(family: ChatFamily) -> None:
    asked = family.encode([exchange()])["input_ids"][0]
    learnt = family.encode_for_training([exchange(answer=JAPAN)])
    given = learnt["input_ids"][0][learnt["labels"][0] == IGNORED]
    assert torch.equal(given, asked)


def test_only_the_answer_and_its_end_are_learnt(family: ChatFamily) -> None:
    batch = family.encode_for_training(
        [exchange(answer=JAPAN), exchange([(60, 60), (90, 90)], "Where?", "Perú")]
    )
    ends = family.tokenizer.eos_token
    learnt = [family.tokenizer.decode(row[row != IGNORED]) for row in batch["labels"]]
    assert [text.strip() for text in learnt] == [JAPAN + ends, "Perú" + ends]
    inputs, labels = batch["input_ids"], batch["labels"]
    assert torch.equal(inputs[labels != IGNORED], labels[labels != IGNORED])
    assert (labels[batch["attention_mask"] == 0] == IGNORED).all()


def test_every_picture_has_the_places_that_its_vectors_take(family: ChatFamily) -> None:
    """transformers refuses a batch in which tokens and vectors differ in number."""
    batch = family.encode([exchange([(90, 60), (200, 40)]), exchange([(56, 112)])])
    with torch.inference_mode():
        assert family.network(**batch).logits.isfinite().all()


def test_batches_pad_on_the_left_and_give_each_row_what_it_gives_alone(family: ChatFamily) -> None:
    rows = [exchange(question="Where?"), exchange([(120, 60), (60, 60)], INFERENCE.question)]
    together = family.encode(rows)
    assert together["attention_mask"][0, 0] == 0
    assert together["attention_mask"][:, -1].all()
    with torch.inference_mode():
        joint = family.network(**together).logits[:, -1]
        alone = [family.network(**family.encode([row])).logits[0, -1] for row in rows]
    assert (joint - torch.stack(alone)).abs().max() < 1e-4


def test_cached_generation_chooses_what_whole_forwards_choose(family: ChatFamily) -> None:
    rows = [exchange(question="Where?"), exchange([(120, 60)], INFERENCE.question)]
    batch = family.encode(rows)
    generate = family.network.generate
    cached = generate(**batch, max_new_tokens=6, do_sample=False, use_cache=True)
    whole = generate(**batch, max_new_tokens=6, do_sample=False, use_cache=False)
    assert torch.equal(cached, whole)


def test_a_network_that_learnt_an_answer_gives_it_back_and_stops(family: ChatFamily) -> None:
    """Training's and inference's prompts, pixels and ends agree, or this could not work."""
    sheets = [
        exchange([(60, 60)], answer=JAPAN),
        Exchange(
            (Image.new("RGB", (60, 60), (250, 20, 20)),), Conversation(LOCATION.question, 1, "Peru")
        ),
    ]
    batch = family.encode_for_training(sheets)
    optimizer = torch.optim.AdamW(family.network.parameters(), lr=5e-3)
    for _ in range(100):
        loss = family.network(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if loss < 0.02:
            break
    answers = family.generate(family.encode(sheets), Sampling(max_new_tokens=60))
    assert answers == [JAPAN, "Peru"]


def test_sampling_draws_and_greedy_repeats(family: ChatFamily) -> None:
    batch = family.encode([exchange()])
    assert family.generate(batch, GREEDY) == family.generate(batch, GREEDY)
    torch.manual_seed(0)
    wild = Sampling(max_new_tokens=12, temperature=2.0)
    assert len({family.generate(batch, wild)[0] for _ in range(4)}) > 1
    nucleus = Sampling(max_new_tokens=12, temperature=1.0, top_p=1e-6)
    assert family.generate(batch, nucleus) == family.generate(batch, GREEDY)


def test_saved_family_reads_pictures_and_words_the_same(family: ChatFamily, tmp_path: Path) -> None:
    family.save_pretrained(tmp_path)
    loaded = ChatFamily.from_pretrained(tmp_path)
    rows = [exchange([(90, 60), (60, 60)]), exchange([(300, 120)])]
    before, after = family.encode(rows), loaded.encode(rows)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    with torch.inference_mode():
        difference = family.network(**before).logits - loaded.network(**after).logits
    assert difference.abs().max() == 0
    assert not list(tmp_path.glob("*.bin"))


def test_chat_template_of_published_folders_is_found(
    small_chat_family: Build, tmp_path: Path
) -> None:
    """llava-hf keeps it in chat_template.json, newer repositories in a file of Jinja."""
    family = small_chat_family("llava", 3)
    family.save_pretrained(tmp_path)
    expected = family.encode([exchange()])["input_ids"]
    jinja = tmp_path / "chat_template.jinja"
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": jinja.read_text()}))
    jinja.unlink()
    assert torch.equal(
        ChatFamily.from_pretrained(tmp_path).encode([exchange()])["input_ids"], expected
    )
    (tmp_path / "chat_template.json").unlink()
    with pytest.raises(ValueError, match="no chat template: is it a base model"):
        ChatFamily.from_pretrained(tmp_path)


def test_llava_is_fed_what_transformers_own_processor_feeds_it(small_chat_family: Build) -> None:
    family = small_chat_family("llava", 3)
    size = {"height": 56, "width": 56}
    stock = LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 56}, crop_size=size),
        family.tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    row = exchange([(90, 60), (60, 75)])
    text = f"USER: <image>\n<image>\n{LOCATION.question} ASSISTANT:"
    expected = stock(text=[text], images=list(row.images), return_tensors="pt")
    found = family.encode([row])
    assert torch.equal(found["input_ids"], expected["input_ids"])
    assert torch.equal(found["pixel_values"], expected["pixel_values"])


@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "qwen3_vl"])
def test_qwen_pictures_take_places_by_their_size(small_chat_family: Build, model_type: str) -> None:
    family = small_chat_family(model_type, 3)
    side = 2 * family.network.config.vision_config.patch_size  # a token is 2 x 2 patches
    batch = family.encode([exchange([(4 * side, 3 * side), (2 * side, 5 * side)])])
    is_picture = batch["mm_token_type_ids"][0] == 1
    assert torch.equal(is_picture, batch["input_ids"][0] == family.network.config.image_token_id)
    assert is_picture.sum() == 4 * 3 + 2 * 5
    assert batch["image_grid_thw"].tolist() == [[1, 6, 8], [1, 10, 4]]


@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "qwen3_vl"])
def test_max_pixels_bounds_what_a_large_picture_costs(
    small_chat_family: Build, model_type: str, tmp_path: Path
) -> None:
    small_chat_family(model_type, 3).save_pretrained(tmp_path)
    bounded = ChatFamily.from_pretrained(tmp_path, max_pixels=128 * 128)
    patches = bounded.encode([exchange([(640, 480)])])["image_grid_thw"][0].prod()
    assert patches * bounded.network.config.vision_config.patch_size**2 <= 128 * 128


def test_pictures_that_are_not_rgb_are_read_as_rgb(family: ChatFamily) -> None:
    grey = Exchange((picture().convert("L"),), exchange().conversation)
    as_rgb = Exchange((picture().convert("L").convert("RGB"),), exchange().conversation)
    pixels = [family.encode([one])["pixel_values"] for one in (grey, as_rgb)]
    assert torch.equal(*pixels)


def test_pictures_and_conversation_must_agree_in_number() -> None:
    with pytest.raises(ValueError, match="about 2 pictures, got 1"):
        Exchange((picture(),), Conversation("Where?", 2))


def test_training_without_an_answer_is_refused(family: ChatFamily) -> None:
    with pytest.raises(ValueError, match="needs an answer"):
        family.encode_for_training([exchange()])


def test_a_template_that_loses_pictures_or_rewrites_answers_is_refused(
    small_chat_family: Build,
) -> None:
    kept = small_chat_family("qwen2_5_vl", 3).processor

    def with_template(template: str) -> ChatProcessor:
        image_id = kept.tokenizer.convert_tokens_to_ids("<|image_pad|>")
        return ChatProcessor(kept.tokenizer, template, kept.pictures, image_id)

    with pytest.raises(ValueError, match="0 places for 1 pictures"):
        with_template("text only").encode([exchange()])
    with pytest.raises(ValueError, match="differently with an answer"):
        with_template("<|image_pad|>{{ messages | length }}").encode_for_training(
            [exchange(answer=JAPAN)]
        )


def test_an_answer_that_the_tokenizer_joins_to_the_prompt_is_refused(
    small_chat_family: Build,
) -> None:
    kept = small_chat_family("qwen2_5_vl", 3).processor
    template = "<|image_pad|>{% for turn in messages %}{{ turn.content[-1].text }}{% endfor %}"
    image_id = kept.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    processor = ChatProcessor(kept.tokenizer, template, kept.pictures, image_id)
    with pytest.raises(ValueError, match="the answer 'age' melts into the prompt"):
        processor.encode_for_training([exchange(question="im", answer="age")])


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="is a 'bert' model; chat families are"):
        ChatFamily.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "fault", [{"max_new_tokens": 0}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.5}]
)
def test_sampling_that_means_nothing_is_refused(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="sampling needs"):
        replace(Sampling(), **fault)


def test_a_picture_far_too_long_is_refused_in_a_sentence_and_the_longest_allowed_is_read(
    family: ChatFamily,
) -> None:
    assert family.refusal_of(4000, 20) is None
    assert "4,001×20 pixels" in (family.refusal_of(4001, 20) or "")
    assert "12×4,000 pixels" in (family.refusal_of(12, 4000) or "")
    assert family.encode([exchange([(4000, 20)])])["input_ids"].shape[0] == 1


@pytest.mark.parametrize("size", [(1, 1), (2800, 14), (14, 2800), (1, 200)])
def test_what_is_not_refused_can_be_read(family: ChatFamily, size: tuple[int, int]) -> None:
    assert family.refusal_of(*size) is None
    assert family.encode([exchange([size])])["input_ids"].shape[0] == 1
