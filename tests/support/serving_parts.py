"""A small model on disk, pictures to send, and a backend that works in this process."""

import io
from pathlib import Path
from typing import Any

import torch
from locating_family import picture, small_family
from PIL import Image, ImageDraw

from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.models.adapters import STAGES, AdapterStack
from georay.models.loading import load_family
from georay.serving.replica.model_replica import ModelReplica


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


class HereBackend(ModelReplica):
    """The real replica in this process, in place of Ray Serve's."""

    async def num_replicas(self) -> int:
        return 1
