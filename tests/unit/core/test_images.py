import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_bad_images import FOLDER, READABLE, UNREADABLE
from PIL import ExifTags, Image

from georay.core.images import (
    MAX_DECODED_PIXELS,
    ImageLimits,
    Photograph,
    content_id,
    decode,
    decoded_size,
    is_turned,
    measure,
    position,
)
from georay.errors import UnreadableImage

LIMITS = ImageLimits()
SMALL_LIMITS = ImageLimits(max_pixels=200_000)
OPENABLE = sorted(name for name, kind in UNREADABLE.items() if kind != "unreadable")


def street(width: int = 64, height: int = 48) -> Image.Image:
    """Blue above, grey below, with a red patch in the upper left corner."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2], pixels[height // 2 :] = (120, 170, 230), (90, 90, 90)
    pixels[: height // 4, : width // 4] = (220, 20, 20)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gps(latitude: tuple, south: str, longitude: tuple, west: str) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: south, 2: latitude, 3: west, 4: longitude})
    return exif


def corner(photograph: Photograph, x: float, y: float) -> tuple[int, ...]:
    image = photograph.image
    return image.getpixel((int(x * (image.width - 1)), int(y * (image.height - 1))))


def is_red(colour: tuple[int, ...]) -> bool:
    return colour[0] > 150 and colour[1] < 90 and colour[2] < 90


@pytest.mark.parametrize("name", OPENABLE)
def test_each_broken_file_is_refused_with_its_kind(name):
    with pytest.raises(UnreadableImage) as caught:
        decode((FOLDER / name).read_bytes(), LIMITS)
    assert caught.value.kind == UNREADABLE[name]
    assert len(str(caught.value)) > 10


@pytest.mark.parametrize("name", READABLE)
def test_each_odd_but_sound_file_becomes_an_rgb_picture_of_the_street(name):
    photograph = decode((FOLDER / name).read_bytes(), LIMITS)
    assert photograph.image.mode == "RGB"
    assert photograph.image.size == (photograph.width, photograph.height) == (128, 96)
    sky, road = (
        np.asarray(photograph.image)[rows].mean() for rows in (slice(0, 15), slice(85, 96))
    )
    assert sky > road + 40, "the sky is above the road and brighter"


def test_the_table_of_bad_images_names_every_file_of_the_folder():
    assert {path.name for path in FOLDER.iterdir()} == {*UNREADABLE, *READABLE}


def test_bytes_beyond_the_limit_are_refused_before_anything_is_decoded():
    raw = encoded(street())
    with pytest.raises(UnreadableImage, match="max_bytes") as caught:
        decode(raw, ImageLimits(max_bytes=len(raw) - 1))
    assert caught.value.kind == "too large"
    decode(raw, ImageLimits(max_bytes=len(raw)))


def test_pixels_beyond_the_limit_are_refused_and_the_limit_itself_is_not():
    raw = encoded(street(50, 40))
    with pytest.raises(UnreadableImage, match="50×40 is 2,000 pixels"):
        decode(raw, ImageLimits(max_pixels=1999))
    assert decode(raw, ImageLimits(max_pixels=2000)).width == 50


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_pixels_and_size(orientation):
    flips = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = street()
    for flip in flips.get(orientation, []):
        stored = stored.transpose(flip)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    photograph = decode(encoded(stored, "JPEG", quality=95, exif=exif), LIMITS)
    assert (photograph.width, photograph.height) == (64, 48) == photograph.image.size
    assert is_red(corner(photograph, 0.1, 0.1))
    assert not is_red(corner(photograph, 0.9, 0.9))


@pytest.mark.parametrize(
    ("north", "east", "signs"),
    [("N", "E", (1, 1)), ("S", "W", (-1, -1)), ("N", "W", (1, -1)), ("S\0", "e", (-1, 1))],
)
def test_gps_is_read_with_its_hemisphere(north, east, signs):
    exif = gps((33.0, 26.0, 56.4), north, (70.0, 39.0, 1.8), east)
    photograph = decode(encoded(street(), "JPEG", exif=exif), LIMITS)
    assert photograph.latitude == pytest.approx(signs[0] * 33.449, abs=1e-9)
    assert photograph.longitude == pytest.approx(signs[1] * 70.6505, abs=1e-9)


def test_a_position_is_read_without_decoding_a_pixel():
    raw = encoded(street(), "JPEG", exif=gps((33.0, 26.0, 56.4), "N", (70.0, 39.0, 1.8), "E"))
    photograph = decode(raw, LIMITS)
    half = raw[:-40]
    with pytest.raises(UnreadableImage):
        decode(half, LIMITS)
    assert position(half, LIMITS) == (photograph.latitude, photograph.longitude)
    assert position(encoded(street()), LIMITS) == (None, None)
    with pytest.raises(UnreadableImage):
        position(b"no picture", LIMITS)


@pytest.mark.parametrize(
    "exif",
    [
        gps((0.0, 0.0, 0.0), "N", (0.0, 0.0, 0.0), "E"),
        gps((91.0, 0.0, 0.0), "N", (10.0, 0.0, 0.0), "E"),
        gps((10.0, 0.0, 0.0), "N", (200.0, 0.0, 0.0), "E"),
        gps((10.0, 5.0), "N", (20.0, 5.0), "E"),
    ],
    ids=["null island", "past the pole", "past the date line", "two parts only"],
)
def test_a_position_that_cannot_be_true_is_none_and_costs_no_picture(exif):
    photograph = decode(encoded(street(), "JPEG", exif=exif), LIMITS)
    assert (photograph.latitude, photograph.longitude) == (None, None)
    assert photograph.image.size == (64, 48)


def test_nothing_but_pixels_survives_decoding():
    exif = gps((33.0, 26.0, 56.4), "S", (70.0, 39.0, 1.8), "W")
    exif[ExifTags.Base.Make] = "Camera"
    raw = encoded(street(), "JPEG", exif=exif, comment=b"taken in Santiago", icc_profile=b"icc")
    photograph = decode(raw, LIMITS)
    assert photograph.latitude is not None
    assert not photograph.image.info
    assert not dict(photograph.image.getexif())
    assert b"Santiago" not in encoded(photograph.image, "JPEG")


def test_a_16_bit_grey_is_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)
    photograph = decode(encoded(Image.fromarray(np.tile(ramp, (48, 1)))), LIMITS)
    expected = np.linspace(0, 255, 64)
    assert np.abs(np.asarray(photograph.image)[0, :, 0] - expected).max() <= 1


def test_a_dark_16_bit_grey_stays_dark():
    night = np.full((48, 64), 250, np.uint16)
    assert np.asarray(decode(encoded(Image.fromarray(night)), LIMITS).image).max() <= 1


def test_transparency_is_laid_over_white():
    clear = street().convert("RGBA")
    clear.putalpha(0)
    assert corner(decode(encoded(clear), LIMITS), 0.5, 0.9) == (255, 255, 255)
    half = street().convert("RGBA")
    half.putalpha(128)
    assert corner(decode(encoded(half), LIMITS), 0.5, 0.9)[0] == pytest.approx(173, abs=2)


def test_a_transparent_palette_entry_becomes_white_and_the_others_keep_their_colour():
    palette = street().quantize(4)
    index = palette.getpixel((60, 40))
    photograph = decode(encoded(palette, transparency=index), LIMITS)
    assert corner(photograph, 0.9, 0.9) == (255, 255, 255)
    assert is_red(corner(photograph, 0.1, 0.1))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_every_pixel_mode_becomes_rgb(mode):
    kind = {"CMYK": "TIFF", "F": "TIFF"}.get(mode, "PNG")
    source = street().convert("L").convert("I").convert(mode) if mode == "I;16" else street()
    photograph = decode(encoded(source if mode == "I;16" else source.convert(mode), kind), LIMITS)
    assert photograph.image.mode == "RGB"
    assert photograph.image.size == (64, 48)


@pytest.mark.parametrize("shortest_side", [60, 100, 150, 300, 1000])
def test_draft_decoding_keeps_the_shortest_side_and_the_original_size(shortest_side):
    raw = encoded(street(800, 600), "JPEG")
    photograph = decode(raw, LIMITS, shortest_side)
    assert (photograph.width, photograph.height) == (800, 600)
    assert min(photograph.image.size) >= min(shortest_side, 600)
    assert is_red(corner(photograph, 0.1, 0.1))
    if shortest_side <= 300:
        assert max(photograph.image.size) <= 400, "a fraction was enough, and saves the time"


def test_draft_decoding_of_a_turned_photograph_states_the_upright_size():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    photograph = decode(encoded(street(800, 600), "JPEG", exif=exif), LIMITS, 100)
    assert (photograph.width, photograph.height) == (600, 800)
    assert photograph.image.width < photograph.image.height


def test_the_id_of_an_image_is_its_bytes():
    raw = encoded(street())
    assert content_id(raw) == content_id(bytes(raw))
    assert content_id(raw) != content_id(raw + b"\0")
    assert len(content_id(raw)) == 16


SOUND = [
    encoded(street(), "JPEG", exif=gps((33.0, 26.0, 56.4), "S", (70.0, 39.0, 1.8), "W")),
    encoded(street(), "PNG"),
    encoded(street().quantize(8), "GIF"),
    encoded(street(), "TIFF"),
    encoded(street(), "WEBP"),
    encoded(street(), "BMP"),
]
EDITS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12)


@given(st.sampled_from(SOUND), EDITS, st.floats(0, 1))
@settings(max_examples=500, deadline=None)
def test_mutated_files_give_a_picture_or_unreadable_image_and_nothing_else(raw, edits, keep):
    mutated = bytearray(raw)
    for place, value in edits:
        mutated[int(place * len(mutated))] = value
    found = outcome(bytes(mutated[: max(1, int(keep * 1.5 * len(mutated)))]))
    if isinstance(found, UnreadableImage):
        assert found.kind
        assert str(found)
    else:
        assert found.image.mode == "RGB"
        assert found.image.width * found.image.height > 0


@given(st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b""]), st.binary())
@settings(max_examples=100, deadline=None)
def test_random_bytes_give_unreadable_image(magic, noise):
    found = outcome(magic + noise)
    assert isinstance(found, UnreadableImage)
    assert found.kind
    assert str(found)


def outcome(raw: bytes) -> Photograph | UnreadableImage:
    """What decoding gives; any other exception is the test's failure."""
    try:
        return decode(raw, SMALL_LIMITS, 32)
    except UnreadableImage as problem:
        return problem


