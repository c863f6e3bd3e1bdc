"""The recipe of jobs/train_segmenter.py."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from georay.config.load import Recipe


class Augmentation(Recipe):
    """How one training crop is drawn from a photograph."""

    crop: int = Field(320, ge=64, multiple_of=32, description="side of the square crop, pixels")
    min_scale: float = Field(0.6, gt=0)
    max_scale: float = Field(2.0, gt=0)
    rare_class_share: float = Field(
        0.4, ge=0, le=1, description="share of crops centred on a class drawn uniformly"
    )
    colour: float = Field(0.4, ge=0, lt=1, description="largest relative change of colour")


class TrainSegmenterRecipe(Recipe):
    """One training run of the small segmenter or of the small MaskFormer."""

    name: str
    architecture: Literal["small", "maskformer"]
    seed: int = 0
    camvid: Path = Field(description="folder with train, val, test and their _labels folders")
    train_splits: tuple[str, ...] = ("train", "val")
    out: Path = Field(description="folder of checkpoints and of the finished weights")
    augmentation: Augmentation = Augmentation()
    num_steps: int = Field(ge=1)
    batch_size: int = Field(8, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    encoder_learning_rate: float = Field(3e-4, gt=0)
    weight_decay: float = Field(0.02, ge=0)
    warmup_steps: int = Field(100, ge=0)
    ema_decay: float = Field(0.998, ge=0, lt=1)
    overlap_loss: float = Field(0.5, ge=0, description="weight of the soft Jaccard loss")
    checkpoint_every: int = Field(100, ge=1, description="steps")
    log_every: int = Field(20, ge=1, description="steps")
    threads: int = Field(2, ge=1, description="CPU threads of torch")
    bf16: bool = True
