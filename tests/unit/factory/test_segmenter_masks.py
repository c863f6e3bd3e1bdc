"""Reading folders of pictures with masks, whose classes are coarser or finer than the head's."""

import numpy as np
import pytest
import torch
from PIL import Image

from georay.config.segmenter import AbstentionRecipe, MaskSet, TrainSegmenterRecipe
from georay.factory.segmenter.calibrate import calibrated
from georay.factory.segmenter.camvid import VOID
from georay.factory.segmenter.label_sets import SOMETHING_ELSE, head_labels, label_set
from georay.factory.segmenter.lessons import crop_weights, lessons_of
from georay.factory.segmenter.loop import Batch, Source, draw_batch
from georay.factory.segmenter.masks import AtWorkingSize, MaskFolder
from georay.factory.segmenter.outdoor import evaluate_outdoor
from georay.factory.segmenter.run import train_segmenter
from georay.factory.segmenter.small import Lesson, SmallSegmenterTask
from georay.locatability.labels import LABEL_INDEX
from georay.models.segmenters.abstention import Abstention
from georay.models.segmenters.base import UNKNOWN
from georay.models.segmenters.network import SmallSegmenterNetwork
from georay.models.segmenters.small import WORKING_AREA

CLASSES = "# index\tname\tlabel\n0\tsky\tsky\n1\tasphalt\troad\n2\tthing\t-\n"


@pytest.fixture
def folder(tmp_path):
    """Two pictures of 64 × 48 pixels: sky above, road below, a thing at one side."""
    (tmp_path / "classes.txt").write_text(CLASSES)
    for split in ("train", "test"):
        for name in (split, f"{split}_labels"):
            (tmp_path / name).mkdir()
        for index in range(2):
            values = np.zeros((48, 64), np.uint8)
            values[24:] = 1
            values[:, :8] = 2
            values[0] = 255
            pixels = np.stack([values * 60, 200 - values * 50, values], axis=-1)
            Image.fromarray(pixels).save(tmp_path / split / f"{index}.png")
            Image.fromarray(values).save(tmp_path / f"{split}_labels" / f"{index}.png")
    return tmp_path


def _names(labels, name):
    head = head_labels()
    return {head[index] for index in labels.groups[labels.names.index(name)]}


def test_every_value_of_a_mask_gets_its_class(folder):
    examples = MaskFolder(MaskSet(folder=folder), ["train"])
    assert examples.labels.names == ("sky", "road", SOMETHING_ELSE)
    classes = examples[0].classes
    assert (classes[0] == VOID).all()
    assert (classes[1:24, 8:] == 0).all() and (classes[24:, 8:] == 1).all()
    assert (classes[1:, :8] == 2).all()


def test_what_a_set_does_not_tell_apart_joins_the_broader_class():
    labels = label_set({0: "road", 1: "grass", 2: "tree", 3: "building", 4: "water"}, {})
    assert _names(labels, "road") == {"road", "sidewalk", "path"}
    assert _names(labels, "grass") == {"grass", "field"}
    assert {"house", "skyscraper", "wall"} < _names(labels, "building")
    assert _names(labels, "water") == {"water", "sea"}
    finer = label_set({0: "road", 1: "sidewalk", 2: "tree"}, {})
    assert _names(finer, "road") == {"road"}
    assert _names(finer, "sidewalk") == {"sidewalk", "path"}
    assert {"grass", "field"} < _names(finer, "tree")


def test_a_recipe_says_what_a_class_covers_beyond_the_obvious():
    labels = label_set({0: "road", 1: "sky"}, {"road": ["earth", "sand"]})
    assert _names(labels, "road") == {"road", "sidewalk", "path", "earth", "sand"}
    with pytest.raises(ValueError, match="mountain"):
        label_set({0: "road"}, {"mountain": ["rock"]})


def test_a_class_without_a_name_is_what_no_other_class_covers():
    labels = label_set({0: "road", 1: "sky", 2: None}, {})
    rest = _names(labels, SOMETHING_ELSE)
    assert {"car", "person", "other", "building"} < rest
    assert not rest & {"road", "sidewalk", "sky"}


def test_a_label_that_the_head_lacks_is_other_or_its_broader_one():
    labels = label_set({0: "chair", 1: "window", 2: "lake"}, {})
    assert set(labels.names) == {"other", "building", "water"}


@pytest.mark.parametrize(
    "content, problem",
    [
        ("0\tsky\n", "index below 255"),
        ("255\tsky\tsky\n", "index below 255"),
        ("0\tcloud\tcloudlet\n", "no label of ADE20K"),
    ],
)
def test_a_wrong_line_of_classes_is_reported(folder, content, problem):
    (folder / "classes.txt").write_text(content)
    with pytest.raises(ValueError, match=problem):
        MaskFolder(MaskSet(folder=folder), ["train"])


def test_missing_files_and_wrong_masks_are_reported(folder):
    settings = MaskSet(folder=folder)
    with pytest.raises(ValueError, match="no pictures"):
        MaskFolder(settings, ["val"])
    Image.new("L", (10, 10)).save(folder / "test_labels" / "0.png")
    with pytest.raises(ValueError, match="64 x 48"):
        MaskFolder(settings, ["test"])[0]
    (folder / "train_labels" / "1.png").unlink()
    with pytest.raises(ValueError, match="no mask"):
        MaskFolder(settings, ["train"])
    (folder / "classes.txt").unlink()
    with pytest.raises(ValueError, match=r"classes\.txt"):
        MaskFolder(settings, ["test"])


def test_pictures_of_any_size_are_trained_at_the_working_size(folder):
    example = AtWorkingSize([MaskFolder(MaskSet(folder=folder), ["train"], index=3)])[0]
    assert example.classes.size == pytest.approx(WORKING_AREA, rel=0.01)
    assert example.pixels.shape[:2] == example.classes.shape
    assert example.label_set == 3


