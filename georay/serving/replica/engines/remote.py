"""The engine of an OpenAI-compatible endpoint."""

from collections.abc import Callable, Sequence

from PIL import Image

from georay.config.serve import RemoteRecipe, ServeRecipe
from georay.models.answering import RemoteAnswerer
from georay.models.families.base import Exchange
from georay.models.families.remote import RemoteModel, RemoteSettings, Reply
from georay.models.locations import Location
from georay.models.streamed import report_at_once
from georay.serving.messages import ChatOptions, LocateOptions, ModelCard
from georay.serving.replica.engines.base import (
    ChatReply,
    LocateReply,
    chosen_adapter,
    question,
    sampling_of,
    settings_of,
)

MAX_BATCHES = 8
"""Batches on their way to an endpoint: it makes its own of them, and a long answer holds no other
up."""


class RemoteEngine:
    """An OpenAI-compatible endpoint. It neither ranks nor streams, and has no adapters of ours."""

    max_batches = MAX_BATCHES

    def __init__(self, model: RemoteModel, recipe: ServeRecipe) -> None:
        assert recipe.remote is not None
        self._model = model
        self._recipe = recipe
        self.card = ModelCard(recipe.remote.model, None, (), "none")

    def refusal_of(self, width: int, height: int) -> str | None:  # noqa: ARG002
        """None: each picture travels by itself, and the endpoint says what it does not take."""
        return None

    def locate(self, pictures: Sequence[Image.Image], options: LocateOptions) -> list[LocateReply]:
        chosen_adapter(options.adapter, self.card)
        answerer = RemoteAnswerer(self._model, settings_of(self._recipe, options))
        exchanges = [question(picture, options) for picture in pictures]
        return [LocateReply(one, 0) for one in answerer.answer(exchanges, options.top_k)]

    def locate_stream(
        self,
        picture: Image.Image,
        options: LocateOptions,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> LocateReply:
        (found,) = self.locate([picture], options)
        report_at_once(found.location, on_place, on_reasons)
        return found

    def chat(self, exchanges: Sequence[Exchange], options: ChatOptions) -> list[ChatReply]:
        chosen_adapter(options.adapter, self.card)
        return list(map(chat_reply, self._model.answer(exchanges, sampling_of(options))))

    def check(self) -> None:
        """A new replica would not bring a dead endpoint back: its errors are in the answers."""


def remote_settings(recipe: RemoteRecipe) -> RemoteSettings:
    """How an endpoint is asked, from its part of a recipe."""
    return RemoteSettings(**recipe.model_dump(exclude={"engine", "adapters"}))


def chat_reply(reply: Reply) -> ChatReply:
    """An endpoint's reply as an engine gives it."""
    return ChatReply(
        reply.text, reply.error, reply.num_prompt_tokens or 0, reply.num_answer_tokens or 0
    )
