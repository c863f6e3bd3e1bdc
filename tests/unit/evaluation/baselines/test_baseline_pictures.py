"""What networks see: squares, scenes beside them, crops of both, and pictures kept in memory."""

import numpy as np
import pytest
import torch
from baseline_room import recipe_of, train_pictures
from PIL import Image

from georay.core.images import squeezed
from georay.evaluation.baselines.pictures import (
    LearntPictures,
    Viewer,
    coordinates,
    randomly_cropped,
    with_coordinates,
)
from georay.evaluation.baselines.protocol import Views
from georay.evaluation.datasets import KnownPicture


class HalfSky:
    """A segmenter whose upper half is class 2 and lower half class 6, at half the size."""

    id = "half"

    def class_maps(self, images):
        maps = [np.full((one.height // 2, one.width // 2), 6, np.uint8) for one in images]
        for one in maps:
            one[: len(one) // 2] = 2
        return maps


@pytest.fixture(scope="module")
def known(samples, tmp_path_factory):
    return train_pictures(recipe_of(samples, tmp_path_factory.mktemp("unused"), "planet"))


def test_a_picture_is_squeezed_to_the_square_that_every_model_here_sees():
    image = Image.linear_gradient("L").convert("RGB").resize((80, 40))
    view = Viewer(32, None).look(image)
    assert (view.pixels == np.asarray(squeezed(image, 32))).all() and view.classes is None


def test_scenes_are_squeezed_to_the_same_square_without_mixing_classes():
    view = Viewer(32, HalfSky()).look(Image.new("RGB", (80, 40), "green"))
    assert view.classes.shape == (32, 32)
    assert (view.classes[:16] == 2).all() and (view.classes[16:] == 6).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (700, 2)])
def test_pictures_of_any_shape_are_seen(size):
    view = Viewer(16, None).look(Image.new("RGB", size, "white"))
    assert view.pixels.shape == (16, 16, 3) and (view.pixels == 255).all()


def test_crops_of_pixels_and_classes_are_of_the_same_part():
    ids = torch.arange(16)[None, :, None].expand(2, 16, 16).contiguous()
    views = Views((ids.float() / 16)[:, None].expand(2, 3, 16, 16).contiguous(), ids)
    dice = torch.Generator().manual_seed(1)
    found = randomly_cropped(views, 0.5, dice)
    assert found.classes is not None and found.pixels.shape == views.pixels.shape
    assert (found.pixels[:, 0] * 16 - found.classes).abs().max() <= 0.75
    assert not torch.equal(found.classes, ids)
    assert set(found.classes.unique().tolist()) <= set(range(16))


def test_no_crop_is_smaller_than_its_least_share_of_a_side():
    ids = torch.arange(64)[None, :, None].expand(50, 64, 64).contiguous()
    views = Views(torch.zeros(50, 3, 64, 64), ids)
    found = randomly_cropped(views, 0.5, torch.Generator().manual_seed(0)).classes
    heights = found.amax(dim=(1, 2)) - found.amin(dim=(1, 2)) + 1
    assert heights.min() >= 31 and heights.min() < 40 and heights.max() > 56


def test_crops_depend_on_the_dice_alone():
    views = Views(torch.rand(2, 3, 16, 16))
    one, same, other = (
        randomly_cropped(views, 0.5, torch.Generator().manual_seed(seed)).pixels
        for seed in (1, 1, 2)
    )
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_pictures_that_memory_has_no_room_for_are_read_again(known):
    viewer = Viewer(8, None)
    room = LearntPictures(viewer, known[:4], cache_bytes=2 * 8 * 8 * 3)
    plenty = LearntPictures(viewer, known[:4], cache_bytes=2**20)
    assert len(room._kept) == 2
    for one, other in zip(room.batch(range(4)), plenty.batch(range(4)), strict=True):
        assert torch.equal(one.pixels, other.pixels) if isinstance(one, Views) else one == other


def test_what_cannot_be_read_is_left_out_and_named(known, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"")
    broken = known[0].at(str(tmp_path / "broken.jpg"))
    absent = known[1].at(str(tmp_path / "absent.jpg"))
    found = LearntPictures(Viewer(8, None), [broken, known[2], absent], 2**20)
    assert found.pictures == [known[2]]
    assert found.left_out[broken.image_id] == "the file has zero bytes"
    assert "absent.jpg" in found.left_out[absent.image_id]


def test_a_town_stands_for_missing_coordinates_and_without_either_a_picture_is_left_out():
    here = KnownPicture("a", "a.jpg", "DE", "Munich", 48.0, 11.0)
    town = KnownPicture("b", "b.jpg", "DE", "Munich", None, None)
    nowhere = KnownPicture("c", "c.jpg", "DE", None, None, None)
    placed, left_out = with_coordinates([here, town, nowhere])
    assert [one.image_id for one in placed] == ["a", "b"] and set(left_out) == {"c"}
    latitude, longitude = coordinates(placed)
    assert latitude.tolist() == [48.0, pytest.approx(48.14, abs=0.05)]
    assert longitude[1] == pytest.approx(11.58, abs=0.05)
