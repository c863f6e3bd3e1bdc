"""Identifies the model of a recipe by hashes of its files, before any of it is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PIL import Image

from georay.config.predict import AskedRecipe, EndpointRecipe
from georay.core import paths
from georay.core.fetched import local_copy, name_here
from georay.core.manifest import file_sha256
from georay.core.prompts import PROMPTS
from georay.evaluation.baselines.folder import SavedBaseline, is_baseline
from georay.evaluation.baselines.locator import BaselineLocator
from georay.models.answering import LocatorSettings
from georay.models.checking import check_parts
from georay.models.decoding.calibration import FILE as CALIBRATION
from georay.models.familiarity import FILE as FAMILIARITY
from georay.models.families.base import Sampling
from georay.models.families.remote import RemoteModel, RemoteSettings
from georay.models.loading import check_type
from georay.models.locations import Location
from georay.models.locator import Locator, adapter_weights
from georay.models.registry import REGISTRY, adapters_named, adapters_of

_PARTS_OF_A_MODEL = (".safetensors", ".json", ".tiktoken")


class LocatingRecipe(Protocol):
    """Locates pictures with a recipe's model."""

    def locate(self, images: Sequence[Image.Image], top_k: int) -> list[Location]:
        """One location per decoded picture, in order, with `top_k` countries as candidates."""
        ...


@dataclass(frozen=True)
class ModelIdentity:
    """The model that was asked.

    name: its id, or the name of its folder. revision: of the hub. files: SHA-256 of its files, for
    one that lies in a folder. adapters: hash of each adapter's weights, lowest first. calibration,
    familiarity: SHA-256 of those beside the adapters.
    """

    name: str
    revision: str | None
    files: dict[str, str]
    adapters: dict[str, str]
    calibration: str | None
    familiarity: str | None = None

    @property
    def adapter(self) -> str | None:
        """The adapters' names, lowest first, as the table has them."""
        return "+".join(self.adapters) or None


def identify(recipe: AskedRecipe) -> ModelIdentity:
    """The model and the adapters of a recipe. Raises ValueError if adapters are absent."""
    if recipe.endpoint is not None:
        return ModelIdentity(recipe.model, None, {}, {}, None)
    if is_baseline(recipe.model) and recipe.adapters not in (None, "none"):
        raise ValueError(f"{recipe.model} is a baseline, and adapters are for chat models only")
    spec = REGISTRY.get(recipe.model)
    folder = Path(name_here(recipe.model))
    if spec is not None:
        name, revision, kept = spec.id, recipe.revision or spec.revision, spec.folder
    elif folder.is_dir():
        name, revision, kept = folder.absolute().name, None, folder
    else:
        name, revision, kept = recipe.model, recipe.revision, None
    adapters = _adapters_in(recipe)
    return ModelIdentity(
        name=name,
        revision=revision,
        files=_hashes(kept) if kept is not None else {},
        adapters=adapter_weights(adapters, recipe.active_adapters) if adapters is not None else {},
        calibration=_hash_in(adapters, CALIBRATION),
        familiarity=_hash_in(adapters, FAMILIARITY),
    )


def check_can_answer(recipe: AskedRecipe) -> None:
    """Raises what `load_locator` will raise, before anything is written or a cluster starts.

    Elsewhere than here, the nodes hold the weights: then only what every machine sees is checked.
    """
    if recipe.endpoint is not None:
        RemoteModel(_remote(recipe.model, recipe.endpoint))
        return
    if is_baseline(recipe.model):
        SavedBaseline.read(local_copy(recipe.model)).check()
        return
    check_parts(
        recipe.model, _adapters_in(recipe), recipe.active_adapters, revision=recipe.revision
    )
    if recipe.workers is None or recipe.cluster.address == "local":
        check_type(recipe.model, recipe.revision)


def load_locator(recipe: AskedRecipe) -> LocatingRecipe:
    """The recipe's model, ready to answer; raises as `Locator.from_pretrained` does."""
    if recipe.endpoint is None and is_baseline(recipe.model):
        return BaselineLocator.load(local_copy(recipe.model), recipe.device)
    how, endpoint = recipe.answering, recipe.endpoint
    return Locator.from_pretrained(
        recipe.model if endpoint is None else _remote(recipe.model, endpoint),
        adapters_named(recipe.adapters),
        active=recipe.active_adapters,
        settings=LocatorSettings(
            prompt=PROMPTS[how.prompt],
            constrained=how.constrained,
            sampling=Sampling(max_new_tokens=how.max_new_tokens),
            batch_size=how.batch_size,
        ),
        revision=recipe.revision,
        max_pixels=recipe.max_pixels,
        device=recipe.device,
        precision=recipe.precision,
    )


def seen_from_elsewhere(recipe: AskedRecipe) -> AskedRecipe:
    """The recipe for workers, which run in other folders: its own local ones are written out."""
    changes: dict[str, str] = {}
    if Path(recipe.model).is_dir() and recipe.model not in REGISTRY:
        changes["model"] = paths.seen_from_elsewhere(recipe.model)
    if recipe.adapters not in (None, "none"):
        changes["adapters"] = paths.seen_from_elsewhere(str(recipe.adapters))
    return recipe.model_copy(update=changes)


def _adapters_in(recipe: AskedRecipe) -> Path | None:
    return adapters_of(recipe.model, adapters_named(recipe.adapters))


def _remote(model: str, endpoint: EndpointRecipe) -> RemoteSettings:
    return RemoteSettings(model=model, **endpoint.model_dump())


def _hashes(folder: Path) -> dict[str, str]:
    parts = [path for path in folder.glob("*") if path.suffix in _PARTS_OF_A_MODEL]
    return {path.name: file_sha256(path) for path in sorted(parts)}


def _hash_in(folder: Path | None, name: str) -> str | None:
    if folder is None or not (folder / name).is_file():
        return None
    return file_sha256(folder / name)
