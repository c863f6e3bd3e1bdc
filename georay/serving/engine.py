"""The engines behind one protocol: a model in this process, or an endpoint elsewhere.

An engine is called by as many threads at a time as it says. It gets decoded pictures and never sees
a request.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image

from georay.config.serve import RemoteRecipe, ServeRecipe
from georay.core.prompts import INFERENCE, LOCATION, Conversation, Prompt
from georay.models.adapters import STAGES
from georay.models.answering import Answerer, LocalAnswerer, LocatorSettings, RemoteAnswerer
from georay.models.apart import check_alive
from georay.models.families.base import Exchange, Sampling
from georay.models.families.remote import RemoteModel, RemoteSettings, Reply
from georay.models.families.vllm import VllmModel
from georay.models.locations import Location
from georay.models.locator import LoadedModel, load_model
from georay.models.registry import adapters_of
from georay.models.vllm_answering import VllmAnswerer
from georay.serving.jobs import AdapterChoice, ChatOptions, LocateOptions, ModelCard

_ADAPTERS: tuple[AdapterChoice, ...] = ("reasoning", "location", "both")
REMOTE_PASSES = 8
"""Batches on their way to an endpoint: it makes its own of them, and a long answer holds no other
up."""


@dataclass(frozen=True)
class Located:
    """A location, and how many tokens the model wrote for it."""

    location: Location
    num_tokens: int


@dataclass(frozen=True)
class Said:
    """What a model answered in a chat; `text` is None where there is none, for the reason `error`.

    Token counts are 0 where an endpoint does not tell them.
    """

    text: str | None
    error: str | None
    num_prompt_tokens: int
    num_tokens: int


class Engine(Protocol):
    """What a replica needs of whoever answers. passes: how many batches it answers at a time."""

    card: ModelCard
    passes: int

    def refusal_of(self, width: int, height: int) -> str | None:
        """Why no picture of this size can be answered about; None where it can."""

    def locate(self, pictures: Sequence[Image.Image], options: LocateOptions) -> list[Located]:
        """One location per picture, in order. Raises ValueError for an adapter it has not."""

    def locate_aloud(
        self,
        picture: Image.Image,
        options: LocateOptions,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> Located:
        """As `locate`, told while it comes about."""

    def chat(self, exchanges: Sequence[Exchange], options: ChatOptions) -> list[Said]:
        """One answer per exchange, in order. Raises ValueError for an adapter it has not."""

    def check(self) -> None:
        """Asks the model a small question; raises RuntimeError where no sane answer comes."""


def load_engine(recipe: ServeRecipe) -> Engine:
    """The engine that a recipe names, its model loaded.

    Raises ModelUnavailable for weights that are not here; ValueError for adapters of another base
    or a key that is not in the environment.
    """
    if recipe.remote is not None:
        model = RemoteModel(remote_settings(recipe.remote))
        return (VllmEngine if recipe.remote.engine == "vllm" else RemoteEngine)(model, recipe)
    loaded = load_model(
        recipe.model,
        adapters_in(recipe),
        revision=recipe.revision,
        device=recipe.device,
        precision=recipe.precision,
    )
    return LocalEngine(loaded, recipe)


class LocalEngine:
    """A network in this process, whose adapters switch from batch to batch in place."""

    passes = 1

    def __init__(self, loaded: LoadedModel, recipe: ServeRecipe) -> None:
        self._loaded = loaded
        self._recipe = recipe
        self._answerers: dict[tuple[Prompt, bool, bool], LocalAnswerer] = {}
        names = loaded.stack.names if loaded.stack else ()
        choices = (*names, *(("both",) if len(names) == len(STAGES) else ()))
        self.card = ModelCard(_public(loaded.id), loaded.revision, choices, _default_of(choices))

    def refusal_of(self, width: int, height: int) -> str | None:
        return self._loaded.family.refusal_of(width, height)

    def locate(self, pictures: Sequence[Image.Image], options: LocateOptions) -> list[Located]:
        answerer = self._answerer(options)
        exchanges = [_question(picture, options) for picture in pictures]
        return [self._counted(one, options) for one in answerer.answer(exchanges, options.top_k)]

    def locate_aloud(
        self,
        picture: Image.Image,
        options: LocateOptions,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> Located:
        answerer, exchange = self._answerer(options), _question(picture, options)
        found = answerer.answer_aloud(exchange, options.top_k, on_place, on_reasons)
        return self._counted(found, options)

    def chat(self, exchanges: Sequence[Exchange], options: ChatOptions) -> list[Said]:
        self._activate(options.adapter)
        family = self._loaded.family
        batch = family.encode(exchanges)
        texts = family.generate(
            batch, Sampling(options.max_new_tokens, options.temperature, options.top_p)
        )
        asked = batch["attention_mask"].sum(dim=1).tolist()
        return [
            Said(text, None, int(count), min(self._num_tokens(text), options.max_new_tokens))
            for text, count in zip(texts, asked, strict=True)
        ]

    def check(self) -> None:
        check_alive(self._loaded.family)

    def _answerer(self, options: LocateOptions) -> LocalAnswerer:
        """The answerer of these options, with their adapters acting."""
        choice = self._activate(options.adapter)
        prompt = _prompt_of(options)
        # A calibration was fitted on the default's answers and says nothing of the others'.
        calibrated = choice == self.card.default_adapter
        key = (prompt, options.constrained, calibrated)
        if key not in self._answerers:
            calibration = self._loaded.calibration if calibrated else None
            self._answerers[key] = LocalAnswerer(
                self._loaded.family,
                _settings(self._recipe, options),
                calibration,
                self._loaded.stack,
            )
        return self._answerers[key]

    def _activate(self, choice: AdapterChoice | None) -> AdapterChoice:
        chosen = choice or self.card.default_adapter
        _check_choice(chosen, self.card)
        stack = self._loaded.stack
        if stack is not None:
            names = {"both": stack.names, "none": ()}.get(chosen, (chosen,))
            if names != stack.active:
                stack.activate(names)
        return chosen

    def _counted(self, location: Location, options: LocateOptions) -> Located:
        settled = options.top_k > 0 and options.constrained and not options.reasons
        written = None if settled else location.raw
        return Located(location, self._num_tokens(written) if written else 0)

    def _num_tokens(self, text: str) -> int:
        return len(self._loaded.family.tokenizer(text, add_special_tokens=False)["input_ids"])


class RemoteEngine:
    """An OpenAI-compatible endpoint. It neither ranks nor streams, and has no adapters of ours."""

    passes = REMOTE_PASSES

    def __init__(self, model: RemoteModel, recipe: ServeRecipe) -> None:
        assert recipe.remote is not None
        self._model = model
        self._recipe = recipe
        self.card = ModelCard(recipe.remote.model, None, (), "none")

    def refusal_of(self, width: int, height: int) -> str | None:  # noqa: ARG002
        """None: each picture travels by itself, and the endpoint says what it does not take."""
        return None

    def locate(self, pictures: Sequence[Image.Image], options: LocateOptions) -> list[Located]:
        _check_choice(options.adapter or "none", self.card)
        answerer: Answerer = RemoteAnswerer(self._model, _settings(self._recipe, options))
        exchanges = [_question(picture, options) for picture in pictures]
        return [Located(one, 0) for one in answerer.answer(exchanges, options.top_k)]

    def locate_aloud(
        self,
        picture: Image.Image,
        options: LocateOptions,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> Located:
        (found,) = self.locate([picture], options)
        on_place(found.location)
        if found.location.reasons:
            on_reasons(found.location.reasons)
        return found

    def chat(self, exchanges: Sequence[Exchange], options: ChatOptions) -> list[Said]:
        _check_choice(options.adapter or "none", self.card)
        sampling = Sampling(options.max_new_tokens, options.temperature, options.top_p)
        return list(map(_said, self._model.answer(exchanges, sampling)))

    def check(self) -> None:
        """A new replica would not bring a dead endpoint back: its errors are in the answers."""


class VllmEngine:
    """A vLLM server: it constrains, ranks and streams as a model here does, by adapters' names."""

    passes = REMOTE_PASSES

    def __init__(self, model: RemoteModel, recipe: ServeRecipe) -> None:
        assert recipe.remote is not None
        self._model, self._recipe = model, recipe
        self._names: Mapping[AdapterChoice, str] = dict(recipe.remote.adapters.items())
        choices = tuple(name for name in _ADAPTERS if name in self._names)
        self.card = ModelCard(recipe.remote.model, None, choices, _default_of(choices))

    def refusal_of(self, width: int, height: int) -> str | None:  # noqa: ARG002
        """None: each picture travels by itself, and the server says what it does not take."""
        return None

    def locate(self, pictures: Sequence[Image.Image], options: LocateOptions) -> list[Located]:
        exchanges = [_question(picture, options) for picture in pictures]
        found = self._answerer(options).answer(exchanges, options.top_k)
        return [Located(one, _tokens_of(one)) for one in found]

    def locate_aloud(
        self,
        picture: Image.Image,
        options: LocateOptions,
        on_place: Callable[[Location], None],
        on_reasons: Callable[[str], None],
    ) -> Located:
        answerer, exchange = self._answerer(options), _question(picture, options)
        found = answerer.answer_aloud(exchange, options.top_k, on_place, on_reasons)
        return Located(found, _tokens_of(found))

    def chat(self, exchanges: Sequence[Exchange], options: ChatOptions) -> list[Said]:
        sampling = Sampling(options.max_new_tokens, options.temperature, options.top_p)
        return list(map(_said, self._asked_of(options.adapter).write(exchanges, sampling)))

    def check(self) -> None:
        """A new replica would not bring a dead server back: its errors are in the answers."""

    def _answerer(self, options: LocateOptions) -> VllmAnswerer:
        chosen = options.adapter or self.card.default_adapter
        lower = _ADAPTERS[0]
        in_halves = chosen == "both" and lower in self._names and options.constrained
        return VllmAnswerer(
            self._asked_of(chosen),
            _settings(self._recipe, options),
            self._asked_of(lower) if in_halves else None,
        )

    def _asked_of(self, choice: AdapterChoice | None) -> VllmModel:
        chosen = choice or self.card.default_adapter
        _check_choice(chosen, self.card)
        return VllmModel(self._model, None if chosen == "none" else self._names[chosen])


