"""Decodes the pictures of a job in a thread of its own."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from georay.core.images import ImageLimits, decode
from georay.errors import UnreadableImage
from georay.serving.replica.threads import milliseconds_since, run_in

_SHORTEST_SIDE = 1024  # a JPEG is decoded no larger than models and segmenters look at
RefusalOf = Callable[[int, int], str | None]


class Decoder:
    """Turns encoded pictures into RGB images, within the limits of a request."""

    def __init__(self, limits: ImageLimits) -> None:
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, "decode")

    async def decode(
        self, raws: Sequence[bytes], refusal_of: RefusalOf | None = None
    ) -> tuple[tuple[Image.Image, ...], float]:
        """The pictures of a job and the milliseconds they took.

        refusal_of: why a picture of this width and height is not taken, if so. Raises
        UnreadableImage for the first picture that is broken or refused; of several it says which.
        """
        started = time.perf_counter()
        pictures = await run_in(self._thread, self._all, raws, refusal_of)
        return pictures, milliseconds_since(started)

    def _all(self, raws: Sequence[bytes], refusal_of: RefusalOf | None) -> tuple[Image.Image, ...]:
        pictures: list[Image.Image] = []
        for raw in raws:
            try:
                pictures.append(self._one(raw, refusal_of))
            except UnreadableImage as problem:
                number = len(pictures) + 1
                named = f"picture {number}: {problem}" if len(raws) > 1 else str(problem)
                raise UnreadableImage(problem.kind, named) from None
        return tuple(pictures)

    def _one(self, raw: bytes, refusal_of: RefusalOf | None) -> Image.Image:
        picture = decode(raw, self._limits, _SHORTEST_SIDE).image
        if refusal_of and (refusal := refusal_of(*picture.size)):
            raise UnreadableImage("not for the model", refusal)
        return picture
