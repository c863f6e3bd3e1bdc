"""Writes the folder of awkward pictures that curation must survive: tests/fixtures/bad_images.

Run `python -m tests.support.make_bad_images` to make it anew.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parents[1] / "fixtures" / "bad_images"
UNREADABLE = {
    "bomb_400_megapixels.png": "too many pixels",
    "dangling_link.jpg": "unreadable",
    "empty.jpg": "empty",
    "empty_again.jpg": "empty",
    "noise_after_header.jpg": "broken header",
    "not_an_image.jpg": "not an image",
    "truncated.jpg": "truncated",
    "truncated.png": "truncated",
    "zero_pixels.gif": "broken header",
    "zero_pixels.png": "broken header",
}
READABLE = (
    "animated.gif",
    "cmyk.jpg",
    "grey16.png",
    "palette_transparent.png",
    "png_named.jpg",
    "rotated_exif.jpg",
    "with_gps.jpg",
)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    street = _street()
    _readable(street)
    _unreadable(street)


def _street() -> Image.Image:
    """Sky, a building with windows, a road: enough to be segmented."""
    rng = np.random.default_rng(7)
    pixels = np.zeros((96, 128, 3), np.float64)
    pixels[:40] = (150, 190, 230)
    pixels[20:64, 70:] = (170, 110, 90)
    pixels[28:60:10, 76:124:8] = (60, 70, 90)
    pixels[64:] = (95, 95, 98)
    pixels[78:82, ::12] = (230, 230, 230)
    noisy = pixels + rng.normal(0, 6, pixels.shape)
    return Image.fromarray(np.uint8(np.clip(noisy, 0, 255)))


def _readable(street: Image.Image) -> None:
    street.convert("CMYK").save(FOLDER / "cmyk.jpg")
    grey = np.asarray(street.convert("L"), dtype=np.uint16) * 257
    Image.fromarray(grey).save(FOLDER / "grey16.png")
    palette = street.quantize(16)
    palette.save(FOLDER / "palette_transparent.png", transparency=3)
    frames = [street, street.rotate(90), street.rotate(180)]
    frames[0].save(FOLDER / "animated.gif", save_all=True, append_images=frames[1:])
    street.save(FOLDER / "png_named.jpg", format="PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    street.rotate(90, expand=True).save(FOLDER / "rotated_exif.jpg", exif=exif)
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "S", 2: (33.0, 26.0, 56.4), 3: "W", 4: (70.0, 39.0, 1.8)})
    street.save(FOLDER / "with_gps.jpg", exif=exif)


def _unreadable(street: Image.Image) -> None:
    (FOLDER / "empty.jpg").write_bytes(b"")
    (FOLDER / "empty_again.jpg").write_bytes(b"")
    (FOLDER / "not_an_image.jpg").write_text("This is a letter, not a picture.\n")
    street.save(FOLDER / "truncated.jpg", quality=92)
    street.save(FOLDER / "truncated.png")
    for name in ("truncated.jpg", "truncated.png"):
        whole = (FOLDER / name).read_bytes()
        (FOLDER / name).write_bytes(whole[: len(whole) // 3])
    header = (FOLDER / "with_gps.jpg").read_bytes()[:40]
    noise = np.random.default_rng(3).integers(0, 256, 4000, dtype=np.uint8).tobytes()
    (FOLDER / "noise_after_header.jpg").write_bytes(header + noise)
    Image.new("1", (20_000, 20_001)).save(FOLDER / "bomb_400_megapixels.png", optimize=True)
    (FOLDER / "zero_pixels.png").write_bytes(_png_of_size(0, 16))
    (FOLDER / "zero_pixels.gif").write_bytes(
        b"GIF89a" + struct.pack("<HHBBB", 0, 0, 0, 0, 0) + b";"
    )
    link = FOLDER / "dangling_link.jpg"
    link.unlink(missing_ok=True)
    link.symlink_to("nowhere.jpg")


def _png_of_size(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * height)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


if __name__ == "__main__":
    main()
