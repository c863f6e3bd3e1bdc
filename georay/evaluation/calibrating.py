"""A model's confidence fitted on held-out places, and kept beside its adapters."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import overload

import numpy as np
from PIL import Image

from georay.config.calibrate import CalibrateRecipe
from georay.config.predict import AnsweringRecipe, AskedRecipe
from georay.core.images import ImageLimits
from georay.core.storage import read_bytes
from georay.errors import UnreadableImage
from georay.evaluation.datasets import KnownPicture, read_split
from georay.evaluation.inputs.scenes import Scenes, read_scenes
from georay.evaluation.model_identity import load_locator
from georay.models.decoding.calibration import FILE, Calibration
from georay.models.familiarity import FILE as FAMILIARITY
from georay.models.familiarity import Familiarity, textures_of
from georay.models.fitted import weights_folder
from georay.models.locator import Locator
from georay.models.registry import adapters_named, adapters_of
from georay.runtime.progress import Meter, progress

_LIMITS = ImageLimits()


@dataclass(frozen=True)
class CalibrateSummary:
    """What was fitted. num_unreadable: pictures that were left out. familiarity: where that is."""

    file: str
    split: str
    calibration: Calibration
    num_unreadable: int
    familiarity: str | None

    def as_text(self) -> str:
        found = self.calibration
        before, after = found.ece
        left_out = f"; {self.num_unreadable:,} could not be read" if self.num_unreadable else ""
        lines = [
            f"{found.num_pictures:,} pictures of the split {self.split!r}{left_out}",
            f"expected calibration error there: {before:.3f}, now {after:.3f}",
            f"an answer is sure from a confidence of {found.sure_from:.3f} on",
            f"calibration: {self.file}",
        ]
        return "\n".join(lines + ([f"familiarity: {self.familiarity}"] if self.familiarity else []))

    def to_json(self) -> dict[str, object]:
        """Every field, as JSON has it."""
        return asdict(self) | {"calibration": self.calibration.model_dump(mode="json")}


def calibrate(recipe: CalibrateRecipe) -> CalibrateSummary:
    """Fits the model's confidence on the pictures of a split, and writes it beside the adapters.

    Raises ValueError for a model that cannot be ranked, inputs that are absent, or too few pictures
    for a familiarity.
    """
    folder = _folder(recipe)
    pictures = read_split(recipe.samples, recipe.split, recipe.stage, recipe.max_images)
    scenes = None if recipe.scenes is None else read_scenes(Path(recipe.scenes).expanduser())
    locator = load_locator(_asked(recipe))
    if not isinstance(locator, Locator):
        raise ValueError(f"{recipe.model} is a baseline: it is not calibrated here")
    readable = _readable(pictures)
    known = _familiarity(readable, locator.weights) if recipe.familiarity else None
    found = _fitted(locator, readable, scenes)
    folder.mkdir(parents=True, exist_ok=True)
    found.save(folder)
    if known is not None:
        known.save(folder)
    return CalibrateSummary(
        file=str(folder / FILE),
        split=recipe.split,
        calibration=found,
        num_unreadable=len(pictures) - len(readable),
        familiarity=None if known is None else str(folder / FAMILIARITY),
    )


class _Decoded(Sequence[Image.Image]):
    """The pixels of pictures, read and counted when they are asked for."""

    def __init__(self, pictures: Sequence[KnownPicture], meter: Meter) -> None:
        self._pictures = pictures
        self._meter = meter

    def __len__(self) -> int:
        return len(self._pictures)

    @overload
    def __getitem__(self, at: int) -> Image.Image: ...

    @overload
    def __getitem__(self, at: slice) -> list[Image.Image]: ...

    def __getitem__(self, at: int | slice) -> Image.Image | list[Image.Image]:
        chosen = self._pictures[at]
        if isinstance(chosen, KnownPicture):
            self._meter.advance(1)
            return _decode(chosen)
        self._meter.advance(len(chosen))
        return [_decode(one) for one in chosen]


def _decode(picture: KnownPicture) -> Image.Image:
    source = picture.source
    return source.decode(read_bytes(source.file, _LIMITS.max_bytes), _LIMITS).image


def _readable(pictures: Sequence[KnownPicture]) -> list[KnownPicture]:
    found = []
    with progress("reading", len(pictures)) as meter:
        for picture in pictures:
            try:
                _decode(picture)
            except (OSError, ValueError, UnreadableImage):
                meter.advance(1, 1)
                continue
            found.append(picture)
            meter.advance(1)
    return found


def _familiarity(pictures: Sequence[KnownPicture], weights: Mapping[str, str]) -> Familiarity:
    with progress("describing", len(pictures)) as meter:
        textures = [textures_of(picture) for picture in _Decoded(pictures, meter)]
    return Familiarity.fit(np.array(textures), weights)


def _fitted(
    locator: Locator,
    pictures: Sequence[KnownPicture],
    scenes: Scenes | None,
) -> Calibration:
    countries = [picture.country for picture in pictures]
    counted = None
    if scenes is not None:
        counted = [scenes.tell_of(one.image_id, one.country) for one in pictures]
        if not any(counted):
            raise ValueError("none of the pictures is one of the scenes with a clue: other scenes?")
    with progress("ranking", len(pictures)) as meter:
        return locator.calibrate(_Decoded(pictures, meter), countries, counted)


def _asked(recipe: CalibrateRecipe) -> AskedRecipe:
    return AskedRecipe(
        model=recipe.model,
        revision=recipe.revision,
        adapters=recipe.adapters,
        active_adapters=recipe.active_adapters,
        device=recipe.device,
        precision=recipe.precision,
        answering=AnsweringRecipe(prompt=recipe.prompt, batch_size=recipe.batch_size),
    )


def _adapters(recipe: CalibrateRecipe) -> Path | None:
    return adapters_of(recipe.model, adapters_named(recipe.adapters))


def _folder(recipe: CalibrateRecipe) -> Path:
    if recipe.output is not None:
        return Path(recipe.output).expanduser()
    folder = _adapters(recipe) or weights_folder(recipe.model)
    if not folder.is_dir():
        raise ValueError(f"{recipe.model} lies in no folder here: name an output folder")
    return folder
