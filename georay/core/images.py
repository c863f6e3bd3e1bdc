"""Safe decoding: untrusted bytes to an upright RGB picture without metadata."""

import hashlib
import io
import re
import warnings
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.TiffTags import TAGS_V2_GROUPS

from georay.core.allocator import give_back_freed_memory
from georay.core.exif import ExifFacts, read_exif
from georay.core.panoramas import (
    VIEW_SIDE,
    Panorama,
    has_panorama_shape,
    is_panorama_by_looks,
    named_panorama,
)
from georay.errors import UnreadableImage

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"RIFF": "WEBP",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MEGAPIXELS = 1_000_000
MAX_PIXELS = 256 * _MEGAPIXELS
"""Panoramas of street-level cameras have up to 134 million, telephones' photographs up to 200."""
MAX_DECODED_PIXELS = 16 * _MEGAPIXELS
"""What is left of a larger picture: more than any model of the registry looks at (12.8 million)."""
MAX_DECODING_BYTES = 1 << 30
_BYTES_OF_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}  # in Pillow; else 4
_BYTES_OF_WEBP_PIXEL = 17  # measured: the decoder draws on canvases of its own
_MUCH_MEMORY = 128 << 20  # for a decoder: none of it is left in the process afterwards
_ROWS = 256  # of the reduced picture that are converted at a time

# Corrupt metadata makes Pillow warn. A filter set around each call would not be safe with threads.
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True)
class ImageLimits:
    """What is refused before it is decoded.

    max_pixels: width × height; max_bytes: of the encoded file; max_decoding_bytes: of memory that
    the decoder would need. JPEGs are decoded at a reduced scale and need little; other formats, and
    progressive JPEGs, are held whole, which bounds their pixels: PNG, TIFF and BMP in colour 268
    million, WebP 63 million, progressive JPEG 178 million at full colour resolution.
    """

    max_pixels: int = MAX_PIXELS
    max_bytes: int = 64 << 20
    max_decoding_bytes: int = MAX_DECODING_BYTES


@dataclass(frozen=True)
class Photograph:
    """A decoded picture (RGB, upright, no metadata), its original size and where EXIF puts it.

    panorama: the part of the sphere that an equirectangular picture shows; None for any other.
    """

    image: Image.Image
    width: int
    height: int
    latitude: float | None
    longitude: float | None
    panorama: Panorama | None = None


def content_id(raw: bytes) -> str:
    """The id of an image: the first 16 hex digits of its bytes' SHA-256."""
    return hashlib.sha256(raw).hexdigest()[:16]


def squeezed(image: Image.Image, side: int) -> Image.Image:
    """The picture in RGB, squeezed to a square of `side` pixels (bicubic), as Qwen-VL reads it."""
    return image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)


def image_format(raw: bytes) -> str | None:
    """The one of FORMATS that the first bytes announce, or None."""
    if raw.startswith(b"RIFF") and raw[8:12] != b"WEBP":
        return None
    return next((name for magic, name in _MAGIC.items() if raw.startswith(magic)), None)


def measure(raw: bytes, limits: ImageLimits) -> tuple[int, int]:
    """Width and height by the header alone: nothing is decoded.

    Raises UnreadableImage as `decode` does, for what a header can show.
    """
    width, height = _open(raw, limits).size
    return width, height


def is_turned(raw: bytes, limits: ImageLimits) -> bool:
    """Whether EXIF says that the stored pixels are to be turned before a person looks at them.

    `decode` turns them; some training tools do not. Raises UnreadableImage as `measure` does.
    """
    return (_exif_facts(_open(raw, limits), raw).orientation or 1) != 1


def position(raw: bytes, limits: ImageLimits) -> tuple[float | None, float | None]:
    """Latitude and longitude in degrees, as EXIF has them, both or neither; nothing is decoded.

    Raises UnreadableImage as `measure` does.
    """
    image = _open(raw, limits)
    facts = _exif_facts(image, raw)
    image.close()
    return facts.latitude, facts.longitude


