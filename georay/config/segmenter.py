"""The recipe of jobs/train_segmenter.py."""

from typing import Literal, Self

from pydantic import Field, model_validator

from georay.config.load import LocalFile, Recipe


class Augmentation(Recipe):
    """How one training crop is drawn from a photograph."""

    crop: int = Field(320, ge=64, multiple_of=32, description="side of the square crop, pixels")
    min_scale: float = Field(0.6, gt=0)
    max_scale: float = Field(2.0, gt=0)
    rare_class_share: float = Field(
        0.4, ge=0, le=1, description="share of crops centred on a class drawn uniformly"
    )
    colour: float = Field(0.4, ge=0, lt=1, description="largest relative change of colour")
    light: float = Field(
        0, ge=0, le=1, description="strength of gamma, shade, lost colour and grain"
    )
    texture: float = Field(
        0, ge=0, le=1, description="share of a drawn crop's classes with a new colour and texture"
    )


class MaskSet(Recipe):
    """A folder of pictures and masks; factory/segmenter/masks.py says how it is laid out."""

    folder: LocalFile
    counts_as: dict[str, tuple[str, ...]] = Field(
        {},
        description="labels that a class of this set covers too: {road: [sidewalk, path]} where "
        "all that is walked on is road",
    )


class MaskedPictures(Recipe):
    """Sets of pictures with masks, mixed by how many pictures each has."""

    sets: tuple[MaskSet, ...] = Field(min_length=1)
    splits: tuple[str, ...] = ("train",)
    num_crops: int = Field(2, ge=1, description="crops of a batch")
    weight: float = Field(1, gt=0, description="of the mean loss of these crops")
    augmentation: Augmentation = Field(
        Augmentation(), description="scales are relative to the size that the segmenter works at"
    )


class DrawnScenes(Recipe):
    """StreetWorld scenes to train and to evaluate on; drawn into the folder where absent."""

    folder: LocalFile
    seed: int = Field(ge=0)
    num_scenes: int = Field(ge=1)
    test_seed: int = Field(ge=0, description="held-out scenes come from this seed")
    num_test_scenes: int = Field(500, ge=1)
    num_crops: int = Field(6, ge=1, description="drawn crops of a batch")
    weight: float = Field(1, gt=0, description="of the mean loss of these crops")
    augmentation: Augmentation = Augmentation()

    @model_validator(mode="after")
    def _held_out(self) -> Self:
        if self.seed == self.test_seed:
            raise ValueError("seed and test_seed are equal: held-out scenes need another seed")
        return self


class AbstentionRecipe(Recipe):
    """What is given up, on the `val` split of the evaluation sets, to say "not known"."""

    right_lost: float = Field(0.03, ge=0, lt=1, description="share of right pixels")
    pictures_marked: float = Field(0.05, ge=0, lt=1, description="share of pictures")


class TrainSegmenterRecipe(Recipe):
    """One training run of the small segmenter or of the small MaskFormer."""

    name: str
    architecture: Literal["small", "maskformer"]
    seed: int = 0
    camvid: LocalFile | None = Field(
        None, description="folder with train, val, test and their _labels folders"
    )
    camvid_weight: float = Field(1, gt=0, description="of the mean loss of CamVid's crops")
    train_splits: tuple[str, ...] = ("train", "val")
    drawn: DrawnScenes | None = Field(
        None, description="scenes to train on besides; small segmenter only"
    )
    photographs: tuple[MaskedPictures, ...] = Field(
        (), description="pictures with masks to train on besides; small segmenter only"
    )
    evaluation: tuple[MaskSet, ...] = Field((), description="sets whose splits are evaluated on")
    abstention: AbstentionRecipe | None = Field(
        None, description="how the trained segmenter learns to say that it does not know"
    )
    start: LocalFile | None = Field(
        None, description="weights file to start from instead of the ImageNet encoder"
    )
    out: LocalFile = Field(description="folder of checkpoints and of the finished weights")
    augmentation: Augmentation = Augmentation()
    num_steps: int = Field(ge=1)
    batch_size: int = Field(8, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    encoder_learning_rate: float = Field(3e-4, gt=0)
    detail_learning_rate: float = Field(
        2e-3, gt=0, description="of the small segmenter's stride-2 branch, which starts untrained"
    )
    weight_decay: float = Field(0.02, ge=0)
    warmup_steps: int = Field(100, ge=0)
    ema_decay: float = Field(0.998, ge=0, lt=1)
    overlap_loss: float = Field(0.5, ge=0, description="weight of the soft Jaccard loss")
    prior_shift: float = Field(
        0.5, ge=0, le=1, description="share of the drawn classes' weights undone after training"
    )
    checkpoint_every: int = Field(100, ge=1, description="steps")
    log_every: int = Field(20, ge=1, description="steps")
    threads: int = Field(2, ge=1, description="CPU threads of torch")
    precision: Literal["native", "float32"] = Field(
        "native", description="native: bfloat16 where the processor multiplies it, else float32"
    )

    @model_validator(mode="after")
    def _some_of_each(self) -> Self:
        if self.camvid is not None and self.num_camvid_crops < 1:
            raise ValueError("a batch needs CamVid crops too: lower num_crops of the others")
        if self.camvid is None and self.num_camvid_crops != 0:
            raise ValueError(
                "without CamVid, batch_size is the sum of num_crops of what is trained on"
            )
        if self.abstention is not None and not self.evaluation:
            raise ValueError("abstention is found on the sets of `evaluation`: name some")
        if self.camvid is None and self.architecture == "maskformer":
            raise ValueError("the small MaskFormer is trained on CamVid: say where it is")
        return self

    @property
    def num_camvid_crops(self) -> int:
        """Crops of a batch that are CamVid's."""
        others = sum(source.num_crops for source in self.photographs)
        return self.batch_size - others - (self.drawn.num_crops if self.drawn else 0)
