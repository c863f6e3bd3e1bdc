"""Limits checked before anything is decoded: the picture, the API key, and its rate."""

import hmac
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from georay.config.serve import RequestLimitsRecipe
from georay.core.images import ImageLimits, image_format, measure
from georay.errors import UnreadableImage
from georay.serving.ingress.refusals import Refusal

FORMATS = ("JPEG", "PNG", "WEBP")
_TOO_LARGE = ("too large", "too many pixels")


@dataclass(frozen=True)
class Picture:
    """An uploaded picture that passed the checks of its header. Sizes in pixels."""

    raw: bytes = field(repr=False)
    width: int
    height: int


def check_picture(raw: bytes, limits: RequestLimitsRecipe) -> Picture:
    """The picture, if its first bytes and its header are within the limits; decodes nothing.

    Raises Refusal.
    """
    if raw and image_format(raw) not in FORMATS:
        raise Refusal(
            "unsupported_type", "this is no JPEG, PNG or WebP file by its first bytes; convert it"
        )
    try:
        width, height = measure(raw, ImageLimits(limits.max_pixels, limits.max_body_bytes))
    except UnreadableImage as problem:
        code = "too_large" if problem.kind in _TOO_LARGE else "invalid"
        raise Refusal(code, f"the picture cannot be read: {problem}") from None  # type: ignore[arg-type]
    return Picture(raw, width, height)


class KeyRing:
    """The API keys of a server; without any, everyone may ask."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    @classmethod
    def from_environment(cls, variable: str | None) -> "KeyRing":
        """Keys separated by white space. Raises ValueError where the variable holds none."""
        if variable is None:
            return cls(())
        keys = os.environ.get(variable, "").split()
        if not keys:
            raise ValueError(
                f"the environment variable {variable} (limits.keys_variable) holds no API key"
            )
        return cls(keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def number_of(self, presented: str) -> int | None:
        """Which key this is, or None; as slow for a near miss as for a far one."""
        given, found = presented.encode(), None
        for number, key in enumerate(self._keys):
            if hmac.compare_digest(key, given):
                found = number
        return found


class Rates:
    """A token bucket for each key: `burst` requests at once, refilled over the minute."""

    def __init__(self, per_minute: float, burst: int) -> None:
        self._per_second = per_minute / 60
        self._burst = burst
        self._buckets: dict[int, tuple[float, float]] = {}

    def wait_s(self, key: int) -> int:
        """0 and one request fewer for this key, or the whole seconds until it may ask again."""
        now = time.monotonic()
        tokens, since = self._buckets.get(key, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - since) * self._per_second)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            return math.ceil((1 - tokens) / self._per_second)
        self._buckets[key] = (tokens - 1, now)
        return 0
