"""The engine of a vLLM server."""

from collections.abc import Mapping, Sequence

from georay.config.serve import ServeRecipe
from georay.models.families.base import Exchange
from georay.models.families.remote import RemoteModel
from georay.models.locations import Location
from georay.models.vllm import VllmModel
from georay.models.vllm_answering import VllmAnswerer
from georay.serving.messages import AdapterChoice, ChatOptions, LocateOptions, ModelCard
from georay.serving.replica.engines.base import (
    ChatReply,
    RankingEngine,
    chosen_adapter,
    default_adapter,
    sampling_of,
    settings_of,
)
from georay.serving.replica.engines.remote import MAX_BATCHES, chat_reply

_ADAPTERS: tuple[AdapterChoice, ...] = ("reasoning", "location", "both")


class VllmEngine(RankingEngine):
    """A vLLM server: it constrains, ranks and streams as a local model does, by adapters' names."""

    max_batches = MAX_BATCHES

    def __init__(self, model: RemoteModel, recipe: ServeRecipe) -> None:
        assert recipe.remote is not None
        self._model, self._recipe = model, recipe
        self._names: Mapping[AdapterChoice, str] = dict(recipe.remote.adapters.items())
        choices = tuple(name for name in _ADAPTERS if name in self._names)
        self.card = ModelCard(recipe.remote.model, None, choices, default_adapter(choices))

    def refusal_of(self, width: int, height: int) -> str | None:  # noqa: ARG002
        """None: each picture travels by itself, and the server says what it does not take."""
        return None

    def chat(self, exchanges: Sequence[Exchange], options: ChatOptions) -> list[ChatReply]:
        replies = self._model_with(options.adapter).write(exchanges, sampling_of(options))
        return list(map(chat_reply, replies))

    def check(self) -> None:
        """A new replica would not bring a dead server back: its errors are in the answers."""

    def _answerer(self, options: LocateOptions) -> VllmAnswerer:
        chosen = chosen_adapter(options.adapter, self.card)
        lower = _ADAPTERS[0]
        in_halves = chosen == "both" and lower in self._names and options.constrained
        return VllmAnswerer(
            self._model_with(chosen),
            settings_of(self._recipe, options),
            self._model_with(lower) if in_halves else None,
        )

    def _model_with(self, choice: AdapterChoice | None) -> VllmModel:
        chosen = chosen_adapter(choice, self.card)
        return VllmModel(self._model, None if chosen == "none" else self._names[chosen])

    def _num_written(self, location: Location, options: LocateOptions) -> int:  # noqa: ARG002
        return (location.usage.num_answer_tokens or 0) if location.usage else 0
