"""Orientation and position, whatever else EXIF holds."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from georay.core.exif import ExifFacts, read_exif
from georay.core.images import ImageLimits, decode

LIMITS = ImageLimits()
SHORT, LONG, ASCII, RATIONAL, SIGNED = 3, 4, 2, 5, 10
PARIS = (48.857, 2.352)

Tag = tuple[int, int, int, bytes]


def directory(tags: list[Tag], start: int) -> bytes:
    """A directory that begins at `start`; each tag is number, kind, count and content."""
    entries, content = b"", b""
    behind = start + 2 + 12 * len(tags) + 4
    for tag, kind, count, data in tags:
        value = data.ljust(4, b"\0")
        if len(data) > 4:
            value = struct.pack("<I", behind + len(content))
            content += data
        entries += struct.pack("<HHI", tag, kind, count) + value
    return struct.pack("<H", len(tags)) + entries + bytes(4) + content


def exif(first: list[Tag], gps: list[Tag] | None = None) -> bytes:
    """An EXIF block with these tags in its first directory and in that of GPS."""
    if gps is None:
        return b"Exif\0\0II*\0\x08\0\0\0" + directory(first, 8)
    pointer = (0x8825, LONG, 1, struct.pack("<I", 0))
    start = 8 + len(directory([*first, pointer], 8))
    pointer = (0x8825, LONG, 1, struct.pack("<I", start))
    tiff = b"II*\0\x08\0\0\0" + directory([*first, pointer], 8)
    return b"Exif\0\0" + tiff + directory(gps, start)


def turned(orientation: int = 6) -> Tag:
    return (0x0112, SHORT, 1, struct.pack("<H", orientation))


def text(tag: int, content: bytes) -> Tag:
    return (tag, ASCII, len(content), content)


def degrees(tag: int, *parts: int) -> Tag:
    kind = SIGNED if min(parts) < 0 else RATIONAL
    fractions = b"".join(struct.pack("<ii", part, 1) for part in parts)
    return (tag, kind, len(parts), fractions)


def position(latitude: tuple, south: bytes | None, longitude: tuple, west: bytes | None):
    tags = [degrees(2, *latitude), degrees(4, *longitude)]
    tags += [] if south is None else [text(1, south)]
    tags += [] if west is None else [text(3, west)]
    found = read_exif(exif([], tags))
    return found.latitude, found.longitude


ODD_TAGS = {
    "height reference in words": text(5, b"0"),
    "direction over zero": (17, SIGNED, 1, struct.pack("<ii", -1, 0)),
    "version as text": text(0, b"2.3.0.0"),
    "unknown kind": (6, 99, 1, b"\0\0\0\0"),
    "content beyond the end": (6, RATIONAL, 1, struct.pack("<I", 0) + bytes(4)),
    "far too many": (7, RATIONAL, 0xFFFFFFFF, struct.pack("<I", 9_000_000)),
}
KINDS = ("JPEG", "PNG", "WEBP")


def street() -> Image.Image:
    pixels = np.full((48, 64, 3), 90, np.uint8)
    pixels[:24] = (120, 170, 230)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", ODD_TAGS.values(), ids=ODD_TAGS)
def test_no_other_tag_keeps_a_picture_from_being_turned_and_placed(odd, kind):
    gps = [text(1, b"N\0"), degrees(2, 48, 51, 24), text(3, b"E\0"), degrees(4, 2, 21, 7)]
    block = exif([odd, turned()], [odd, *gps, odd])
    buffer = io.BytesIO()
    street().transpose(Image.Transpose.ROTATE_90).save(buffer, kind, exif=block)
    photograph = decode(buffer.getvalue(), LIMITS)
    assert photograph.image.size == (photograph.width, photograph.height) == (64, 48)
    assert photograph.image.getpixel((5, 5))[2] > photograph.image.getpixel((5, 43))[2] + 60
    assert (photograph.latitude, photograph.longitude) == pytest.approx(PARIS, abs=1e-3)


@pytest.mark.parametrize("start", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x10\0\0\0"])
def test_a_gps_directory_that_is_nowhere_costs_only_the_position(start):
    for kind in (LONG, 9, ASCII):
        facts = read_exif(exif([turned(), (0x8825, kind, 1, start)]))
        assert facts == ExifFacts(6)


def test_a_broken_tag_before_the_orientation_does_not_hide_it():
    broken = (0x010E, ASCII, 900, b"beyond the end of the block")
    assert read_exif(exif([broken, turned(8)])).orientation == 8


@pytest.mark.parametrize("start", [0, 8, 0xFFFFFFFF])
def test_a_turned_tiff_with_a_broken_gps_directory_is_upright(start):
    stored = np.asarray(street().transpose(Image.Transpose.ROTATE_90))
    height, width = stored.shape[:2]
    number = struct.Struct("<I").pack
    tags = [
        (256, LONG, 1, number(width)), (257, LONG, 1, number(height)),
        (258, SHORT, 3, struct.pack("<HHH", 8, 8, 8)), (259, SHORT, 1, b"\1\0"),
        (262, SHORT, 1, b"\2\0"), (273, LONG, 1, number(0)), turned(),
        (277, SHORT, 1, b"\3\0"), (278, LONG, 1, number(height)),
        (279, LONG, 1, number(width * height * 3)), (0x8825, 9, 1, number(start)),
    ]  # fmt: skip
    tags[5] = (273, LONG, 1, number(8 + len(directory(tags, 8))))
    raw = b"II*\0\x08\0\0\0" + directory(tags, 8) + stored.tobytes()
    photograph = decode(raw, LIMITS)
    assert photograph.image.size == (photograph.width, photograph.height) == (64, 48)
    assert photograph.image.getpixel((5, 5)) == (120, 170, 230)


@pytest.mark.parametrize(
    ("parts", "reference", "expected"),
    [
        ((-33, 51, 24), None, -33.8567),
        ((-33, 51, 24), b"S\0", -33.8567),
        ((-33, -51, -24), b"", -33.8567),
        ((33, 51, 24), b"South\0", -33.8567),
        ((33, 51, 24), b"south latitude\0", -33.8567),
        ((33, 51, 24), b"s", -33.8567),
        ((33, 51, 24), b"\0S\0u\0d\0", -33.8567),
        ((33, 51, 24), b"N\0\0\0", 33.8567),
        ((33, 51, 24), b"north", 33.8567),
        ((33, 51, 24), b"\0\0", 33.8567),
        ((33, 51, 24), None, 33.8567),
        ((0, -51, -24), None, -0.8567),
    ],
)
def test_hemispheres_are_read_from_signs_and_from_words(parts, reference, expected):
    latitude, longitude = position(parts, reference, (151, 12, 0), b"E")
    assert latitude == pytest.approx(expected, abs=1e-4)
    assert longitude == pytest.approx(151.2)


@pytest.mark.parametrize(
    ("parts", "reference"),
    [
        ((-33, 51, 24), b"N"),
        ((33, -51, 24), b"N"),
        ((-33, -51, 24), b"S"),
        ((33, 51, 24), b"E"),
        ((33, 51, 24), b"?"),
        ((33, 51, 24), b"up"),
    ],
)
def test_a_contradictory_latitude_is_no_position(parts, reference):
    assert position(parts, reference, (151, 12, 0), b"E") == (None, None)


@pytest.mark.parametrize("reference", [b"W", b"West", b"west longitude", b"w\0"])
def test_the_western_hemisphere_has_as_many_names(reference):
    assert position((33, 26, 56), b"S", (70, 39, 2), reference)[1] == pytest.approx(-70.6506, 1e-4)


@given(st.binary(max_size=300))
def test_no_bytes_make_reading_fail(noise):
    for block in (noise, b"II*\0\x08\0\0\0" + noise, b"Exif\0\0MM\0*\0\0\0\x08" + noise):
        facts = read_exif(block)
        assert (facts.latitude is None) == (facts.longitude is None)


@pytest.mark.parametrize(
    ("name", "size", "place"),
    [
        ("01_turned_altref_text", (320, 240), PARIS),
        ("03_turned_direction_minus1_0", (320, 240), PARIS),
        ("05_upright_altref_text", (320, 240), PARIS),
        ("08_signed_degrees_south", (320, 240), (-33.857, 151.2)),
        ("09_signed_degrees_ref_s", (320, 240), (-33.857, 151.2)),
    ],
)
def test_photographs_from_the_field_are_upright_and_placed(shared, name, size, place):
    folder: Path = shared("cases/photos")
    photograph = decode((folder / f"{name}.jpg").read_bytes(), LIMITS)
    assert photograph.image.size == (photograph.width, photograph.height) == size
    assert (photograph.latitude, photograph.longitude) == pytest.approx(place, abs=1e-3)
