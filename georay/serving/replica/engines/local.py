"""The engine of a network in this process."""

from collections.abc import Sequence

from georay.config.serve import ServeRecipe
from georay.core.paths import path_of
from georay.core.prompts import Prompt
from georay.core.storage import is_uri
from georay.models.adapters import STAGES
from georay.models.answering import LocalAnswerer
from georay.models.apart import check_alive
from georay.models.families.base import Exchange
from georay.models.locations import Location
from georay.models.locator import LoadedModel
from georay.models.registry import caveat_of
from georay.serving.messages import AdapterChoice, ChatOptions, LocateOptions, ModelCard
from georay.serving.replica.engines.base import (
    ChatReply,
    RankingEngine,
    chosen_adapter,
    default_adapter,
    prompt_of,
    sampling_of,
    settings_of,
)


class LocalEngine(RankingEngine):
    """A network in this process, whose adapters switch from batch to batch in place."""

    max_batches = 1

    def __init__(self, loaded: LoadedModel, recipe: ServeRecipe) -> None:
        self._loaded = loaded
        self._recipe = recipe
        self._answerers: dict[tuple[Prompt, bool, bool], LocalAnswerer] = {}
        names = loaded.stack.names if loaded.stack else ()
        choices = (*names, *(("both",) if len(names) == len(STAGES) else ()))
        self.card = ModelCard(
            _public_name(loaded.id),
            loaded.revision,
            choices,
            default_adapter(choices),
            caveat_of(loaded.id),
        )

    def refusal_of(self, width: int, height: int) -> str | None:
        return self._loaded.family.refusal_of(width, height)

    def chat(self, exchanges: Sequence[Exchange], options: ChatOptions) -> list[ChatReply]:
        self._activate(options.adapter)
        family = self._loaded.family
        batch = family.encode(exchanges)
        texts = family.generate(batch, sampling_of(options))
        num_prompt_tokens = batch["attention_mask"].sum(dim=1).tolist()
        return [
            ChatReply(text, None, int(count), min(self._num_tokens(text), options.max_new_tokens))
            for text, count in zip(texts, num_prompt_tokens, strict=True)
        ]

    def check(self) -> None:
        check_alive(self._loaded.family)

    def _answerer(self, options: LocateOptions) -> LocalAnswerer:
        """The answerer of these options, with their adapters active."""
        choice = self._activate(options.adapter)
        # A calibration was fitted on the default's answers and says nothing of the others'.
        calibrated = choice == self.card.default_adapter
        key = (prompt_of(options), options.constrained, calibrated)
        if key not in self._answerers:
            calibration = self._loaded.fitted.calibration if calibrated else None
            self._answerers[key] = LocalAnswerer(
                self._loaded.family,
                settings_of(self._recipe, options),
                calibration,
                self._loaded.stack,
                self._loaded.fitted.familiarity,
            )
        return self._answerers[key]

    def _activate(self, choice: AdapterChoice | None) -> AdapterChoice:
        chosen = chosen_adapter(choice, self.card)
        stack = self._loaded.stack
        if stack is not None:
            names = {"both": stack.names, "none": ()}.get(chosen, (chosen,))
            if names != stack.active:
                stack.activate(names)
        return chosen

    def _num_written(self, location: Location, options: LocateOptions) -> int:
        settled = options.top_k > 0 and options.constrained and not options.reasons
        written = None if settled else location.raw
        return self._num_tokens(written) if written else 0

    def _num_tokens(self, text: str) -> int:
        return len(self._loaded.family.tokenizer(text, add_special_tokens=False)["input_ids"])


def _public_name(model: str) -> str:
    """A model's name for strangers: of a folder, not where it lies."""
    path = path_of(model)
    return path.name if is_uri(model) or path.is_dir() else model
