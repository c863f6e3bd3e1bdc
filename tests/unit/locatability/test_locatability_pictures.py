"""Photographs and class overlays as they stand in a page."""

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageColor

from georay.locatability.colours import CLASS_COLOURS, OTHER_COLOUR, class_colour, class_palette
from georay.locatability.labels import LABEL_INDEX
from georay.locatability.pictures import overlay_uri, photograph_uri

ROAD, SKY, CEILING = LABEL_INDEX["road"], LABEL_INDEX["sky"], LABEL_INDEX["ceiling"]


def opened(uri: str, kind: str) -> Image.Image:
    head, _, body = uri.partition(",")
    assert head == f"data:image/{kind};base64"
    return Image.open(io.BytesIO(base64.b64decode(body, validate=True)))


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_a_class_has_the_colour_of_its_first_synonym_and_indoor_classes_are_grey() -> None:
    assert class_colour("road") == CLASS_COLOURS["road"]
    assert class_colour("bed") == OTHER_COLOUR
    palette = np.array(class_palette()).reshape(256, 3)
    assert tuple(palette[ROAD]) == ImageColor.getrgb(CLASS_COLOURS["road"])
    assert tuple(palette[CEILING]) == ImageColor.getrgb(OTHER_COLOUR)
    assert sum(tuple(row) != ImageColor.getrgb(OTHER_COLOUR) for row in palette) == len(
        CLASS_COLOURS
    )


@pytest.mark.parametrize(
    ("size", "small"), [((400, 100), (200, 50)), ((100, 400), (50, 200)), ((90, 60), (90, 60))]
)
def test_a_photograph_is_reduced_to_its_longer_side_and_never_enlarged(size, small) -> None:
    found = opened(photograph_uri(Image.new("RGB", size, "teal"), 200), "jpeg")
    assert (found.size, found.mode, found.format) == (small, "RGB", "JPEG")


def test_a_photograph_of_any_mode_is_shown_in_colour_without_its_comment() -> None:
    picture = Image.new("LA", (40, 20), (90, 128))
    picture.info["comment"] = b"secret"
    raw = photograph_uri(picture, 40)
    assert b"secret" not in base64.b64decode(raw.partition(",")[2])
    assert opened(raw, "jpeg").getpixel((5, 5)) == pytest.approx((90, 90, 90), abs=2)
    assert picture.info["comment"] == b"secret", "the caller's own picture stays as it is"


def test_a_photograph_is_a_small_progressive_jpeg_that_looks_like_it() -> None:
    photograph = noise(64, 64).resize((256, 256), Image.Resampling.BICUBIC)
    uri = photograph_uri(photograph, 256)
    shown = opened(uri, "jpeg")
    assert shown.info.get("progressive") == 1
    difference = np.abs(np.asarray(shown, float) - np.asarray(photograph, float))
    assert difference.mean() < 12
    best = io.BytesIO()
    photograph.save(best, "JPEG", quality=95, optimize=True, progressive=True)
    assert len(base64.b64decode(uri.partition(",")[2])) < 0.6 * len(best.getvalue())


def test_reducing_averages_and_does_not_pick_single_pixels() -> None:
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    small = np.asarray(opened(photograph_uri(Image.fromarray(stripes), 50), "jpeg"), float)
    assert small[10:40, 10:40].mean() == pytest.approx(127.5, abs=3)
    assert small[10:40, 10:40].std() < 12


@pytest.mark.parametrize(
    ("image_size", "shown"),
    [
        ((800, 400), (200, 100)),
        ((400, 800), (100, 200)),
        ((9000, 10), (200, 1)),
        ((10, 9000), (1, 200)),
    ],
)
def test_an_overlay_has_the_photographs_proportions(image_size, shown) -> None:
    found = opened(overlay_uri(np.zeros((8, 8), np.uint8), image_size, 200), "png")
    assert (found.size, found.mode, found.format) == (shown, "P", "PNG")


def test_an_overlay_keeps_each_class_where_it_was_seen_and_mixes_none() -> None:
    class_map = np.full((4, 4), SKY, np.uint8)
    class_map[2:] = ROAD
    class_map[3, :2] = CEILING
    found = opened(overlay_uri(class_map, (400, 400), 40), "png").convert("RGB")
    assert found.getpixel((20, 5)) == ImageColor.getrgb(CLASS_COLOURS["sky"])
    assert found.getpixel((35, 35)) == ImageColor.getrgb(CLASS_COLOURS["road"])
    assert found.getpixel((5, 35)) == ImageColor.getrgb(OTHER_COLOUR)
    assert len(found.getcolors()) == 3, "between two classes lies no third"


def test_a_map_of_any_layout_and_integer_type_is_drawn() -> None:
    turned = np.full((6, 4), ROAD, np.int64).T[:, ::2]
    found = opened(overlay_uri(turned, (60, 40), 60), "png").convert("RGB")
    assert found.getcolors() == [(60 * 40, ImageColor.getrgb(CLASS_COLOURS["road"]))]
