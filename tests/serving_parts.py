"""A small model on disk, pictures to send, and a backend that works in this process."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import torch
from locating_family import picture, small_family
from PIL import Image, ImageDraw

from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.models.adapters import STAGES, AdapterStack
from georay.models.loading import load_family
from georay.models.locations import Location
from georay.serving.clues import CluesReader
from georay.serving.engine import load_engine
from georay.serving.jobs import (
    ChatJob,
    ChatOutcome,
    CluesJob,
    CluesOutcome,
    LocateJob,
    LocateOutcome,
    ModelCard,
    Piece,
)
from georay.serving.work import Ready, Worker


def save_small_model(folder: Path) -> Path:
    """The small model with two adapters that change its answers; gives the model's folder."""
    model = folder / "model"
    small_family().network.save_pretrained(model)
    small_family().processor.save_pretrained(model)
    network = load_family(str(model)).network
    stack = AdapterStack.build(network, "small", STAGES)
    torch.manual_seed(3)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.3)
    stack.save(folder / "adapters")
    return model


def small_recipe(model: Path, **changes: Any) -> ServeRecipe:
    """A recipe of the small model whose answers are short."""
    content: dict[str, Any] = {
        "model": str(model),
        "adapters": str(model.parent / "adapters"),
        "device": "cpu",
        "answers": {"max_new_tokens": 128, "towns_per_country": 2},
    }
    return parse_recipe(content | changes, ServeRecipe, "test")


def file_of(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """An encoded picture."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def street(seed: int = 0) -> bytes:
    """A picture, the same for a seed, as a JPEG."""
    return file_of(picture(seed))


def sign(*lines: str) -> bytes:
    """A picture of a sign that says something to whoever reads signs."""
    image = Image.new("RGB", (448, 320), (120, 150, 180))
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 40, 428, 280), fill="white", outline="black", width=4)
    for number, line in enumerate(lines):
        draw.text((36, 60 + 36 * number), line, fill="black", font_size=24)
    return file_of(image, "PNG")


class HereBackend:
    """A real worker in this process, one job at a time, in place of Ray Serve's replicas."""

    def __init__(self, recipe: ServeRecipe) -> None:
        self.worker = Worker(recipe, load_engine(recipe), CluesReader(recipe.clues))

    async def card(self) -> ModelCard:
        return self.worker.engine.card

    async def num_replicas(self) -> int:
        return 1

    async def locate(self, job: LocateJob) -> LocateOutcome:
        ready, _ = await self._ready(job, [job.raw])
        (answered,) = await self.worker.answer([ready])
        clues = await self.worker.clues(ready.pictures[0], job.overlay) if job.clues else None
        assert answered.answer is not None, answered.problem
        return LocateOutcome(await self.card(), answered.answer.location, None, clues)

    async def locate_aloud(self, job: LocateJob) -> AsyncIterator[Piece]:
        ready, _ = await self._ready(job, [job.raw])
        card, heard = await self.card(), list[Piece]()

        def place(location: Location) -> None:
            heard.append(Piece("place", outcome=LocateOutcome(card, location)))

        answered = await self.worker.answer_aloud(
            ready, place, lambda text: heard.append(Piece("reasons", text))
        )
        for piece in heard:
            yield piece
        yield Piece("done", outcome=LocateOutcome(card, answered.answer.location))

    async def clues(self, job: CluesJob) -> CluesOutcome:
        (opened,), decode_ms = await self.worker.decode([job.raw])
        return CluesOutcome(await self.worker.clues(opened, job.overlay), decode_ms=decode_ms)

    async def chat(self, job: ChatJob) -> ChatOutcome:
        ready, _ = await self._ready(job, job.raws)
        (answered,) = await self.worker.answer([ready])
        said = answered.answer
        return ChatOutcome(
            await self.card(),
            said.text,
            num_prompt_tokens=said.num_prompt_tokens,
            share=answered.share,
        )

    async def _ready(self, job: Any, raws: Any) -> tuple[Ready, float]:
        pictures, decode_ms = await self.worker.decode(raws)
        return Ready(job, pictures, 0.0), decode_ms
