"""Remote models asked one question, with waits short enough for tests."""

from misbehaving_endpoint import Endpoint
from PIL import Image

from georay.core.prompts import INFERENCE, Conversation
from georay.models.families.base import Exchange, Sampling
from georay.models.families.remote import RemoteModel, RemoteSettings, Reply

QUICK = Sampling(max_new_tokens=16)


def exchange(question: str = INFERENCE.question, image: Image.Image | None = None) -> Exchange:
    picture = image or Image.new("RGB", (32, 24), (90, 120, 200))
    return Exchange((picture,), Conversation(question))


def model(endpoint: Endpoint, **settings: object) -> RemoteModel:
    quick = {"first_wait_s": 0.001, "timeout_s": 5, "max_attempts": 3} | settings
    return RemoteModel(RemoteSettings(base_url=endpoint.url, model="m", **quick))


def ask(endpoint: Endpoint, **settings: object) -> Reply:
    return model(endpoint, **settings).answer([exchange()], QUICK)[0]
