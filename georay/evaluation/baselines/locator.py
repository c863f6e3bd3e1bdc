"""A baseline that is asked about pictures, as a `Locator` is."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import torch
from PIL import Image

from georay.config.baselines import BaselineRecipe
from georay.evaluation.baselines.folder import SavedBaseline
from georay.evaluation.baselines.pictures import Viewer, stacked
from georay.evaluation.baselines.protocol import Baseline
from georay.models.locations import Location, Timings
from georay.models.segmenter import load_segmenter


class BaselineLocator:
    """Says where pictures were taken. Nothing but their pixels reaches the network."""

    def __init__(self, baseline: Baseline, viewer: Viewer, device: str) -> None:
        self._baseline, self._viewer, self._device = baseline.eval(), viewer, device

    @classmethod
    def load(cls, folder: Path, device: str | None = None) -> Self:
        """Of a folder that `georay baseline` wrote. device: a GPU where there is one, by default.

        Raises ValueError for a folder that holds none, ModelUnavailable for absent weights.
        """
        saved = SavedBaseline.read(folder)
        where = device or ("cuda:0" if torch.cuda.is_available() else "cpu")
        baseline = saved.load(where)
        viewer = viewer_of(saved.recipe, where, with_scenes=baseline.sees_scenes == "always")
        return cls(baseline, viewer, where)

    def locate(self, images: Sequence[Image.Image], top_k: int = 5) -> list[Location]:
        """One location per decoded RGB picture, in order, with at most `top_k` countries."""
        if not images:
            return []
        started = time.perf_counter()
        views = stacked([self._viewer.look(image) for image in images]).to(self._device)
        found = self._baseline.locations(views, top_k)
        timings = Timings(answer_ms=(time.perf_counter() - started) * 1000)
        return [replace(one, timings=timings) for one in found]


def viewer_of(recipe: BaselineRecipe, device: str, *, with_scenes: bool) -> Viewer:
    """What shows pictures to a system. with_scenes: and what kind of thing each pixel is of."""
    if not with_scenes:
        return Viewer(recipe.image_size, None)
    scenes = getattr(recipe.system, "segmenter")  # noqa: B009  (systems that see scenes have one)
    segmenter = load_segmenter(scenes.model, revision=scenes.revision, device=device)
    return Viewer(recipe.image_size, segmenter)
