"""Other semantic-segmentation models of transformers behind the same protocol."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    SegformerConfig,
    SegformerForSemanticSegmentation,
    SegformerImageProcessorPil,
    SwinConfig,
    UperNetConfig,
    UperNetForSemanticSegmentation,
)

from georay.locatability.labels import LABEL_INDEX
from georay.models.segmenter import load_segmenter

CITYSCAPES_PART = ("road", "vegetation", "traffic sign", "rider")


def _segformer(names):
    config = SegformerConfig(
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
        id2label=dict(enumerate(names)),
        label2id={name: index for index, name in enumerate(names)},
    )
    return SegformerForSemanticSegmentation(config)


def _upernet(names):
    backbone = SwinConfig(
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = UperNetConfig(
        backbone_config=backbone,
        hidden_size=16,
        use_auxiliary_head=False,
        id2label=dict(enumerate(names)),
        label2id={name: index for index, name in enumerate(names)},
    )
    return UperNetForSemanticSegmentation(config)


def _saved(model, folder):
    model.save_pretrained(folder)
    SegformerImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("build", [_segformer, _upernet])
def test_areas_fall_on_the_mapped_labels(build, tmp_path):
    torch.manual_seed(0)
    segmenter = load_segmenter(_saved(build(CITYSCAPES_PART), tmp_path))
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    ratios = segmenter.area_ratios([Image.fromarray(pixels), Image.new("RGB", (30, 90))])
    allowed = [LABEL_INDEX[label] for label in ("road", "tree", "signboard", "person")]
    np.testing.assert_allclose(ratios[:, allowed].sum(axis=1), 1, atol=1e-5)


def test_reduced_and_exact_ratios_agree(tmp_path):
    torch.manual_seed(0)
    folder = _saved(_segformer(CITYSCAPES_PART), tmp_path)
    column = np.linspace(0, 255, 80, dtype=np.uint8)[:, None, None]
    image = Image.fromarray(np.broadcast_to(column, (80, 60, 3)).copy())
    reduced = load_segmenter(folder).area_ratios([image])
    exact = load_segmenter(folder, exact=True)
    assert np.abs(reduced - exact.area_ratios([image])).mean() <= 0.005
    assert exact.class_maps([image])[0].shape == (80, 60)


def test_class_without_a_label_is_refused_by_name(tmp_path):
    folder = _saved(_segformer(("road", "lava")), tmp_path)
    with pytest.raises(ValueError, match="'lava'"):
        load_segmenter(folder)
