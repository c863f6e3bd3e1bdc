"""Training the segmenters, on a drawn miniature of CamVid."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from georay.config.segmenter import Augmentation, TrainSegmenterRecipe
from georay.errors import ModelUnavailable
from georay.models.segmenters.network import Encoder
from georay.training.segmenter import imagenet
from georay.training.segmenter.camvid import (
    ADE20K_LABELS_OF_CLASS,
    CLASSES,
    VOID,
    Example,
    class_of_ade20k,
    read_split,
    training_crop,
)
from georay.training.segmenter.evaluate import evaluate
from georay.training.segmenter.loop import learning_rate_factor
from georay.training.segmenter.losses import group_logits, segmentation_loss
from georay.training.segmenter.run import train_segmenter


@pytest.fixture
def camvid(tmp_path):
    """Four pictures whose colour tells the class, in CamVid's layout."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for folder in (split, f"{split}_labels"):
            (tmp_path / folder).mkdir()
        for index in range(2):
            classes = np.repeat(random.integers(0, 12, (3, 4)), 16, axis=0).repeat(16, axis=1)
            colours = np.stack([classes * 20, 255 - classes * 20, classes * 5], axis=-1)
            Image.fromarray(colours.astype(np.uint8)).save(
                tmp_path / split / f"{index}.jpg", quality=95
            )
            Image.fromarray(classes.astype(np.uint8)).save(
                tmp_path / f"{split}_labels" / f"{index}.png"
            )
    return tmp_path


def _recipe(camvid, out, **changes):
    settings = {
        "name": "test",
        "architecture": "small",
        "camvid": camvid,
        "train_splits": ("train",),
        "out": out,
        "augmentation": Augmentation(crop=64),
        "num_steps": 4,
        "batch_size": 2,
        "warmup_steps": 1,
        "log_every": 2,
        "checkpoint_every": 2,
        "threads": 1,
        "bf16": False,
    }
    return TrainSegmenterRecipe(**(settings | changes))


def test_void_is_the_only_class_beyond_the_eleven(camvid):
    classes = np.concatenate([example.classes.ravel() for example in read_split(camvid, "train")])
    assert set(np.unique(classes)) <= {*range(11), VOID}


def test_missing_split_or_mask_is_reported(camvid):
    with pytest.raises(ValueError, match="no photographs"):
        read_split(camvid, "val")
    (camvid / "train_labels" / "0.png").unlink()
    with pytest.raises(ValueError, match="no mask"):
        read_split(camvid, "train")


def test_crops_keep_pixels_and_classes_together():
    classes = np.repeat(np.arange(8, dtype=np.uint8) % 4, 12)[None].repeat(80, axis=0)
    example = Example("stripes", np.repeat(classes[..., None] * 60, 3, axis=2), classes)
    settings = Augmentation(crop=96, min_scale=0.5, max_scale=2, colour=0)
    for seed in range(20):
        pixels, labels = training_crop(example, settings, np.random.default_rng(seed))
        assert pixels.shape == (96, 96, 3) and labels.shape == (96, 96)
        known = labels != VOID
        assert known.any()
        agreement = np.abs(pixels[known, 0] / 60.0 - labels[known]) < 0.6
        assert agreement.mean() > 0.8
        assert not pixels[~known].any()


def test_group_probability_is_the_sum_of_its_members():
    logits = torch.randn(2, 6, 3, 3)
    probability = logits.softmax(dim=1)
    grouped = group_logits(logits, [[0, 3], [5]]).softmax(dim=1)
    torch.testing.assert_close(grouped[:, 0], probability[:, 0] + probability[:, 3])
    torch.testing.assert_close(grouped[:, 1], probability[:, 5])
    torch.testing.assert_close(grouped[:, 2], probability[:, [1, 2, 4]].sum(dim=1))


def test_loss_is_smallest_for_the_right_answer_and_blind_to_void():
    target = torch.tensor([[[0, 1], [VOID, 1]]])
    right = torch.tensor([[[[9.0, -9.0], [5.0, -9.0]], [[-9.0, 9.0], [0.0, 9.0]]]])
    elsewhere = right.clone()
    elsewhere[:, :, 1, 0] = torch.tensor([-7.0, 7.0])
    losses = [
        segmentation_loss(logits, target, torch.ones(2), overlap=0.5, void=VOID)
        for logits in (right, elsewhere, -right)
    ]
    assert losses[0] < 0.01
    assert losses[1] == losses[0]
    assert losses[2] > 1


def test_learning_rate_rises_then_falls_to_nothing():
    factors = [learning_rate_factor(step, 100, 10) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == pytest.approx(1)
    assert factors[-1] < 0.001
    assert factors[10:] == sorted(factors[10:], reverse=True)


@pytest.mark.parametrize("architecture", ["small", "maskformer"])
def test_resumed_run_ends_on_the_weights_of_an_uninterrupted_one(camvid, tmp_path, architecture):
    whole = train_segmenter(_recipe(camvid, tmp_path / "whole", architecture=architecture), _quiet)
    interrupted = _recipe(camvid, tmp_path / "parts", architecture=architecture)

    def stop_before_the_last_checkpoint(progress):
        if progress.step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_segmenter(interrupted, stop_before_the_last_checkpoint)
    reported = []
    resumed = train_segmenter(interrupted, lambda progress: reported.append(progress.step))
    assert reported == [4], "the run began anew instead of at its checkpoint"
    names = {"small": "", "maskformer": "model.safetensors"}
    expected, found = (
        load_file(whole / names[architecture]),
        load_file(resumed / names[architecture]),
    )
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def _quiet(progress):
    assert progress.as_text().startswith("step ")


def test_encoder_refuses_a_file_that_is_not_the_published_one(monkeypatch):
    monkeypatch.setattr(imagenet, "SHA256", "0" * 64)
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        imagenet.load_imagenet_weights(Encoder())


def test_each_merged_class_owns_its_labels_alone():
    labels = [label for names in ADE20K_LABELS_OF_CLASS.values() for label in names]
    assert len(labels) == len(set(labels))
    assert tuple(ADE20K_LABELS_OF_CLASS) == CLASSES


def test_evaluation_counts_intersection_over_union():
    class Fixed:
        def full_class_map(self, image):
            return np.full((image.height, image.width), np.argmax(class_of_ade20k() == 3))

    classes = np.full((4, 4), 3, np.uint8)
    classes[0] = 0
    classes[1] = VOID
    score = evaluate(Fixed(), [Example("one", np.zeros((4, 4, 3), np.uint8), classes)])
    assert score.iou[3] == pytest.approx(8 / 12)
    assert score.iou[0] == 0
    assert score.pixel_accuracy == pytest.approx(8 / 12)
