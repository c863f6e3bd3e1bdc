"""The recipe of a set of samples: which clues and pictures become conversations to learn from."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from georay.config.load import Location, Recipe


class SplitRecipe(Recipe):
    """Which places are kept from training; a hash of place and seed decides, and nothing else.

    by: "point": a place is a sampling point, a square of `cell_km` a side. Its town is trained on
    elsewhere, as in the paper. "city": whole towns are held out, so no model can have learnt them.
    validation, test: shares of the places, not of the pictures.
    """

    by: Literal["point", "city"] = "point"
    cell_km: PositiveFloat = 1.0
    validation: float = Field(default=0.05, ge=0, lt=1)
    test: float = Field(default=0.1, ge=0, lt=1)
    seed: int = 0

    @model_validator(mode="after")
    def _leave_some_to_train_on(self) -> "SplitRecipe":
        if self.validation + self.test >= 1:
            raise ValueError("validation + test must be below 1: the rest is trained on")
        return self


class MixRecipe(Recipe):
    """Training pictures of stage 2 at one size and a chosen quality (paper, figure 6).

    locatable_share: share of them that reach the curation run's threshold.
    """

    locatable_share: float = Field(ge=0, le=1)
    num_images: PositiveInt
    seed: int = 0


class SamplesRecipe(Recipe):
    """One set of samples for both stages of training (paper, section 3.2).

    curation: folder of a finished curation run; its pictures are located in stage 2 (country and
    town), and clues may be about them. images: further pictures that clues may be about, named as
    in a curation recipe. clues: Parquet files of the clues table, for stage 1 (country, reasons).
    conversations: files or folders of samples as other tools have them, each taken over as it is:
    what `georay samples --export` wrote, LLaMA-Factory's ShareGPT JSON, the JSON of Qwen-VL's
    finetune.py, WebDataset's tar files, Parquet of `datasets`.
    max_clues_per_image: by default each clue about a picture is a sample of its own.
    clues_per_picture: at most so many training samples of stage 1 for each of stage 2, chosen by a
    hash; the paper's 3,000 clues beside 70,000 pictures are 0.043. By default all are taken.
    mix: by default stage 2 trains on every picture that curation kept.
    held_out: which pictures of the validation and test places stage 2 is judged by.
    """

    output: Location
    curation: Location | None = None
    images: tuple[str, ...] = ()
    clues: tuple[Location, ...] = ()
    conversations: tuple[Location, ...] = ()
    max_clues_per_image: PositiveInt | None = None
    clues_per_picture: PositiveFloat | None = None
    mix: MixRecipe | None = None
    held_out: Literal["curated", "scored"] = "curated"
    splits: SplitRecipe = SplitRecipe()

    @model_validator(mode="after")
    def _have_something_to_read(self) -> "SamplesRecipe":
        is_about_pictures = self.clues and self.images
        if self.curation is None and not is_about_pictures and not self.conversations:
            raise ValueError(
                "name a curation run, or clues and the images that they are about, or conversations"
            )
        if self.curation is None and not is_about_pictures and (self.clues or self.images):
            raise ValueError("clues need the images that they are about, and images need clues")
        if self.curation is None and self.mix is not None:
            raise ValueError("a mix chooses among scored pictures: name the curation run")
        if self.curation is None and self.clues_per_picture is not None:
            raise ValueError(
                "clues_per_picture counts the pictures of a curation run: name that run"
            )
        return self
