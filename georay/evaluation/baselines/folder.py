"""The folder that a baseline is: its recipe and facts, its weights, and a card for people."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from georay.config.baselines import BaselineRecipe
from georay.config.load import parse_recipe
from georay.core.manifest import file_sha256, write_atomic
from georay.core.paths import AnyPath, path_of
from georay.core.run_folder import read_facts
from georay.errors import ModelUnavailable
from georay.evaluation.baselines.protocol import Baseline, Facts
from georay.evaluation.baselines.systems import build_system

FACTS, WEIGHTS, CARD = "baseline.json", "model.safetensors", "README.md"
KIND = "baseline"


def is_baseline(model: str) -> bool:
    """Whether a model's name is the folder of a baseline."""
    return (path_of(model) / FACTS).is_file()


@dataclass(frozen=True)
class SavedBaseline:
    """What a folder says of itself. weights: SHA-256; None where published ones answer."""

    folder: Path
    recipe: BaselineRecipe
    facts: Facts
    weights: str | None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises ValueError if the folder holds no baseline, or a damaged one."""
        content = read_facts(folder / FACTS)
        if content is None or content.get("kind") != KIND:
            raise ValueError(f"{folder} holds no baseline: `georay baseline RECIPE` makes one")
        recipe = parse_recipe(content["recipe"], BaselineRecipe, str(folder / FACTS))
        return cls(folder, recipe, content["facts"], content["weights"])

    def check(self) -> None:
        """Raises ModelUnavailable if the weights are absent or other than when they were made."""
        file = self.folder / WEIGHTS
        if self.weights is None:
            return
        if not file.is_file() or file_sha256(file) != self.weights:
            raise ModelUnavailable(
                f"the weights of {self.folder} are absent or damaged; run the recipe again"
            )

    def load(self, device: str = "cpu") -> Baseline:
        """The system, ready to answer. Raises ModelUnavailable."""
        self.check()
        network = build_system(self.recipe, self.facts)
        if self.weights is None:
            network.start()
        else:
            put_weights(network, self.folder / WEIGHTS)
        return network.to(device).eval()


def save_weights(network: nn.Module, file: AnyPath) -> None:
    """All weights as safetensors, float32; what memory is shared is written twice."""
    state = network.state_dict()
    write_atomic(
        file, save({name: value.cpu().contiguous().clone() for name, value in state.items()})
    )


def put_weights(network: nn.Module, file: Path) -> None:
    """Puts the weights of a file into a network. Raises ModelUnavailable if they do not fit."""
    try:
        network.load_state_dict(load_file(file))
    except (OSError, SafetensorError, RuntimeError) as problem:
        cause = str(problem).strip().partition("\n")[0]
        raise ModelUnavailable(f"the weights {file} do not fit this system: {cause}") from problem


def card_text(recipe: BaselineRecipe, network: type[Baseline], outcome: dict[str, Any]) -> str:
    """The card: what the system is, what of it is the paper's, and what it learnt from."""
    card = network.card
    if recipe.learning is None:
        learnt = "Not trained here: the published weights answer."
    else:
        learnt = (
            f"{outcome['num_pictures']:,} pictures, {outcome['num_steps']:,} steps of "
            f"{recipe.learning.batch_size}, {outcome['minutes']:.1f} minutes on "
            f"{recipe.workers.num_workers} worker(s); mean loss of the last steps "
            f"{outcome['loss']:.4f}."
        )
    left_out = len(outcome["left_out"])
    if left_out:
        learnt += f" {left_out:,} pictures could not be learnt; `{FACTS}` says why."
    notes = "".join(f"- {note}\n" for note in outcome["notes"])
    return f"""# {recipe.title or card.title}

{card.paper}.

- The paper's: {card.papers}
- Ours: {card.ours}
- Learnt: {learnt}
{notes}
`{FACTS}` holds the whole recipe. Ask it with `georay predict RECIPE --model FOLDER`.
"""