def test_a_merged_class_is_learnt_as_the_sum_of_its_labels():
    labels = label_set({0: "road", 1: "sky"}, {})
    recipe = TrainSegmenterRecipe(
        name="t",
        architecture="small",
        out="unused",
        num_steps=1,
        batch_size=0 + 1,
        photographs=[{"sets": [{"folder": "unused"}], "num_crops": 1}],
        overlap_loss=0,
    )
    network = SmallSegmenterNetwork(len(head_labels()))
    task = SmallSegmenterTask(recipe, network, [Lesson(labels, torch.ones(2))], [1.0])
    target = torch.zeros(1, 64, 64, dtype=torch.long)
    head = head_labels()

    def loss(*likely):
        torch.manual_seed(0)
        network.eval()
        with torch.no_grad():
            for part in (network.head, network.detail.head):
                part.weight.zero_()
                part.bias.zero_()
            for name in likely:
                network.head.bias[head.index(name)] = 20
            return task.loss(Batch(torch.zeros(1, 3, 64, 64, dtype=torch.uint8), target, (0,)))

    assert loss("road") < 1e-3 and loss("sidewalk") < 1e-3 and loss("path", "road") < 1e-3
    assert loss("sky") > 10 and loss("building") > 10


def test_sources_share_the_loss_by_their_weights(folder):
    sources = [Source([], None, 2, 1.0), Source([], None, 1, 3.0)]
    assert crop_weights(sources) == pytest.approx([1 / 8, 1 / 8, 3 / 4])


def test_own_masks_alone_train_a_segmenter(folder, tmp_path):
    recipe = TrainSegmenterRecipe(
        name="own",
        architecture="small",
        out=tmp_path / "out",
        photographs=[
            {"sets": [{"folder": folder}], "num_crops": 2, "augmentation": {"crop": 64, "light": 1}}
        ],
        num_steps=2,
        batch_size=2,
        warmup_steps=1,
        log_every=1,
        checkpoint_every=2,
        threads=1,
    )
    sources, lessons = lessons_of(recipe)
    assert draw_batch(recipe, sources, 0).label_sets == (0, 0)
    assert [lesson.labels.names for lesson in lessons] == [("sky", "road", SOMETHING_ELSE)]
    assert train_segmenter(recipe, lambda progress: None).exists()


class _Fixed:
    """Predicts one label above the middle of a picture and one below."""

    def __init__(self, above, below):
        self._ids = [UNKNOWN if one is None else LABEL_INDEX[one] for one in (above, below)]

    def full_class_map(self, image):
        ids = np.full((image.height, image.width), self._ids[0], np.uint8)
        ids[image.height // 2 :] = self._ids[1]
        return ids


def test_a_pavement_is_right_where_all_walked_ground_is_road(folder):
    score = evaluate_outdoor(_Fixed("sky", "sidewalk"), [MaskSet(folder=folder)], "test")
    assert score.classes["road"].iou == 1 and score.classes["sky"].iou == 1
    assert score.mean_overlap == pytest.approx(1)
    assert score.num_pictures == 2 and set(score.classes) == {"road", "sky"}
    assert score.called_road == 2 * 24 * 8, "the nameless thing's lower half is called road"


def test_locatabilities_of_masks_and_of_what_was_seen_are_ranked(tmp_path):
    (tmp_path / "classes.txt").write_text("0\tsky\tsky\n1\troad\troad\n")
    for name in ("test", "test_labels"):
        (tmp_path / name).mkdir()
    for index, height in enumerate((8, 16, 24)):
        values = np.zeros((32, 32), np.uint8)
        values[:height] = 1
        Image.new("RGB", (32, 32), (height, 0, 0)).save(tmp_path / "test" / f"{index}.png")
        Image.fromarray(values).save(tmp_path / "test_labels" / f"{index}.png")

    class Contrary:
        """Sees the more road the less there is."""

        def full_class_map(self, image):
            ids = np.full((32, 32), LABEL_INDEX["sky"], np.uint8)
            ids[image.getpixel((0, 0))[0] :] = LABEL_INDEX["road"]
            return ids

    score = evaluate_outdoor(Contrary(), [MaskSet(folder=tmp_path)], "test")
    assert score.rank_correlation == pytest.approx(-1)
    assert score.locatabilities[0][0] < score.locatabilities[2][0]


def test_what_is_not_known_is_no_class_and_is_counted(folder):
    score = evaluate_outdoor(_Fixed(None, "road"), [MaskSet(folder=folder)], "test")
    assert score.classes["sky"].iou == 0
    assert score.unknown / score.known == pytest.approx(23 / 47)
    assert score.mean_overlap == pytest.approx(24 / 47)


class _Sure:
    """Is right of the sky and the road, surer of the road."""

    def confidences(self, image):
        sure = np.full((image.height, image.width), 0.4, np.float32)
        sure[image.height // 2 :] = 0.9
        return sure

    def full_class_map(self, image):
        return _Fixed("sky", "road").full_class_map(image)


def test_the_bound_gives_up_the_stated_share_of_right_pixels(folder):
    sets, few = [MaskSet(folder=folder)], AbstentionRecipe(right_lost=0.0, pictures_marked=0.0)
    assert calibrated(_Sure(), sets, "test", few) == Abstention(0.4, 0.0)
    many = AbstentionRecipe(right_lost=0.9, pictures_marked=0.0)
    found = calibrated(_Sure(), sets, "test", many)
    assert found.confidence == pytest.approx(0.9)
    assert found.largest_share == pytest.approx(4 / 7, abs=0.1)
