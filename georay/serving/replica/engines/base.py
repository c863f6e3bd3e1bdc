"""What every engine offers, and what all of them make of a request's options.

An engine is called by as many threads at a time as it says. It gets decoded pictures and never sees
a request.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from georay.config.serve import ServeRecipe
from georay.core.prompts import INFERENCE, LOCATION, Conversation, Prompt
from georay.models.answering import LocatorSettings
from georay.models.families.base import Exchange, Sampling
from georay.models.locations import Location
from georay.serving.messages import AdapterChoice, ChatOptions, LocateOptions, ModelCard


@dataclass(frozen=True)
class LocateReply:
    """A location, and how many tokens the model wrote for it."""

    location: Location
    num_tokens: int


@dataclass(frozen=True)
class ChatReply:
    """What a model answered in a chat; `text` is None where there is none, for the reason `error`.

    Token counts are 0 where an endpoint does not state them.
    """

    text: str | None
    error: str | None
    num_prompt_tokens: int
    num_tokens: int


class Engine(Protocol):
    """What a replica needs of a model. max_batches: how many batches it answers at a time."""

    card: ModelCard
    max_batches: int

    def refusal_of(self, width: int, height: int) -> str | None:
        """Why no picture of this size can be answered about; None where it can."""

    def locate(self, pictures: Sequence[Image.Image], options: LocateOptions) -> list[LocateReply]:
        """One location per picture, in order. Raises ValueError for an adapter it does not have."""

    def locate_stream(
        self,
        picture: Image.Image,
        options: LocateOptions,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> LocateReply:
        """As `locate`; calls back with the place once it is chosen, then with pieces of reasons."""

    def chat(self, exchanges: Sequence[Exchange], options: ChatOptions) -> list[ChatReply]:
        """One answer per exchange, in order. Raises ValueError for an adapter it does not have."""

    def check(self) -> None:
        """Asks the model a small question; raises RuntimeError where no sane answer comes."""


class StreamingAnswerer(Protocol):
    """Locates pictures, and streams the answer about one; see `models.answering`."""

    def answer(self, exchanges: Sequence[Exchange], top_k: int) -> list[Location]: ...

    def answer_stream(
        self,
        exchange: Exchange,
        top_k: int,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> Location: ...


class RankingEngine(ABC):
    """The part that engines share whose answerers rank, constrain and stream."""

    def locate(self, pictures: Sequence[Image.Image], options: LocateOptions) -> list[LocateReply]:
        exchanges = [question(picture, options) for picture in pictures]
        found = self._answerer(options).answer(exchanges, options.top_k)
        return [self._counted(one, options) for one in found]

    def locate_stream(
        self,
        picture: Image.Image,
        options: LocateOptions,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> LocateReply:
        found = self._answerer(options).answer_stream(
            question(picture, options), options.top_k, on_place, on_reasons
        )
        return self._counted(found, options)

    def _counted(self, location: Location, options: LocateOptions) -> LocateReply:
        return LocateReply(location, self._num_written(location, options))

    @abstractmethod
    def _answerer(self, options: LocateOptions) -> StreamingAnswerer:
        """The answerer of these options; raises ValueError for an adapter it does not have."""

    @abstractmethod
    def _num_written(self, location: Location, options: LocateOptions) -> int:
        """How many tokens the model wrote for a location."""


def question(picture: Image.Image, options: LocateOptions) -> Exchange:
    """The picture with the question that these options ask."""
    return Exchange((picture,), Conversation(prompt_of(options).question))


def prompt_of(options: LocateOptions) -> Prompt:
    """Without reasons it is the question of the paper's second stage, whose answers hold none."""
    return INFERENCE if options.reasons else LOCATION


def sampling_of(options: ChatOptions) -> Sampling:
    """How the tokens of a chat's answer are drawn."""
    return Sampling(options.max_new_tokens, options.temperature, options.top_p)


def settings_of(recipe: ServeRecipe, options: LocateOptions) -> LocatorSettings:
    """The settings of an answerer for these options."""
    return LocatorSettings(
        prompt=prompt_of(options),
        constrained=options.constrained,
        sampling=Sampling(max_new_tokens=recipe.answers.max_new_tokens),
        batch_size=recipe.batching.max_batch_size,
        towns_per_country=recipe.answers.towns_per_country,
        abstain_below=recipe.answers.abstain_below if options.top_k else 0.0,
    )


def default_adapter(choices: Sequence[str]) -> AdapterChoice:
    """All adapters that the model has; "none" where it has none."""
    order: tuple[AdapterChoice, ...] = ("both", "location", "reasoning")
    return next((one for one in order if one in choices), "none")


def chosen_adapter(choice: AdapterChoice | None, card: ModelCard) -> AdapterChoice:
    """The choice, or the model's default for None. Raises ValueError for one it does not have."""
    chosen = choice or card.default_adapter
    if chosen not in card.choices():
        raise ValueError(
            f"{card.id} has no adapter {chosen!r}; its choices are {', '.join(card.choices())}"
        )
    return chosen
