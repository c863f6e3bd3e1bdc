"""The recipe of a curation run: everything that decides its result, and how it is spread out."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from georay.config.cluster import ClusterRecipe
from georay.config.load import Location, Recipe
from georay.core.images import MAX_PIXELS
from georay.core.panoramas import Handling


class SegmenterRecipe(Recipe):
    """Which segmentation model measures the area ratios.

    model: "small" (in the package), a hub id, or a local folder. exact: full-size masks as in
    transformers' own post-processing, slower; the default counts at the logits' resolution.
    """

    model: str = "small"
    revision: str | None = None
    exact: bool = False
    device: str = "cpu"


class WeightsRecipe(Recipe):
    """Class weights: the published ones, a weights.json, or made from a file of clues."""

    source: Location = "published"
    clues: Location | None = None
    scope: Literal["global", "row", "column"] = "global"
    threshold: float = Field(default=0.5, ge=0, lt=1)
    encoder: str = "sentence-transformers/all-MiniLM-L6-v2"
    encoder_revision: str | None = None


class LimitsRecipe(Recipe):
    """What is refused before it is decoded.

    max_pixels: panoramas of street-level cameras have up to 134 million. JPEGs are decoded at a
    reduced scale, of which shortest_side is left; see core.images.ImageLimits for other formats.
    """

    max_pixels: PositiveInt = MAX_PIXELS
    max_bytes: PositiveInt = 64 << 20
    shortest_side: PositiveInt = 1024


class WorkersRecipe(Recipe):
    """How scoring is spread. Fractions of a CPU keep reads from waiting for the actors' slots.

    num_actors: scoring actors; by default one per GPU asked for, else one per CPU.
    """

    num_actors: PositiveInt | None = None
    cpus_per_actor: PositiveFloat = 0.5
    gpus_per_actor: float = Field(default=0, ge=0)
    accelerator_type: str | None = None
    decode_threads: PositiveInt = 1
    batch_size: PositiveInt = 16
    rows_per_block: PositiveInt = 128
    cpus_per_read: PositiveFloat = 0.25


class CurateRecipe(Recipe):
    """One curation run: photographs in, a curated set of highly locatable photographs out.

    title: heads the report; by default the name of the first input.
    threshold: images with at least this locatability are kept (0.4 in the paper, section 3.1).
    panoramas: an equirectangular panorama is scored as perspective "views", as the "whole" picture
    that it is, or not at all ("skip").
    max_error_share: the run fails at its end if a larger share of the files could not be scored.
    """

    inputs: tuple[str, ...]
    output: Location
    title: str = ""
    threshold: float = Field(default=0.4, ge=0, le=1)
    panoramas: Handling = "views"
    max_error_share: float = Field(default=0.5, ge=0, le=1)
    segmenter: SegmenterRecipe = SegmenterRecipe()
    weights: WeightsRecipe = WeightsRecipe()
    limits: LimitsRecipe = LimitsRecipe()
    workers: WorkersRecipe = WorkersRecipe()
    cluster: ClusterRecipe = ClusterRecipe()