def header_of(width: int, height: int) -> bytes:
    """A PNG of this size as far as its header goes: nothing of it can be decoded."""
    return encoded(street())[:8] + png_header(width, height) + encoded(street())[33:]


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize(
    ("width", "height"),
    [(11_000, 5_500), (13_312, 6_656), (16_384, 8_192), (8_192, 6_144), (16_320, 12_240)],
)
def test_what_cameras_and_telephones_make_is_within_the_default(width, height):
    assert measure(header_of(width, height), LIMITS) == (width, height)


@pytest.mark.parametrize("size", [(20_000, 13_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_bombs_are_refused_by_our_own_limit(size):
    with pytest.raises(UnreadableImage, match="max_pixels") as caught:
        measure(header_of(*size), LIMITS)
    assert caught.value.kind == "too many pixels"


def test_our_limit_alone_decides_however_far_it_lies_from_pillows():
    raw = header_of(40_000, 10_000)
    whole = 1 << 40
    assert measure(raw, ImageLimits(max_pixels=400_000_000, max_decoding_bytes=whole))
    for limit in (399_999_999, 1_000, 250_000_000):
        with pytest.raises(UnreadableImage, match="max_pixels"):
            measure(raw, ImageLimits(max_pixels=limit, max_decoding_bytes=whole))


def test_threads_with_different_limits_do_not_disturb_each_other():
    large = header_of(40_000, 10_000)

    def outcome_under(limit: int) -> bool:
        try:
            return bool(measure(large, ImageLimits(limit, max_decoding_bytes=1 << 40)))
        except UnreadableImage:
            return False

    limits = [500_000_000, 1_000_000] * 200
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(outcome_under, limits)) == [True, False] * 200


def test_a_panorama_of_sixty_megapixels_is_decoded_at_a_reduced_scale():
    raw = encoded(Image.new("L", (11_000, 5_500), 100), "JPEG")
    photograph = decode(raw, LIMITS, 1024)
    assert (photograph.width, photograph.height) == (11_000, 5_500)
    assert photograph.image.size == (5_500, 2_750), "a view of 90 degrees keeps 1,024 pixels"


@pytest.mark.parametrize(
    ("kind", "options", "bytes_of_pixel"),
    [
        ("WEBP", {}, 17),
        ("PNG", {}, 4),
        ("BMP", {}, 4),
        ("JPEG", {"progressive": True, "subsampling": 0}, 6),
        ("JPEG", {"progressive": True, "subsampling": 2}, 3),
    ],
)
def test_what_cannot_be_decoded_in_the_memory_is_refused_by_name(kind, options, bytes_of_pixel):
    raw = encoded(street(100, 80), kind, **options)
    needed = 100 * 80 * bytes_of_pixel
    with pytest.raises(UnreadableImage, match=f"{kind} take {needed:,} bytes"):
        decode(raw, ImageLimits(max_decoding_bytes=needed - 1))
    assert decode(raw, ImageLimits(max_decoding_bytes=needed)).width == 100


def test_a_plain_jpeg_needs_no_memory_beside_the_picture():
    assert decode(encoded(street(), "JPEG"), ImageLimits(max_decoding_bytes=0)).width == 64


@pytest.mark.parametrize(("kind", "size"), [("PNG", (5_000, 4_000)), ("JPEG", (9_000, 8_000))])
def test_no_picture_comes_out_larger_than_any_model_looks_at(kind, size):
    photograph = decode(encoded(Image.new("L", size), kind), LIMITS)
    assert (photograph.width, photograph.height) == size
    assert photograph.image.size == decoded_size(*size)
    assert 0.99 < photograph.image.width * photograph.image.height / MAX_DECODED_PIXELS <= 1


def test_what_is_reduced_in_strips_is_what_would_be_reduced_whole():
    noise = np.random.default_rng(1).integers(0, 256, (1_101, 1_403, 3), dtype=np.uint8)
    source = Image.fromarray(noise)
    photograph = decode(encoded(source, "PNG"), LIMITS, 500)
    assert np.array_equal(np.asarray(photograph.image), np.asarray(source.reduce(2)))


def test_a_multi_picture_file_of_a_telephone_is_reduced_as_any_jpeg():
    second = street(80, 60)
    raw = encoded(street(800, 600), "MPO", save_all=True, append_images=[second])
    photograph = decode(raw, LIMITS, 100)
    assert (photograph.width, photograph.height) == (800, 600)
    assert photograph.image.size == (200, 150)


@pytest.mark.parametrize("orientation", [None, 1, 3, 6])
def test_a_picture_that_exif_turns_is_known_by_its_header(orientation):
    exif = Image.Exif()
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    raw = encoded(street(), "JPEG", exif=exif)
    assert is_turned(raw, LIMITS) == (orientation in {3, 6})
