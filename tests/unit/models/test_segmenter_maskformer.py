"""MaskFormer's code path, on a small MaskFormer that was trained for minutes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from georay.errors import ModelUnavailable
from georay.models.segmenter import DEFAULT_SEGMENTER, load_segmenter
from georay.models.segmenters.areas import equal_size_batches

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "maskformer_small"


@pytest.fixture(scope="module")
def reduced():
    return load_segmenter(str(FIXTURE))


@pytest.fixture(scope="module")
def exact():
    return load_segmenter(str(FIXTURE), exact=True)


@pytest.fixture(scope="module")
def streets(shared):
    from georay.training.segmenter.camvid import read_split

    return read_split(shared("data/camvid"), "test")[::24]


def _images(examples):
    return [Image.fromarray(example.pixels) for example in examples]


def test_ratios_come_close_to_the_truth(reduced, streets, shared):
    from georay.training.segmenter.camvid import read_split

    truth = np.stack([_class_shares(example) for example in streets])
    usual = np.mean([_class_shares(e) for e in read_split(shared("data/camvid"), "train")], axis=0)
    found = _camvid_shares(reduced.area_ratios(_images(streets)))
    assert np.abs(found - truth).mean() < 0.6 * np.abs(usual - truth).mean()


def _class_shares(example):
    counts = np.bincount(example.classes.ravel(), minlength=256)[:11]
    return counts / counts.sum()


def _camvid_shares(ratios):
    from georay.training.segmenter.camvid import class_of_ade20k

    return np.stack([np.bincount(class_of_ade20k(), row, minlength=12)[:11] for row in ratios])


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
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)


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
