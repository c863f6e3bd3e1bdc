"""Reads a picture's orientation and position from EXIF.

Only the tags named here are read, each where it lies, so a broken one costs nothing but itself.
"""

import re
import struct
from dataclasses import dataclass

_PREFIX = b"Exif\0\0"
_ORIENTATION, _GPS_DIRECTORY = 0x0112, 0x8825
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4
_WORDS_OF_REFERENCES = {"latitude", "longitude", "lat", "lon", "long"}

_NUMBERS = {3: "H", 4: "I", 5: "II", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I"}
_BYTES = {1, 2, 6, 7}  # bytes and text, which writers mix up
_FRACTIONS = {5, 10}
_MAX_VALUES = 64  # of a tag that is read here; more would be nonsense

Value = bytes | tuple[float, ...]


@dataclass(frozen=True)
class ExifFacts:
    """orientation: 1 to 8, None where there is none. Coordinates in degrees, both or neither."""

    orientation: int | None = None
    latitude: float | None = None
    longitude: float | None = None


def read_exif(block: bytes) -> ExifFacts:
    """The facts of an EXIF block: a TIFF structure, with or without "Exif" before it.

    Never raises: what is absent, broken or contradictory is None. Hemispheres may be given by a
    sign or by a reference; where the two contradict each other there is no position.
    """
    tiff = _Tiff(block.removeprefix(_PREFIX).removeprefix(_PREFIX))  # some write it twice
    first = tiff.directory(tiff.first_directory, {_ORIENTATION, _GPS_DIRECTORY})
    orientation = _whole_number(first.get(_ORIENTATION))
    start = _whole_number(first.get(_GPS_DIRECTORY))
    wanted = {_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE}
    gps = tiff.directory(start, wanted) if start is not None else {}
    latitude = _coordinate(gps.get(_LATITUDE), gps.get(_LATITUDE_REF, b""), "ns")
    longitude = _coordinate(gps.get(_LONGITUDE), gps.get(_LONGITUDE_REF, b""), "ew")
    if not _can_be_true(latitude, longitude):
        return ExifFacts(orientation)
    return ExifFacts(orientation, latitude, longitude)


class _Tiff:
    """Directories of a TIFF structure, which may be cut or lie about offsets and counts."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._order = {b"II": "<", b"MM": ">"}.get(block[:2])

    @property
    def first_directory(self) -> int:
        """Where the first directory begins, -1 if this is no TIFF structure."""
        return int(self._unpack("I", 4)[0]) if self._order and len(self._block) >= 8 else -1

    def directory(self, start: int, wanted: set[int]) -> dict[int, Value]:
        """The readable ones of the wanted tags; of a tag that is there twice, the first."""
        found: dict[int, Value] = {}
        if not 0 < start <= len(self._block) - 2:
            return found
        (count,) = self._unpack("H", start)
        for at in range(start + 2, min(start + 2 + 12 * count, len(self._block) - 11), 12):
            tag, kind, number = self._unpack("HHI", at)
            value = self._value(kind, number, at + 8) if tag in wanted else None
            if value is not None:
                found.setdefault(tag, value)
        return found

    def _value(self, kind: int, number: int, at: int) -> Value | None:
        form = "s" if kind in _BYTES else _NUMBERS.get(kind)
        if form is None or not 0 < number <= _MAX_VALUES:
            return None
        size = number * struct.calcsize("<" + form)
        start = at if size <= 4 else int(self._unpack("I", at)[0])
        data = self._block[start : start + size]
        if len(data) < size:
            return None
        if form == "s":
            return data
        numbers = struct.unpack(f"{self._order}{form * number}", data)
        if kind in _FRACTIONS:
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            return tuple(above / below if below else float("nan") for above, below in pairs)
        return numbers

    def _unpack(self, form: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(f"{self._order}{form}", self._block, at)


def _whole_number(value: Value | None) -> int | None:
    if isinstance(value, bytes):
        text = value.strip(b"\0 ")
        return int(text) if text.isdigit() else value[0]
    if value is None or value[0] != value[0] // 1:  # so is NaN
        return None
    return int(value[0])


def _coordinate(value: Value | None, reference: Value, letters: str) -> float | None:
    """Signed degrees of degrees, minutes and seconds. letters: of the reference, positive first."""
    if isinstance(value, bytes) or value is None or len(value) != 3:
        return None
    sign = _sign_of_parts(value)
    named = _sign_of_reference(reference, letters)
    if sign is None or named is None or (sign < 0 < named):
        return None
    degrees, minutes, seconds = (abs(part) for part in value)
    return (named or sign) * (degrees + minutes / 60 + seconds / 3600)


def _sign_of_parts(parts: tuple[float, ...]) -> int | None:
    """-1 for -33, 51, 24 and for -33, -51, -24; None where the parts contradict each other."""
    signs = [1 if part > 0 else -1 for part in parts if part != 0]
    if not signs or signs[0] > 0:
        return 1 if all(sign > 0 for sign in signs) else None
    return -1 if len(set(signs[1:])) < 2 else None


def _sign_of_reference(reference: Value, letters: str) -> int | None:
    """1 or -1, 0 where nothing is said, None for what is no reference of this coordinate."""
    if not isinstance(reference, bytes):
        return None
    words = re.findall("[a-z]+", reference.replace(b"\0", b"").decode("latin-1").lower())
    named = [word for word in words if word not in _WORDS_OF_REFERENCES]
    if not named:
        return None if reference.strip(b"\0 ") and not words else 0
    return {letters[0]: 1, letters[1]: -1}.get(named[0][0])


def _can_be_true(latitude: float | None, longitude: float | None) -> bool:
    """Whether this is a place on Earth, and not the 0, 0 of cameras that know none."""
    if latitude is None or longitude is None:
        return False
    return abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0, 0)
