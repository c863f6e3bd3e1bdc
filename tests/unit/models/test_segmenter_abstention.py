"""What the small segmenter does not know is no class, and a picture full of it is marked."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from georay.locatability.colours import OTHER_COLOUR, class_palette
from georay.locatability.score import area_ratio
from georay.models.segmenters.abstention import Abstention, confidence, family_matrix
from georay.models.segmenters.base import SMALL_WEIGHTS, UNKNOWN, unknown_share
from georay.models.segmenters.network import SmallSegmenterNetwork
from georay.models.segmenters.small import OTHER, SmallSegmenter, load_small


def _noise(width, height):
    random = np.random.default_rng(0)
    return Image.fromarray(random.integers(0, 255, (height, width, 3), dtype=np.uint8))


def _bounded(tmp_path, **bounds):
    """The packaged weights with bounds of abstention in their file."""
    with safe_open(SMALL_WEIGHTS, framework="pt") as file:
        labels = file.metadata()["labels"]
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    metadata = {"labels": labels, "abstention": json.dumps(asdict(Abstention(**bounds)))}
    save_file(tensors, tmp_path / "bounded.safetensors", metadata=metadata)
    return load_small(tmp_path / "bounded.safetensors")


def test_a_family_is_as_sure_as_its_labels_together():
    labels = ("house", "tower", "road")
    logits = torch.tensor([2.0, 2.0, 1.0]).view(1, 3, 1, 1)
    probability = logits.softmax(dim=1)[0, :, 0, 0]
    found = confidence(logits, family_matrix(labels))
    assert found.item() == pytest.approx((probability[0] + probability[1]).item())


def test_pixels_below_the_bound_belong_to_no_class(tmp_path):
    segmenter = _bounded(tmp_path, confidence=0.6, largest_share=0.25)
    image = _noise(96, 64)
    full = segmenter.full_class_map(image)
    np.testing.assert_array_equal(full == UNKNOWN, segmenter.confidences(image) < 0.6)
    assert 0 < (full == UNKNOWN).mean() < 1
    ratios = segmenter.area_ratios([image])[0]
    (small,) = segmenter.class_maps([image])
    assert unknown_share(ratios) == pytest.approx((small == UNKNOWN).mean(), abs=1e-5)
    assert segmenter.largest_unknown_share == 0.25


def test_weights_without_bounds_know_everything():
    network = SmallSegmenterNetwork(2)
    segmenter = SmallSegmenter(network, ["sky", "road, route"], id="two")
    ratios = segmenter.area_ratios([_noise(64, 64)])
    assert unknown_share(ratios[0]) == 0 and segmenter.largest_unknown_share == 1


def test_the_heads_other_is_no_class():
    network = SmallSegmenterNetwork(2)
    with torch.no_grad():
        network.head.bias.copy_(torch.tensor([-50.0, 50.0]))
    segmenter = SmallSegmenter(network, ["sky", OTHER], id="two")
    assert unknown_share(segmenter.area_ratios([_noise(64, 64)])[0]) == pytest.approx(1)


def test_area_ratios_lack_what_is_not_known():
    ratios = area_ratio(np.array([[2, 2, UNKNOWN, UNKNOWN]], np.uint8))
    assert ratios.shape == (150,) and ratios[2] == 0.5
    assert unknown_share(ratios) == pytest.approx(0.5)


def test_what_is_not_known_is_grey_in_pictures():
    at = 3 * UNKNOWN
    assert class_palette()[at : at + 3] == [int(OTHER_COLOUR[i : i + 2], 16) for i in (1, 3, 5)]
