"""The small segmenter that the package carries."""

import copy

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from georay.errors import ModelUnavailable
from georay.locatability.labels import LABEL_INDEX
from georay.models.segmenter import load_segmenter
from georay.models.segmenters.folding import folded
from georay.models.segmenters.network import SmallSegmenterNetwork
from georay.models.segmenters.small import SMALL_WEIGHTS, load_small, working_size


@pytest.fixture(scope="module")
def segmenter():
    return load_segmenter("small")


def _noise(width, height):
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_ratios_are_shares_of_the_150_labels(segmenter):
    ratios = segmenter.area_ratios([_noise(64, 48), _noise(300, 500)])
    assert ratios.shape == (2, 150)
    assert ratios.dtype == np.float32
    np.testing.assert_allclose(ratios.sum(axis=1), 1, atol=1e-5)


def test_no_images_give_no_rows(segmenter):
    assert segmenter.area_ratios([]).shape == (0, 150)


def test_ratios_do_not_depend_on_the_other_images_of_a_batch(segmenter):
    images = [_noise(640, 480), _noise(90, 200), _noise(320, 240)]
    together = segmenter.area_ratios(images)
    alone = np.concatenate([segmenter.area_ratios([image]) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (2, 3000)])
def test_degenerate_sizes_are_segmented(segmenter, size):
    assert segmenter.area_ratios([_noise(*size)]).sum() == pytest.approx(1, abs=1e-5)


def test_working_size_keeps_the_aspect_ratio_in_whole_strides():
    assert working_size(480, 360) == (544, 416)
    assert working_size(1920, 1440) == (544, 416)
    assert working_size(500, 1000) == (352, 672)


def test_id_names_the_weights(segmenter):
    assert segmenter.id.startswith("small@")
    assert len(segmenter.id) == len("small@") + 12


def test_weights_stay_small():
    assert SMALL_WEIGHTS.stat().st_size <= 20e6


def test_head_labels_are_ade20k_labels(segmenter):
    assert set(segmenter.labels) <= set(LABEL_INDEX)


def test_missing_weights_are_reported(tmp_path):
    with pytest.raises(ModelUnavailable, match=r"absent\.safetensors"):
        load_small(tmp_path / "absent.safetensors")


def test_folding_changes_nothing_but_speed():
    torch.manual_seed(0)
    network = SmallSegmenterNetwork(5).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    images = torch.randn(2, 3, 96, 128)
    with torch.inference_mode():
        expected = network(images)
        found = folded(copy.deepcopy(network))(images)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_real_streets_are_segmented_well(segmenter, shared):
    from georay.factory.segmenter.camvid import read_split
    from georay.factory.segmenter.evaluate import evaluate

    every_twentieth = read_split(shared("data/camvid"), "test")[::20]
    score = evaluate(segmenter, every_twentieth)
    assert score.mean_iou > 0.55
    assert score.pixel_accuracy > 0.85


def test_drawn_scenes_are_segmented_well(segmenter):
    from georay.streetworld.world import StreetWorld

    world = StreetWorld(seed=99)
    scenes = [world.scene(index) for index in range(8)]
    right = [
        (segmenter.full_class_map(Image.fromarray(scene.image)) == scene.mask).mean()
        for scene in scenes
    ]
    assert np.mean(right) > 0.9


@pytest.mark.parametrize("kind, label", [("wall", "wall"), ("field", "field"), ("fog", "road")])
def test_a_placeless_scene_is_seen_for_what_it_is(segmenter, kind, label):
    from georay.streetworld.atlas.atlas import Atlas
    from georay.streetworld.world import StreetWorld

    country, city = Atlas.load().places[0]
    scene = StreetWorld(seed=99).scene_of(0, country, city, kind)
    ratios = segmenter.area_ratios([Image.fromarray(scene.image)])[0]
    shares = np.bincount(scene.mask.ravel(), minlength=150) / scene.mask.size
    assert shares[LABEL_INDEX[label]] > 0.1
    assert ratios[LABEL_INDEX[label]] == pytest.approx(shares[LABEL_INDEX[label]], abs=0.1)


def test_class_maps_agree_with_the_ratios(segmenter, shared):
    photograph = sorted(shared("data/camvid/test").glob("*.jpg"))[0]
    image = Image.open(photograph).convert("RGB")
    class_map = segmenter.class_maps([image])[0]
    ratios = segmenter.area_ratios([image])[0]
    assert class_map.dtype == np.uint8
    road = LABEL_INDEX["road"]
    assert ratios[road] == pytest.approx((class_map == road).mean(), abs=1e-6)
    assert ratios[road] > 0.1
