"""A replica loads its model where it asks it, and reads pictures within the limits."""

import asyncio
import threading

import pytest
from serving_parts import HereBackend, small_recipe, street

from georay.core.images import ImageLimits
from georay.errors import UnreadableImage
from georay.serving.replica.decoding import Decoder
from georay.serving.replica.engines.load import load_engine


def test_the_model_is_loaded_in_the_thread_that_asks_it(model):
    names = []

    class Noting(HereBackend):
        def _load_engine(self, recipe):
            names.append(threading.current_thread().name)
            engine = load_engine(recipe)
            engine.check = lambda: names.append(threading.current_thread().name)
            return engine

    asyncio.run(Noting(small_recipe(model)).check_health())
    loaded_in, asked_in = names
    assert loaded_in == asked_in != threading.current_thread().name


def test_a_broken_picture_says_why():
    with pytest.raises(UnreadableImage, match=r"^(?!picture 1)"):
        asyncio.run(Decoder(ImageLimits()).decode([street()[:500]]))


def test_of_several_pictures_the_first_that_is_refused_is_numbered():
    def refuse_wide(width: int, height: int) -> str | None:
        return "too wide" if width > height else None

    decoder = Decoder(ImageLimits())
    with pytest.raises(UnreadableImage, match="picture 1: too wide"):
        asyncio.run(decoder.decode([street(), street(1)], refuse_wide))
    pictures, elapsed_ms = asyncio.run(decoder.decode([street(), street(1)]))
    assert len(pictures) == 2 and elapsed_ms > 0
