"""A baseline from recipe to folder; a killed run goes on where it was."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from georay.config.baselines import BaselineRecipe
from georay.core.manifest import digest, file_sha256, write_atomic, write_json
from georay.core.paths import AnyPath, path_of, remove_tree
from georay.core.run_folder import hold_to, manifest_of, only_writer, read_facts
from georay.evaluation.baselines.backbones import pinned
from georay.evaluation.baselines.folder import CARD, FACTS, KIND, WEIGHTS, card_text
from georay.evaluation.baselines.job import BaselineJob, Outcome
from georay.evaluation.baselines.pictures import with_coordinates
from georay.evaluation.baselines.protocol import Facts
from georay.evaluation.baselines.systems import system_class
from georay.evaluation.datasets import KnownPicture, read_split
from georay.models.pinning import commit_of
from georay.models.segmenters.base import SMALL

_SETTINGS, _CHECKPOINTS = "settings.json", "checkpoints"
_PACKAGES = ("georay", "ray", "torch", "transformers", "s2cell", "geoclip", "numpy")


@dataclass(frozen=True)
class BaselineSummary:
    """What a run left. finished_before: it was there already, and nothing was done."""

    folder: str
    system: str
    outcome: dict[str, Any]
    finished_before: bool

    def as_text(self) -> str:
        found, before = self.outcome, " (finished before)" if self.finished_before else ""
        lines = [
            f"{self.system}: {found['num_pictures']:,} pictures, {found['num_steps']:,} steps, "
            f"{found['minutes']:.1f} minutes, loss {found['loss']:.4f}{before}"
        ]
        if found["left_out"]:
            lines.append(f"  {len(found['left_out']):,} pictures left out; {FACTS} says why")
        lines += [f"  {note}" for note in found["notes"]]
        return "\n".join([*lines, f"model: {self.folder}"])

    def to_json(self) -> dict[str, object]:
        """Every field, as JSON has it."""
        return asdict(self)


def make_baseline(recipe: BaselineRecipe) -> BaselineSummary:
    """Trains a recipe's system, or what is left of that, into the folder `output`.

    Raises ValueError if the folder holds something else or another run writes to it, the samples
    are absent or do not suffice; ModelUnavailable without published weights; TrainingStopped if
    training cannot go on.
    """
    folder = path_of(recipe.output).absolute()
    with only_writer(folder):
        pictures = read_split(recipe.samples, "train", "location", recipe.max_pictures)
        kept = folder / _SETTINGS
        hold_to(kept, read_facts(kept), _settings(recipe, pictures), "a baseline")
        if (done := read_facts(folder / FACTS)) is None:
            done = _make(folder, recipe, pictures)
            return BaselineSummary(str(folder), recipe.system.name, done["outcome"], False)
    return BaselineSummary(str(folder), recipe.system.name, done["outcome"], True)


def _settings(recipe: BaselineRecipe, pictures: Sequence[KnownPicture]) -> dict[str, object]:
    """What decides what is learnt."""
    kept = {"system", "seed", "image_size", "learning"}
    content: dict[str, object] = recipe.model_dump(mode="json", include=kept)
    return content | {
        "pictures": {"count": len(pictures), "hash": digest(*(one.facts() for one in pictures))}
    }


def _make(folder: AnyPath, recipe: BaselineRecipe, known: Sequence[KnownPicture]) -> dict[str, Any]:
    placed, unplaced = with_coordinates(known)
    recipe = _pinned(recipe)
    facts = system_class(recipe).facts(recipe, placed) if placed else {}
    if not placed:
        raise ValueError("no training picture has coordinates or a town that the gazetteer knows")
    outcome = Outcome(num_pictures=0, left_out={})
    if recipe.learning is not None:
        outcome = _trained(BaselineJob(recipe, facts, tuple(placed), folder))
    told = asdict(outcome) | {"left_out": unplaced | (outcome.left_out or {})}
    told["notes"] = facts.get("notes", [])
    return _publish(folder, recipe, facts, told)


def _trained(job: BaselineJob) -> Outcome:
    from georay.evaluation.baselines.trainer import fit
    from georay.evaluation.baselines.watching import watched
    from georay.runtime.connect import connect

    with connect(job.recipe.cluster), watched(job):
        return fit(job)


def _pinned(recipe: BaselineRecipe) -> BaselineRecipe:
    """The same with the commits of all hub ids, so that everyone loads the same weights."""
    changes: dict[str, object] = {}
    if (backbone := recipe.system.backbone) is not None:
        changes["backbone"] = pinned(backbone)
    scenes = getattr(recipe.system, "segmenter", None)
    if scenes is not None and scenes.model != SMALL:
        instead = f"Take {SMALL!r}, which the package holds."
        revision = commit_of(scenes.model, scenes.revision, "segmenter", instead)
        changes["segmenter"] = scenes.model_copy(update={"revision": revision})
    return recipe.model_copy(update={"system": recipe.system.model_copy(update=changes)})


def _publish(
    folder: AnyPath, recipe: BaselineRecipe, facts: Facts, outcome: dict[str, Any]
) -> dict[str, Any]:
    """The card first and the facts last: where they are, all is."""
    weights = None if recipe.learning is None else file_sha256(folder / WEIGHTS)
    told = {
        "title": recipe.title or system_class(recipe).card.title,
        "weights": weights,
        "outcome": outcome,
        "facts": facts,
    }
    content = manifest_of(KIND, recipe.model_dump(mode="json"), told, _PACKAGES)
    write_atomic(folder / CARD, card_text(recipe, system_class(recipe), outcome))
    write_json(folder / FACTS, content)
    remove_tree(folder / _CHECKPOINTS)
    return content
