"""Our network against outputs of the original one, and against the published sizes."""

import torch
from torch import Tensor

from georay.models.families.qwen_vl import QwenVLConfig, QwenVLForConditionalGeneration

from .conftest import Original

TOLERANCE = 1e-4


def difference(found: Tensor, expected: Tensor) -> float:
    assert found.shape == expected.shape
    return float((found - expected).abs().max())


def test_state_dict_has_the_published_names_and_shapes(original: Original) -> None:
    found = {name: tuple(t.shape) for name, t in original.network.state_dict().items()}
    assert found == original.shapes


@torch.inference_mode()
def test_visual_features_are_the_originals(original: Original) -> None:
    features = original.network.transformer.visual(original.pixels)
    expected = original.expected
    assert difference(features[:, ::16], expected["visual_features"]) < TOLERANCE
    assert difference(features.mean((1, 2)), expected["visual_mean"]) < TOLERANCE
    assert difference(features.std((1, 2)), expected["visual_std"]) < TOLERANCE


@torch.inference_mode()
def test_logits_and_loss_with_an_image_are_the_originals(original: Original) -> None:
    ids = original.expected["input_ids"]
    labels = ids.clone()
    labels[:, :261] = -100
    outputs = original.network(input_ids=ids, pixel_values=original.pixels, labels=labels)
    assert difference(outputs.logits[:, :3], original.expected["logits_head"]) < TOLERANCE
    assert difference(outputs.logits[:, -9:], original.expected["logits_tail"]) < TOLERANCE
    assert difference(outputs.loss[None], original.expected["loss"]) < TOLERANCE


@torch.inference_mode()
def test_logits_of_plain_text_are_the_originals(original: Original) -> None:
    logits = original.network(input_ids=original.expected["text_ids"]).logits
    assert difference(logits, original.expected["text_logits"]) < TOLERANCE


@torch.inference_mode()
def test_logits_after_two_images_in_one_prompt_are_the_originals(original: Original) -> None:
    ids = original.expected["two_image_ids"]
    logits = original.network(input_ids=ids, pixel_values=original.pixels).logits
    assert difference(logits[:, -3:], original.expected["two_image_logits_tail"]) < TOLERANCE


@torch.inference_mode()
def test_logits_past_the_training_length_are_the_originals(original: Original) -> None:
    ids = ((torch.arange(2100) * 37 + 11) % 590)[None]
    logits = original.network(input_ids=ids, logits_to_keep=4).logits
    assert difference(logits, original.expected["long_logits_tail"]) < TOLERANCE


def test_full_size_has_exactly_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        network = QwenVLForConditionalGeneration(QwenVLConfig())
    visual = network.transformer.visual
    count = lambda module: sum(p.numel() for p in module.parameters())  # noqa: E731
    after_adapter = visual.proj.numel() + count(visual.ln_post)
    assert count(network) == 9_656_935_168
    assert count(visual) - count(visual.attn_pool) - after_adapter == 1_842_770_688
    assert count(visual.attn_pool) == 76_054_528
    assert count(network) - count(visual) == 7_721_324_544
