"""Training the segmenters, on a drawn miniature of CamVid."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from georay.config.segmenter import Augmentation, DrawnScenes, TrainSegmenterRecipe
from georay.errors import ModelUnavailable
from georay.factory.resumable import learning_rate_factor
from georay.factory.segmenter import imagenet
from georay.factory.segmenter.camvid import (
    ADE20K_LABELS_OF_CLASS,
    CLASSES,
    VOID,
    Example,
    class_of_ade20k,
    read_split,
)
from georay.factory.segmenter.crops import training_crop
from georay.factory.segmenter.drawn import (
    DRAWN_LABELS,
    _repeats,
    held_out_scenes,
    index_of_ade20k,
    training_scenes,
)
from georay.factory.segmenter.evaluate import DRAWN, evaluate
from georay.factory.segmenter.label_sets import head_labels
from georay.factory.segmenter.loop import Source, draw_batch
from georay.factory.segmenter.losses import group_logits, segmentation_loss
from georay.factory.segmenter.run import full_names, train_segmenter
from georay.factory.segmenter.small import (
    balanced_class_weights,
    starting_network,
    undo_class_weights,
)
from georay.locatability.labels import LABEL_INDEX
from georay.models.segmenters.network import Encoder, SmallSegmenterNetwork
from georay.models.segmenters.small import load_small


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
        "precision": "float32",
    }
    return TrainSegmenterRecipe(**(settings | changes))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Four scenes to train on and two held out."""
    folder = tmp_path_factory.mktemp("scenes")
    settings = DrawnScenes(
        folder=folder,
        seed=1,
        num_scenes=4,
        test_seed=2,
        num_test_scenes=2,
        num_crops=1,
        augmentation=Augmentation(crop=64),
    )
    training_scenes(settings, head_labels())
    held_out_scenes(settings)
    return settings


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


def test_evaluation_of_drawn_scenes_passes_over_classes_that_no_mask_has():
    class Fixed:
        def full_class_map(self, image):
            return np.full((image.height, image.width), LABEL_INDEX["field"])

    field, sea = DRAWN_LABELS.index("field"), DRAWN_LABELS.index("sea")
    classes = np.full((4, 4), field, np.uint8)
    classes[0] = sea
    score = evaluate(Fixed(), [Example("one", np.zeros((4, 4, 3), np.uint8), classes)], DRAWN)
    assert score.mean_iou == pytest.approx(12 / 16 / 2)


def test_all_that_streetworld_paints_has_a_class(scenes):
    assert set(DRAWN_LABELS) <= set(head_labels())
    for example in [*training_scenes(scenes, head_labels()), *held_out_scenes(scenes)]:
        assert (example.classes != VOID).all()


def test_drawn_classes_are_those_of_the_masks(scenes):
    example = held_out_scenes(scenes)[0]
    mask = np.asarray(Image.open(scenes.folder / f"seed-2/masks/{example.name}.png"))
    road = LABEL_INDEX["road"]
    assert (mask == road).any()
    np.testing.assert_array_equal(example.classes == DRAWN_LABELS.index("road"), mask == road)
    assert index_of_ade20k(head_labels())[road] == head_labels().index("road")


def test_scenes_are_drawn_once_and_again_when_one_is_missing(scenes):
    masks = sorted((scenes.folder / "seed-2" / "masks").iterdir())
    before = [mask.stat().st_mtime_ns for mask in masks]
    held_out_scenes(scenes)
    assert [mask.stat().st_mtime_ns for mask in masks] == before
    content = masks[1].read_bytes()
    masks[1].unlink()
    held_out_scenes(scenes)
    assert masks[1].read_bytes() == content


def test_scenes_with_rare_classes_come_more_often(scenes):
    names = [example.name for example in training_scenes(scenes, head_labels())]
    assert set(names) == {f"streetworld-1-{index:08d}" for index in range(4)}
    present = np.zeros((16, 2), bool)
    present[:, 0] = True
    present[0, 1] = True
    assert _repeats(present).tolist() == [4] + [1] * 15


def test_a_batch_holds_the_crops_of_each_source_in_order(camvid, tmp_path, scenes):
    recipe = _recipe(camvid, tmp_path, batch_size=3, drawn=scenes)
    one = np.zeros((64, 64, 3), np.uint8)
    sources = [
        Source(
            [Example(str(value), one, np.full((64, 64), value, np.uint8))], Augmentation(crop=64), n
        )
        for value, n in ((4, recipe.num_camvid_crops), (7, scenes.num_crops))
    ]
    batch = draw_batch(recipe, sources, 0)
    found = [set(crop.unique().tolist()) - {VOID} for crop in batch.classes]
    assert found == [{4}, {4}, {7}]


def test_training_on_both_starts_from_the_labels_of_earlier_weights(camvid, tmp_path, scenes):
    recipe = _recipe(camvid, tmp_path / "both", drawn=scenes, num_steps=1)
    first = train_segmenter(recipe, _quiet)
    labels = list(reversed(load_small(first).labels))
    second = _recipe(camvid, tmp_path / "next", start=first)
    state = starting_network(second, labels).state_dict()
    for name in ("head.weight", "head.bias", "detail.head.weight"):
        torch.testing.assert_close(state[name].flip(0), load_file(first)[name].float())


def test_a_missing_start_is_reported(camvid, tmp_path):
    recipe = _recipe(camvid, tmp_path, start=tmp_path / "absent.safetensors")
    with pytest.raises(ValueError, match="train them first"):
        starting_network(recipe, full_names(head_labels()))


@pytest.mark.parametrize(
    "change, problem",
    [({"num_crops": 2}, "CamVid crops too"), ({"test_seed": 1}, "another seed")],
)
def test_recipe_refuses_what_cannot_be_trained_or_measured(camvid, scenes, change, problem):
    with pytest.raises(ValueError, match=problem):
        _recipe(camvid, scenes.folder, drawn=DrawnScenes(**(scenes.model_dump() | change)))


def test_undone_weights_leave_the_odds_of_unweighted_classes():
    network = SmallSegmenterNetwork(3).eval()
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = network(images).softmax(dim=1)
        undo_class_weights(network, torch.tensor([1.0, 1.0, 4.0]), share=0.5)
        after = network(images).softmax(dim=1)
    torch.testing.assert_close(after[:, 0] / after[:, 1], before[:, 0] / before[:, 1])
    torch.testing.assert_close(after[:, 2] / after[:, 0], before[:, 2] / before[:, 0] / 2)


def test_rare_classes_weigh_more_and_absent_ones_one():
    classes = np.zeros((10, 10), np.uint8)
    classes[0] = 2
    weights = balanced_class_weights([Example("one", np.zeros((10, 10, 3), np.uint8), classes)], 4)
    assert weights[2] / weights[0] == pytest.approx(3)
    assert weights[[0, 2]].mean() == pytest.approx(1)
    assert weights[[1, 3]].tolist() == [1, 1]
