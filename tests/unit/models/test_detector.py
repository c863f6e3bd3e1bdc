"""Detectors of transformers: a small network of the real class, and what is refused."""

import pytest
from PIL import Image
from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessorPil

from georay.acquisition.download.blur import load_blur
from georay.config.collect import BlurRecipe, DetectorRecipe
from georay.errors import ModelUnavailable
from georay.models.detector import ObjectDetector


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detector")
    config = YolosConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        image_size=[64, 96], patch_size=16, num_detection_tokens=5,
        id2label={0: "face", 1: "plate"}, label2id={"face": 0, "plate": 1},
    )  # fmt: skip
    YolosForObjectDetection(config).save_pretrained(folder)
    size = {"shortest_edge": 64, "longest_edge": 96}
    YolosImageProcessorPil(size=size).save_pretrained(folder)
    return str(folder)


def found(folder, *labels, threshold=0.01):
    return ObjectDetector(folder, None, labels, threshold).boxes(Image.new("RGB", (120, 80)))


def test_boxes_are_corners_in_pixels(folder):
    boxes = found(folder)
    assert boxes
    assert all(len(box) == 4 and box[0] <= box[2] and box[1] <= box[3] for box in boxes)
    assert all(-120 < x < 240 for box in boxes for x in box[::2])


def test_only_the_named_classes_count(folder):
    assert len(found(folder, "face")) + len(found(folder, "plate")) == len(found(folder))
    assert found(folder, threshold=0.999) == []


def test_a_class_that_the_network_does_not_know_is_named(folder):
    with pytest.raises(ValueError, match=r"no wheel: choose of face, plate"):
        ObjectDetector(folder, None, ["wheel"], 0.5)


def test_a_hub_id_needs_a_revision():
    with pytest.raises(ValueError, match="full commit"):
        ObjectDetector("someone/plates", None, [], 0.5)


def test_a_folder_without_a_network_is_said(tmp_path):
    with pytest.raises(ModelUnavailable, match="cannot load the detector"):
        ObjectDetector(str(tmp_path), None, [], 0.5)


def test_the_recipe_leads_to_the_network(folder):
    blur = load_blur(BlurRecipe(detectors=(DetectorRecipe(model=folder, threshold=0.01),)))
    image = Image.radial_gradient("L").convert("RGB")
    assert blur(image) is not image
    assert load_blur(BlurRecipe())(image) is image