def decode(raw: bytes, limits: ImageLimits, shortest_side: int | None = None) -> Photograph:
    """The picture in `raw`, in RGB, upright, with everything but pixels stripped.

    shortest_side: the picture may come at a half, a quarter or an eighth of its size as long as
    its shorter side keeps at least this many pixels, or as a panorama's views keep theirs. It saves
    most of the time on large JPEGs. No picture comes with more than MAX_DECODED_PIXELS.
    Raises UnreadableImage whose `kind` is one of: empty, too large, not an image, broken header,
    truncated, too many pixels, no pixels.
    """
    image = _open(raw, limits)
    facts = _exif_facts(image, raw)
    width, height = image.size
    if facts.orientation in {5, 6, 7, 8}:
        width, height = height, width
    named = named_panorama(_xmp(image), width, height)
    panorama = named or (Panorama() if has_panorama_shape(width, height) else None)
    scale = _scale(width, height, shortest_side, panorama)
    upright = _upright(image, scale, facts.orientation)
    if named is None and panorama and not is_panorama_by_looks(upright, width):
        panorama = None
    return Photograph(upright, width, height, facts.latitude, facts.longitude, panorama)


def decoded_size(width: int, height: int) -> tuple[int, int]:
    """The size that `decode` gives a picture of this size when no `shortest_side` is asked for."""
    if width * height <= MAX_DECODED_PIXELS:
        return width, height
    scale = sqrt(MAX_DECODED_PIXELS / (width * height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _scale(width: int, height: int, shortest_side: int | None, panorama: Panorama | None) -> int:
    """1, 2, 4 or 8: how many pixels become one while the picture is decoded."""
    fits = [1]
    if shortest_side:
        side = min(width, height)
        if panorama is not None:
            side, shortest_side = panorama.full_width(width) // 4, max(shortest_side, VIEW_SIDE)
        fits += [scale for scale in (2, 4, 8) if side // scale >= shortest_side]
    fits += [scale for scale in (2, 4, 8) if width * height >= MAX_DECODED_PIXELS * scale**2]
    return max(fits)


def _upright(image: Image.Image, scale: int, orientation: int | None) -> Image.Image:
    """The pixels of an opened picture, which is closed then."""
    needs_much = _decoding_bytes(image) >= _MUCH_MEMORY
    if needs_much:
        give_back_freed_memory()
    plain = _loaded(image, scale)
    image.close()
    if needs_much:
        give_back_freed_memory()
    if plain.width * plain.height == 0:
        raise UnreadableImage("no pixels", "the picture has no pixels")
    size = decoded_size(*plain.size)
    if size != plain.size:
        plain = plain.resize(size, Image.Resampling.BICUBIC)
    turn = _TURNS.get(orientation or 1)
    return plain if turn is None else plain.transpose(turn)


def _loaded(image: Image.Image, scale: int) -> Image.Image:
    try:
        if isinstance(image, JpegImageFile) and scale > 1:
            image.draft("RGB", (image.width // scale, image.height // scale))
            scale = 1
        elif isinstance(image, TiffImageFile):
            _forget_other_directories(image)
        return _rgb(image, scale)
    except Exception as problem:  # on hostile bytes Pillow's decoders raise anything
        raise UnreadableImage(
            "truncated", f"the {image.format} ends or breaks early: {problem}"
        ) from problem


def _open(raw: bytes, limits: ImageLimits) -> Image.Image:
    """The picture with its header read and held to the limits, not decoded yet."""
    if not raw:
        raise UnreadableImage("empty", "the file has zero bytes")
    if len(raw) > limits.max_bytes:
        raise UnreadableImage(
            "too large", f"{len(raw):,} bytes; the limit is {limits.max_bytes:,} (max_bytes)"
        )
    image = _identified(raw, limits)
    width, height = image.size
    if width * height == 0:
        raise UnreadableImage("no pixels", f"the picture is {width}×{height} pixels")
    if width * height > limits.max_pixels:
        raise UnreadableImage(
            "too many pixels",
            f"{width}×{height} is {width * height:,} pixels; "
            f"the limit is {limits.max_pixels:,} (max_pixels)",
        )
    needed = _decoding_bytes(image)
    if needed > limits.max_decoding_bytes:
        raise UnreadableImage(
            "too many pixels",
            f"{width}×{height} pixels of this {image.format} take {needed:,} bytes to decode; the "
            f"limit is {limits.max_decoding_bytes:,}: save it as a JPEG that is not progressive",
        )
    return image


def _decoding_bytes(image: Image.Image) -> int:
    """The memory that decoding takes beside the picture that comes of it."""
    pixels = image.width * image.height
    if isinstance(image, JpegImageFile):
        if not image.info.get("progressive"):
            return 0
        # All coefficients are kept, two bytes each, fewer for colours of a lower resolution.
        full = max(across * down for _, across, down, _ in image.layer)
        return ceil(2 * pixels * sum(across * down for _, across, down, _ in image.layer) / full)
    if image.format == "WEBP":
        return pixels * _BYTES_OF_WEBP_PIXEL
    return pixels * _BYTES_OF_PIXEL.get(image.mode, 4)


def _identified(raw: bytes, limits: ImageLimits) -> Image.Image:
    # Pillow has a limit of its own, one for the process. It is only ever raised, so that threads
    # with different limits do not undo each other, and far enough for ours to decide.
    if Image.MAX_IMAGE_PIXELS is not None and limits.max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = limits.max_pixels
    try:
        return Image.open(io.BytesIO(raw), formats=FORMATS)
    except Image.DecompressionBombError as problem:
        raise UnreadableImage(
            "too many pixels", f"more than {limits.max_pixels:,} pixels, the limit (max_pixels)"
        ) from problem
    except UnidentifiedImageError:
        raise _unidentified(raw) from None
    except Exception as problem:  # as in _loaded
        raise UnreadableImage("truncated", f"the file breaks in its header: {problem}") from problem


def _unidentified(raw: bytes) -> UnreadableImage:
    if name := image_format(raw):
        return UnreadableImage(
            "broken header", f"starts as a {name}, but its header is cut short or says 0 pixels"
        )
    starts = raw[:8].hex(" ")
    return UnreadableImage(
        "not an image", f"none of {', '.join(FORMATS)} starts with the bytes {starts}"
    )


def _rgb(image: Image.Image, scale: int) -> Image.Image:
    """Any mode to RGB at one `scale`th of the size, a strip at a time, so that memory stays low.

    16-bit greys are scaled, transparency is laid over white.
    """
    image.load()
    top = _brightest(image)
    reduced = Image.new("RGB", (ceil(image.width / scale), ceil(image.height / scale)))
    rows = _ROWS * scale
    for start in range(0, image.height, rows):
        box = (0, start, image.width, min(image.height, start + rows))
        strip = _opaque(image.crop(box), top)
        reduced.paste(strip.reduce(scale) if scale > 1 else strip, (0, start // scale))
    return reduced


def _brightest(image: Image.Image) -> float:
    """The value of white in a picture whose values are no bytes."""
    if image.mode.startswith("I;16"):
        return 65535.0
    if image.mode not in {"I", "F"}:
        return 255.0
    extremes = image.getextrema()
    return 65535.0 if extremes is not None and extremes[1] > 255 else 255.0  # type: ignore[operator]


def _opaque(image: Image.Image, top: float) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        image = Image.fromarray(np.uint8(np.clip(values * (255.0 / top), 0, 255)))
    if "transparency" in image.info or image.mode in {"RGBA", "LA", "PA"}:
        layered = image.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        image = Image.alpha_composite(white, layered)
    return image.convert("RGB")


def _forget_other_directories(image: TiffImageFile) -> None:
    """Pillow turns a TIFF itself, and reads its EXIF and GPS for that, which may be broken."""
    exif = image.getexif()
    for tag in TAGS_V2_GROUPS:
        exif.pop(tag, None)


def _exif_facts(image: Image.Image, raw: bytes) -> ExifFacts:
    facts = read_exif(_exif_block(image, raw))
    if isinstance(image, TiffImageFile):  # Pillow has turned it already
        return ExifFacts(None, facts.latitude, facts.longitude)
    if facts.orientation is None and (
        named := re.search(r'tiff:Orientation(="|>)([1-8])', _xmp(image))
    ):
        return ExifFacts(int(named[2]), facts.latitude, facts.longitude)
    return facts


def _exif_block(image: Image.Image, raw: bytes) -> bytes:
    if isinstance(image, TiffImageFile):
        return raw
    if isinstance(block := image.info.get("exif"), bytes):
        return block
    if isinstance(written := image.info.get("Raw profile type exif"), str):  # in older PNGs
        digits = re.sub(r"\s", "", "".join(written.split("\n")[3:]))
        return bytes.fromhex(digits) if re.fullmatch("([0-9a-fA-F]{2})*", digits) else b""
    return b""


def _xmp(image: Image.Image) -> str:
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
