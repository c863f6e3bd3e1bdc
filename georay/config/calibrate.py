"""The recipe of a calibration: which model says how sure it is, and on which pictures it is held
to that.
"""

from typing import Literal

from pydantic import Field, PositiveInt

from georay.config.load import LocalPath, Location, Recipe


class CalibrateRecipe(Recipe):
    """Fits a model's confidence on places that it never saw.

    samples: Parquet files or folders of schema SAMPLES. split, stage: whose pictures. max_images:
    at most so many of them, always the same for the same pictures.
    model, revision, adapters, active_adapters, device, precision, prompt, batch_size: as of
    `georay predict`. scenes: a folder of drawn scenes that the pictures are; then it is of the
    pictures with a clue that few may be called unsure, else of the right answers.
    familiarity: also keep what the pictures look like, so that others are told from them.
    output: a folder; by default beside the adapters, or beside a bare model's weights.
    """

    samples: tuple[Location, ...] = Field(min_length=1)
    model: str = "tiny"
    revision: str | None = None
    adapters: str | None = None
    active_adapters: tuple[Literal["reasoning", "location"], ...] = ()
    split: Literal["train", "validation", "test"] = "validation"
    stage: Literal["reasoning", "location"] = "location"
    max_images: PositiveInt | None = None
    prompt: Literal["inference", "reasoning", "location"] = "inference"
    batch_size: PositiveInt = 8
    device: str | None = None
    precision: Literal["float32", "bfloat16", "float16"] | None = None
    scenes: LocalPath | None = None
    familiarity: bool = False
    output: LocalPath | None = None
