"""The recipe of the demo: a drawn world, and every step over it."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, PositiveInt, model_validator

from georay.config.curate import CurateRecipe
from georay.config.load import LocalPath, Recipe, parse_recipe
from georay.config.overlay import merged
from georay.config.predict import PredictRecipe
from georay.config.samples import SamplesRecipe
from georay.config.train import TrainRecipe

RowName = Literal["base", "reasoning only", "location only", "both stages"]
Step = Literal["curate", "samples", "train", "predict"]

_STEPS: Mapping[Step, type[Recipe]] = {
    "curate": CurateRecipe,
    "samples": SamplesRecipe,
    "train": TrainRecipe,
    "predict": PredictRecipe,
}
_FOLDERS: Mapping[Step, Mapping[str, Any]] = {
    "curate": {"inputs": ["scenes"], "output": "curation"},
    "samples": {"curation": "curation", "output": "samples"},
    "train": {"samples": ["samples"], "output": "models"},
    "predict": {"samples": ["samples"], "output": "answers.parquet"},
}
"""Stand for the demo's own, so that a step can be checked before there is one."""


class DemoRecipe(Recipe):
    """The whole flow on a drawn world: draw, curate, make samples, train, ask, compare.

    name: of the folder below `output`. seed: of the drawn world. images: scenes that are drawn.
    curate, samples, train, predict: keys of those verbs' recipes; their inputs and outputs are the
    demo's own. rows: of the paper's table 2, those that are trained and asked.
    """

    output: LocalPath = "runs/demo"
    name: str = Field(pattern=r"^[\w-]+$")
    seed: int
    images: PositiveInt
    curate: dict[str, Any]
    samples: dict[str, Any]
    train: dict[str, Any]
    predict: dict[str, Any]
    rows: tuple[RowName, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _every_step_is_one(self) -> "DemoRecipe":
        for step, folders in _FOLDERS.items():
            self.step(step, folders)
        return self

    def step(self, step: Step, given: Mapping[str, Any]) -> Any:
        """The recipe of a step, with what is given laid over this one's keys of it.

        Raises ValueError naming each key of the step that is wrong.
        """
        content = merged(getattr(self, step), given)
        return parse_recipe(content, _STEPS[step], f"of the demo's step {step!r}")
