"""Safe decoding: untrusted bytes to an upright RGB picture without metadata."""

import hashlib
import io
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

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
_GPS = ExifTags.GPS


@dataclass(frozen=True)
class ImageLimits:
    """`max_pixels`: width × height; `max_bytes`: of the encoded file."""

    max_pixels: int = 60_000_000
    max_bytes: int = 64 << 20


@dataclass(frozen=True)
class Photograph:
    """A decoded picture (RGB, upright, no metadata), its original size and where EXIF puts it."""

    image: Image.Image
    width: int
    height: int
    latitude: float | None
    longitude: float | None


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        width, height = _open(raw, limits).size
    return width, height


def decode(raw: bytes, limits: ImageLimits, shortest_side: int | None = None) -> Photograph:
    """The picture in `raw`, in RGB, upright, with everything but pixels stripped.

    shortest_side: a JPEG may be decoded at a power-of-two fraction of its size as long as its
    shorter side keeps at least this many pixels; it saves most of the time on large files.
    Raises UnreadableImage whose `kind` is one of: empty, too large, not an image, broken header,
    truncated, too many pixels, no pixels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decode(_open(raw, limits), shortest_side)


def _decode(image: Image.Image, shortest_side: int | None) -> Photograph:
    width, height = image.size
    try:
        latitude, longitude = _exif_position(image)
        if shortest_side and image.format == "JPEG":
            scale = shortest_side / min(width, height)
            image.draft("RGB", (round(width * scale), round(height * scale)))
        image.load()
        upright = _rgb(ImageOps.exif_transpose(image))
    except Exception as problem:  # on hostile bytes Pillow's decoders raise anything
        raise UnreadableImage(
            "truncated", f"the {image.format} ends or breaks early: {problem}"
        ) from problem
    if upright.width * upright.height == 0:
        raise UnreadableImage("no pixels", "the picture has no pixels")
    if _is_turned(image):
        width, height = height, width
    return Photograph(upright, width, height, latitude, longitude)


def _open(raw: bytes, limits: ImageLimits) -> Image.Image:
    """The picture with its header read and held to the limits, not decoded yet."""
    if not raw:
        raise UnreadableImage("empty", "the file has zero bytes")
    if len(raw) > limits.max_bytes:
        raise UnreadableImage(
            "too large", f"{len(raw):,} bytes; the limit is {limits.max_bytes:,} (max_bytes)"
        )
    image = _identified(raw)
    width, height = image.size
    if width * height == 0:
        raise UnreadableImage("no pixels", f"the picture is {width}×{height} pixels")
    if width * height > limits.max_pixels:
        raise UnreadableImage(
            "too many pixels",
            f"{width}×{height} is {width * height:,} pixels; "
            f"the limit is {limits.max_pixels:,} (max_pixels)",
        )
    return image


def _identified(raw: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(raw), formats=FORMATS)
    except Image.DecompressionBombError as problem:
        raise UnreadableImage("too many pixels", str(problem)) from problem
    except UnidentifiedImageError:
        raise _unidentified(raw) from None
    except Exception as problem:  # as in _decode
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


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB; 16-bit greys are scaled, transparency is laid over white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        is_deep = image.mode.startswith("I;16") or values.max(initial=0) > 255
        top = 65535.0 if is_deep else 255.0
        image = Image.fromarray(np.uint8(np.clip(values * (255.0 / top), 0, 255)))
    if "transparency" in image.info or image.mode in {"RGBA", "LA", "PA"}:
        layered = image.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        image = Image.alpha_composite(white, layered)
    plain = image.convert("RGB")
    bare = Image.new("RGB", plain.size)
    bare.paste(plain)
    return bare


def _is_turned(image: Image.Image) -> bool:
    return image.getexif().get(ExifTags.Base.Orientation, 1) in {5, 6, 7, 8}


def _exif_position(image: Image.Image) -> tuple[float | None, float | None]:
    try:
        gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(gps[_GPS.GPSLatitude], gps.get(_GPS.GPSLatitudeRef, "N"))
        longitude = _degrees(gps[_GPS.GPSLongitude], gps.get(_GPS.GPSLongitudeRef, "E"))
    except Exception:  # a broken tag must not cost the picture: EXIF fails in endless ways
        return None, None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180) or latitude == longitude == 0:
        return None, None
    return latitude, longitude


def _degrees(parts: tuple[float, float, float], reference: object) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    name = reference.decode() if isinstance(reference, bytes) else str(reference)
    sign = -1 if name.strip("\0 ").upper() in {"S", "W"} else 1
    return sign * (degrees + minutes / 60 + seconds / 3600)