def adapters_in(recipe: ServeRecipe) -> Path | None:
    """The folder of the recipe's adapters, or of those that the package carries for its model."""
    named = Path(recipe.adapters).expanduser() if recipe.adapters else None
    return adapters_of(recipe.model, named or "packaged")


def remote_settings(recipe: RemoteRecipe) -> RemoteSettings:
    """How an endpoint is asked, of what a recipe says of it."""
    return RemoteSettings(**recipe.model_dump(exclude={"engine", "adapters"}))


def _said(reply: Reply) -> Said:
    return Said(reply.text, reply.error, reply.num_prompt_tokens or 0, reply.num_answer_tokens or 0)


def _tokens_of(location: Location) -> int:
    return (location.usage.num_answer_tokens or 0) if location.usage else 0


def _public(model: str) -> str:
    """A model's name for strangers: of a folder, not where it lies."""
    path = Path(model).expanduser()
    return path.name if path.is_dir() else model


def _question(picture: Image.Image, options: LocateOptions) -> Exchange:
    return Exchange((picture,), Conversation(_prompt_of(options).question))


def _prompt_of(options: LocateOptions) -> Prompt:
    """Without reasons the question of the paper's second stage is asked, which wants none."""
    return INFERENCE if options.reasons else LOCATION


def _settings(recipe: ServeRecipe, options: LocateOptions) -> LocatorSettings:
    return LocatorSettings(
        prompt=_prompt_of(options),
        constrained=options.constrained,
        sampling=Sampling(max_new_tokens=recipe.answers.max_new_tokens),
        batch_size=recipe.batching.max_batch_size,
        towns_per_country=recipe.answers.towns_per_country,
        abstain_below=recipe.answers.abstain_below if options.top_k else 0.0,
    )


def _default_of(choices: Sequence[str]) -> AdapterChoice:
    """All that the model has; "none" where it has nothing."""
    order: tuple[AdapterChoice, ...] = ("both", "location", "reasoning")
    return next((one for one in order if one in choices), "none")


def _check_choice(choice: AdapterChoice, card: ModelCard) -> None:
    if choice not in card.choices():
        raise ValueError(
            f"{card.id} has no adapter {choice!r}; its choices are {', '.join(card.choices())}"
        )
