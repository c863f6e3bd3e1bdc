"""The recipe of jobs/pretrain_tiny.py."""

from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from georay.config.load import LocalFile, Recipe
from georay.config.tiny import TinyModelRecipe


class PretrainScenes(Recipe):
    """StreetWorld scenes with their questions; drawn into the folder where absent."""

    folder: LocalFile
    seed: int = Field(ge=0)
    num_scenes: PositiveInt
    test_seed: int = Field(ge=0, description="held-out scenes come from this seed")
    num_test_scenes: PositiveInt
    commonest_answer: float = Field(
        0.6, ge=0.5, lt=1, description="largest share that one answer may have of a question's"
    )
    processes: PositiveInt = 2

    @model_validator(mode="after")
    def _held_out(self) -> Self:
        if self.seed == self.test_seed:
            raise ValueError("seed and test_seed are equal: held-out scenes need another seed")
        return self


class EyesRecipe(Recipe):
    """The first lessons, of the vision encoder alone: patches, things and closed questions.

    at_least: how often an answer has to occur in the training scenes to be one of the choices.
    share_of_rate_later: of the learning rate, when the whole network learns.
    """

    num_steps: PositiveInt
    batch_size: PositiveInt = 32
    learning_rate: PositiveFloat = 1e-3
    weight_decay: float = Field(0.05, ge=0)
    warmup_steps: int = Field(200, ge=0)
    at_least: PositiveInt = 8
    share_of_rate_later: float = Field(0.3, gt=0, le=1)


class FormsRecipe(Recipe):
    """The lessons at the end, half of them in the form of JSON."""

    num_steps: PositiveInt
    learning_rate: PositiveFloat = 3e-4
    warmup_steps: int = Field(50, ge=0)


class PretrainRecipe(Recipe):
    """One pre-training run of the tiny base.

    vocabulary_scenes: from how many scenes' questions the vocabulary is learnt, beside places.
    batch_size: scenes of one step; questions_per_scene: asked of each, chosen anew every time.
    """

    name: str
    seed: int = 0
    model: TinyModelRecipe = TinyModelRecipe()
    scenes: PretrainScenes
    vocabulary_scenes: PositiveInt = 2000
    out: LocalFile = Field(description="folder of checkpoints and of the finished model")
    eyes: EyesRecipe | None = None
    num_steps: PositiveInt
    forms: FormsRecipe
    batch_size: PositiveInt = 16
    questions_per_scene: PositiveInt = 8
    learning_rate: PositiveFloat = 1e-3
    weight_decay: float = Field(0.05, ge=0)
    warmup_steps: int = Field(200, ge=0)
    max_gradient_norm: PositiveFloat = 1.0
    ema_decay: float = Field(0.999, ge=0, lt=1)
    checkpoint_every: PositiveInt = 100
    log_every: PositiveInt = 20
    threads: PositiveInt = 2
    precision: Literal["native", "float32"] = Field(
        "native", description="native: bfloat16 where the processor multiplies it, else float32"
    )
