"""The Locator: photographs in, places out.

locator = Locator.from_pretrained("Qwen/Qwen3-VL-2B-Instruct")
for location in locator.locate(["street.jpg"]):
    ...
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image

from georay.core.gazetteer import Gazetteer
from georay.core.images import ImageLimits, decode
from georay.core.picture_files import PictureFile
from georay.core.prompts import Conversation
from georay.core.storage import read_bytes
from georay.errors import UnreadableImage
from georay.models.adapter_card import read_card
from georay.models.adapters import STAGES, AdapterStack
from georay.models.answering import Answerer, LocalAnswerer, LocatorSettings, RemoteAnswerer
from georay.models.apart import check_alive, together_or_apart
from georay.models.decoding.calibration import Calibration
from georay.models.familiarity import Familiarity
from georay.models.families.base import Exchange, Family
from georay.models.families.remote import RemoteModel, RemoteSettings
from georay.models.fitted import Fitted, find_fitted, weights_folder, weights_in_memory
from georay.models.loading import load_family
from georay.models.locations import Location
from georay.models.placement import choose_placement
from georay.models.registry import REGISTRY, Adapters, Precision, adapters_of, this_machine

Picture = Image.Image | bytes | str | Path

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Unreadable:
    reason: str


class Locator:
    """Says where photographs were taken. Nothing but their pixels reaches the model."""

    def __init__(
        self,
        model: Family | RemoteModel,
        settings: LocatorSettings | None = None,
        calibration: Calibration | None = None,
        stack: AdapterStack | None = None,
        familiarity: Familiarity | None = None,
        weights: Mapping[str, str] | None = None,
    ) -> None:
        """A locator over a model that is loaded already; see also `from_pretrained`.

        stack: the adapters above a model's network, if it has any. calibration, familiarity: what
        was fitted for both together, if anything. weights: by name and hash, where files say it;
        else they are taken from memory when a calibration needs them.
        Raises ValueError where settings need a ranking and the model is remote.
        """
        self.settings = settings or LocatorSettings()
        self._local: LocalAnswerer | None = None
        self._answerer: Answerer
        self._family = None if isinstance(model, RemoteModel) else model
        self._stack, self._weights = stack, weights
        if isinstance(model, RemoteModel):
            if self.settings.abstain_below or calibration:
                raise ValueError(
                    "a remote model cannot be ranked: it neither abstains nor needs a calibration"
                )
            self._answerer = RemoteAnswerer(model, self.settings)
        else:
            self._local = LocalAnswerer(model, self.settings, calibration, stack, familiarity)
            self._answerer = self._local

    @classmethod
    def from_pretrained(
        cls,
        model: str | RemoteSettings,
        adapters: Adapters = "packaged",
        *,
        active: Sequence[str] = (),
        settings: LocatorSettings | None = None,
        revision: str | None = None,
        max_pixels: int | None = None,
        device: str | None = None,
        precision: Precision | None = None,
    ) -> Self:
        """Loads a registered id, a folder, or a hub id with its revision; or asks an endpoint.

        adapters: the folder that `AdapterStack.save` wrote, by default those that the package
        carries for the model, if any; "none" asks a bare base. active: which of them act, by
        default all that are there. A calibration beside the adapters, or without adapters beside
        the weights, is used, and so is a familiarity; neither, if it was fitted for other weights.
        max_pixels: as `load_family` takes it. Device and precision are chosen for this machine
        unless they are given; the choice and its reason are logged.
        Raises ValueError for adapters that do not belong to the model; ModelUnavailable where the
        weights are not here, or too large for here.
        """
        if isinstance(model, RemoteSettings):
            if adapters not in ("packaged", "none"):
                raise ValueError("adapters cannot be sent to a remote model; load them where it is")
            return cls(RemoteModel(model), settings)
        loaded = load_model(
            model,
            adapters_of(model, adapters),
            active,
            revision=revision,
            max_pixels=max_pixels,
            device=device,
            precision=precision,
        )
        fitted = loaded.fitted
        return cls(
            loaded.family,
            settings,
            fitted.calibration,
            loaded.stack,
            fitted.familiarity,
            loaded.weights,
        )

    @property
    def weights(self) -> Mapping[str, str]:
        """The weights that act, by name and hash: of the adapters, else of the bare base.

        Raises ValueError for a remote model.
        """
        if self._family is None:
            raise ValueError("a remote model's weights are not here")
        if self._weights is None:
            self._weights = weights_in_memory(self._family.network, self._stack)
        return self._weights

    def locate(self, images: Sequence[Picture], top_k: int = 5) -> list[Location]:
        """One location per picture, in order: a path, a uri, a file's bytes, or a PIL image.

        A path may name a view of a panorama, as in pano.jpg#heading=90.

        top_k: how many countries to rank as candidates, by the probability of each of the
        gazetteer's; 0 takes the model's written answer alone, which is faster. A picture that
        cannot be read, or not be answered, gives a location that says so and disturbs no other.
        Raises what the network raises where it cannot answer anything.
        """
        if top_k < 0:
            raise ValueError(f"top_k must be 0 or more, got {top_k}")
        opened = [self._open(image) for image in images]
        readable = [one for one in opened if isinstance(one, Exchange)]
        located = iter(self._answered(readable, top_k))
        return [
            Location("failed", error=one.reason) if isinstance(one, _Unreadable) else next(located)
            for one in opened
        ]

    def _answered(self, exchanges: Sequence[Exchange], top_k: int) -> list[Location]:
        """A location for each; one that the model cannot answer says why, and costs only itself."""
        answer = partial(self._answerer.answer, top_k=top_k)
        if self._family is None:
            return answer(exchanges)  # a remote model answers each by itself
        size, located = self.settings.batch_size, list[Location]()
        for start in range(0, len(exchanges), size):
            found = together_or_apart(answer, exchanges[start : start + size])
            if all(isinstance(one, Exception) for one in found):
                check_alive(self._family)
            located += [_failed(one) if isinstance(one, Exception) else one for one in found]
        return located

    def calibrate(
        self,
        images: Sequence[Picture],
        countries: Sequence[str],
        counted: Sequence[bool] | None = None,
    ) -> Calibration:
        """Fits on pictures whose countries are known, and is calibrated from now on.

        countries: alpha-2 codes. counted: as `Calibration.fit` takes it. Keep the result beside the
        adapters with `Calibration.save`.
        Raises ValueError for an unknown code, an unreadable picture, or a remote model.
        """
        if self._local is None:
            raise ValueError("a remote model cannot be ranked, so it cannot be calibrated")
        codes = list(Gazetteer.load().countries())
        if unknown := [code for code in countries if code not in codes]:
            raise ValueError(f"{unknown[0]!r} is not an ISO 3166-1 alpha-2 code in upper case")
        scores = [
            self._local.country_scores(self._opened(images, start))
            for start in range(0, len(images), self.settings.batch_size)
        ]
        self._local.calibration = Calibration.fit(
            np.concatenate(scores) if scores else np.empty((0, len(codes))),
            [codes.index(one) for one in countries],
            self.weights,
            None if counted is None else np.array(counted, bool),
        )
        return self._local.calibration

    def _opened(self, images: Sequence[Picture], start: int) -> list[Exchange]:
        """The questions about a batch of pictures, all of which must be readable."""
        found = []
        for number, image in enumerate(images[start : start + self.settings.batch_size], start):
            one = self._open(image)
            if isinstance(one, _Unreadable):
                raise ValueError(f"picture {number} cannot be read: {one.reason}")
            found.append(one)
        return found

    def _open(self, image: Picture) -> Exchange | _Unreadable:
        """The question about one picture, of which pixels are all that is left."""
        try:
            pixels = _pixels(image)
        except (OSError, ValueError, UnreadableImage) as problem:
            return _Unreadable(str(problem))
        if self._family and (refusal := self._family.refusal_of(*pixels.size)):
            return _Unreadable(refusal)
        return Exchange((pixels,), Conversation(self.settings.prompt.question))


@dataclass(frozen=True)
class LoadedModel:
    """A loaded network with its adapters and what was fitted for both.

    stack: None without adapters. weights: those that act, by name and hash.
    """

    id: str
    revision: str | None
    family: Family
    stack: AdapterStack | None
    weights: Mapping[str, str]
    fitted: Fitted


def load_model(
    model: str,
    adapters: Path | None = None,
    active: Sequence[str] = (),
    *,
    revision: str | None = None,
    max_pixels: int | None = None,
    device: str | None = None,
    precision: Precision | None = None,
) -> LoadedModel:
    """The parts of a locator, for switching adapters or settings between questions.

    Chooses and raises as `Locator.from_pretrained` does.
    """
    if device is None:
        chosen = choose_placement(model, this_machine())
        device, precision = chosen.device, precision or chosen.precision
        _log.info("%s on %s in %s: %s", model, device, precision, chosen.reason)
    family = load_family(
        model, revision=revision, precision=precision, device=device, max_pixels=max_pixels
    )
    stack = None if adapters is None else load_adapters(family, model, adapters, active)
    if stack is not None:
        stack.fold()
    spec = REGISTRY.get(model)
    exact = revision or (spec.revision if spec else None)
    if adapters is None:
        weights = weights_in_memory(family.network, None)
    else:
        weights = adapter_weights(adapters, active)
    fitted = find_fitted(adapters or weights_folder(model), weights)
    return LoadedModel(model, exact, family, stack, weights, fitted)


def load_adapters(
    family: Family, model: str, folder: Path, active: Sequence[str] = ()
) -> AdapterStack:
    """Puts the adapters in a folder above a family's network; all of them act from then on.

    active: only these. Raises ValueError where one is absent, or belongs to another base.
    """
    stack = AdapterStack.load(family.network, model, folder, adapter_names(folder, active))
    stack.model.eval()
    return stack


def adapter_names(folder: Path, active: Sequence[str] = ()) -> list[str]:
    """The adapters of a folder, lowest first: those of `active`, or all that are there.

    Raises ValueError where there is none, or one of `active` is absent.
    """
    there = [name for name in STAGES if (folder / name).is_dir()]
    if not there or (absent := [name for name in active if name not in there]):
        wanted = absent[0] if there else " or ".join(STAGES)
        raise ValueError(f"{folder} holds no adapter {wanted}: train it, or name another folder")
    return [name for name in there if name in active or not active]


def _failed(problem: Exception) -> Location:
    why = str(problem) or type(problem).__name__
    return Location("failed", error=f"the model cannot answer about this picture: {why}")


def _pixels(image: Picture) -> Image.Image:
    if isinstance(image, Image.Image):
        plain = image.convert("RGB")
        bare = Image.new("RGB", plain.size)
        bare.paste(plain)  # a PIL image carries what its file said; the copy does not
        return bare
    limits = ImageLimits()
    if isinstance(image, bytes):
        return decode(image, limits).image
    source = PictureFile.find(str(image))
    return source.decode(read_bytes(source.file, limits.max_bytes), limits).image


def adapter_weights(folder: Path, active: Sequence[str] = ()) -> dict[str, str]:
    """The hash of each adapter's weights, lowest first; raises as `adapter_names` does."""
    return {name: read_card(folder / name).weights for name in adapter_names(folder, active)}
