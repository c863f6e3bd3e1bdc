"""MaskFormer's code path, on a small MaskFormer that was trained for minutes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    MaskFormerConfig,
    MaskFormerDetrConfig,
    MaskFormerForInstanceSegmentation,
    MaskFormerImageProcessorPil,
    SwinConfig,
)

from georay.errors import ModelUnavailable
from georay.locatability.labels import ADE20K_LABELS
from georay.models.segmenter import DEFAULT_SEGMENTER, load_segmenter
from georay.models.segmenters.batches import equal_size_batches
from georay.models.segmenters.maskformer import MaskFormerSegmenter

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "maskformer_small"


@pytest.fixture(scope="module")
def reduced():
    return load_segmenter(str(FIXTURE))


@pytest.fixture(scope="module")
def exact():
    return load_segmenter(str(FIXTURE), exact=True)


@pytest.fixture(scope="module")
def streets(shared):
    from georay.factory.segmenter.camvid import read_split

    return read_split(shared("data/camvid"), "test")[::24]


def _images(examples):
    return [Image.fromarray(example.pixels) for example in examples]


def test_ratios_come_close_to_the_truth(reduced, streets, shared):
    from georay.factory.segmenter.camvid import read_split

    truth = np.stack([_class_shares(example) for example in streets])
    usual = np.mean([_class_shares(e) for e in read_split(shared("data/camvid"), "train")], axis=0)
    found = _camvid_shares(reduced.area_ratios(_images(streets)))
    assert np.abs(found - truth).mean() < 0.6 * np.abs(usual - truth).mean()


def _class_shares(example):
    counts = np.bincount(example.classes.ravel(), minlength=256)[:11]
    return counts / counts.sum()


def _camvid_shares(ratios):
    from georay.factory.segmenter.camvid import class_of_ade20k

    return np.stack(
        [np.bincount(class_of_ade20k()[: len(row)], row, minlength=12)[:11] for row in ratios]
    )


def test_reduced_and_exact_ratios_agree(reduced, exact, streets):
    images = _images(streets)
    difference = np.abs(reduced.area_ratios(images) - exact.area_ratios(images))
    assert difference.mean() <= 0.005
    assert difference.sum(axis=1).max() <= 0.05
    assert difference.max() > 0, "the two paths are the same path"


def test_exact_maps_have_the_size_of_the_image(exact):
    image = Image.new("RGB", (90, 61), "skyblue")
    assert exact.class_maps([image])[0].shape == (61, 90)


def test_ratios_do_not_depend_on_the_other_images_of_a_batch(reduced):
    random = np.random.default_rng(0)
    sizes = ((60, 80, 3), (200, 100, 3), (64, 64, 3))
    images = [Image.fromarray(random.integers(0, 256, size, dtype=np.uint8)) for size in sizes]
    together = reduced.area_ratios(images)
    alone = np.concatenate([reduced.area_ratios([image]) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-3)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)


@pytest.fixture(scope="module")
def swin_maskformer():
    """The published architecture in miniature; spread weights, so that several classes win."""
    config = MaskFormerConfig(
        backbone_config=SwinConfig(
            embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=7
        ),
        decoder_config=MaskFormerDetrConfig(
            d_model=32, decoder_layers=1, decoder_ffn_dim=32, decoder_attention_heads=2
        ),
        fpn_feature_size=32,
        mask_feature_size=32,
        id2label=dict(enumerate(ADE20K_LABELS)),
    )
    torch.manual_seed(0)
    model = MaskFormerForInstanceSegmentation(config).eval()
    torch.nn.init.normal_(model.model.transformer_module.queries_embedder.weight, std=2)
    for layer in (model.class_predictor, *model.mask_embedder.modules()):
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight, std=0.5)
    torch.nn.init.normal_(model.model.pixel_level_module.decoder.mask_projection.weight, std=1)
    return model


def test_published_architecture_agrees_with_transformers_own_post_processing(swin_maskformer):
    processor = MaskFormerImageProcessorPil(size={"shortest_edge": 128, "longest_edge": 256})
    rows, columns = np.mgrid[0:150, 0:200]
    pixels = np.stack([rows, columns, (rows * columns) % 256], axis=-1).astype(np.uint8)
    image = Image.fromarray(pixels)
    with torch.inference_mode():
        output = swin_maskformer(**processor(images=[image], return_tensors="pt"))
    ids = processor.post_process_semantic_segmentation(output, target_sizes=[(150, 200)])[0]
    expected = np.bincount(ids.flatten(), minlength=150) / ids.numel()
    assert (expected > 0.01).sum() >= 2, "one class everywhere would prove nothing"

    exact = MaskFormerSegmenter(swin_maskformer, processor, id="exact", exact=True)
    np.testing.assert_allclose(exact.area_ratios([image])[0], expected, atol=1e-3)
    reduced = MaskFormerSegmenter(swin_maskformer, processor, id="reduced")
    assert np.abs(reduced.area_ratios([image])[0] - expected).mean() <= 0.005


def test_batches_hold_one_shape_and_lose_nothing():
    arrays = [torch.full((side,), position) for position, side in enumerate([2, 3, 2, 2, 3])]
    batches = list(equal_size_batches(arrays, limit=2))
    assert [positions for positions, _ in batches] == [[0, 2], [3], [1, 4]]
    for positions, batch in batches:
        assert batch[:, 0].tolist() == positions


def test_hub_model_needs_a_revision():
    with pytest.raises(ValueError, match="revision"):
        load_segmenter(DEFAULT_SEGMENTER)


def test_unreachable_weights_name_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailable, match="--segmenter small"):
        load_segmenter(DEFAULT_SEGMENTER, revision="0" * 40)
    with pytest.raises(ModelUnavailable, match="--segmenter small"):
        load_segmenter(str(tmp_path))
