"""From the bytes of an answer to a picture: checked, cut, blurred, grey plates known as such."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks.loopback.pictures import no_imagery
from georay.acquisition.download.blur import Blur, blurred
from georay.acquisition.download.pixels import picture_of, says_no_imagery
from georay.acquisition.providers import FoundPicture, NoPicture
from georay.config.collect import RequestsRecipe
from georay.core.images import ImageLimits, decode
from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.world import StreetWorld

PHOTO = FoundPicture("f", 1, 2, None, "CC0", "us", 0.0)
LIMITS = RequestsRecipe(max_bytes=1 << 20, max_pixels=1_000_000)


def encoded(image, kind="JPEG"):
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=90)
    return buffer.getvalue()


def noise(width=64, height=48, seed=1):
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def taken(raw, found=PHOTO, heading=0.0, blur=None):
    return picture_of(raw, found, heading, LIMITS, blur or Blur(()))


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp")])
def test_a_picture_stays_as_it_came(kind, suffix):
    raw = encoded(noise(), kind)
    picture = taken(raw)
    assert (picture.content, picture.suffix) == (raw, suffix)
    assert (picture.width, picture.height) == (64, 48)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", "empty"),
        (b"<html>", "not an image"),
        (encoded(noise())[:900], "truncated"),
        (encoded(noise(1100, 1000), "PNG")[:100_000], "too many pixels"),
    ],
)
def test_what_is_no_picture_has_a_kind(raw, kind):
    with pytest.raises(NoPicture) as problem:
        taken(raw)
    assert problem.value.kind == kind


def test_the_grey_plate_is_no_imagery():
    with pytest.raises(NoPicture) as problem:
        taken(no_imagery())
    assert problem.value.kind == "no imagery"


@pytest.mark.parametrize("code", ["FR", "JP", "BR"])
@pytest.mark.parametrize("kind", ["fog", "wall", "tunnel", "street"])
def test_dull_streets_are_no_grey_plates(code, kind):
    country = Atlas.load().by_code[code]
    scene = StreetWorld(3, 128).scene_of(1, country, country.cities[0], kind)
    assert not says_no_imagery(Image.fromarray(scene.image))


@pytest.mark.parametrize("pose", [0.0, 100.0])
@pytest.mark.parametrize("heading", [0.0, 90.0, 230.0])
def test_views_of_a_panorama_look_where_they_should(pose, heading):
    """Columns of a panorama are coloured by their heading."""
    width = 1024
    at = (np.arange(width) / width * 360 - 180 + pose) % 360
    colour = np.stack([127 + 120 * np.cos(np.radians(at)), 127 + 120 * np.sin(np.radians(at))], 1)
    pixels = np.zeros((width // 2, width, 3), np.uint8)
    pixels[:, :, :2] = colour[None].astype(np.uint8)
    pixels[::8, :, 2] = 200
    panorama = FoundPicture("p", 1, 2, None, "CC0", "us", pose, "panorama")
    picture = taken(encoded(Image.fromarray(pixels), "PNG"), panorama, heading)
    assert picture.suffix == ".jpg" and picture.width == picture.height == 256
    view = np.asarray(decode(picture.content, ImageLimits()).image, dtype=float)
    red, green = view[100:156, 120:136, :2].mean(axis=(0, 1)) - 127
    assert abs((np.degrees(np.arctan2(green, red)) - heading + 180) % 360 - 180) < 3


class FindsOne:
    def __init__(self, *boxes):
        self._boxes = boxes

    def boxes(self, image):
        return self._boxes


def test_what_a_detector_finds_cannot_be_read_any_more():
    image = noise(200, 100)
    ImageDraw.Draw(image).text((60, 40), "B 1234", fill="black")
    box = (60.0, 35.0, 110.0, 60.0)
    before, after = np.asarray(image, float), np.asarray(blurred(image, [box]), float)
    inside = np.s_[36:59, 61:109]
    assert after[inside].std() < before[inside].std() / 4
    assert (after[:25] == before[:25]).all() and (after[:, 125:] == before[:, 125:]).all()
    assert taken(encoded(image), blur=Blur([FindsOne(box)])).content != encoded(image)


def test_nothing_found_nothing_changed():
    image = noise()
    assert Blur([FindsOne()])(image) is image


@pytest.mark.parametrize(
    "box", [(-20.0, -20.0, 10.0, 10.0), (60.0, 40.0, 500.0, 500.0), (9, 9, 9, 9)]
)
def test_boxes_at_the_edge_are_cut(box):
    assert blurred(noise(), [box]).size == (64, 48)
