"""The recipe of a system that georay is compared with: what it is, and how it is trained."""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from georay.config.cluster import ClusterRecipe
from georay.config.load import LocalPath, Location, Recipe
from georay.config.train import CheckpointRecipe, TrainWorkersRecipe

SceneKind = Literal["natural", "urban", "indoor"]
SCENE_KINDS: tuple[SceneKind, ...] = ("natural", "urban", "indoor")


class PretrainedRecipe(Recipe):
    """Weights to start from: a folder, or a hub id, whose commit is asked once and then kept.

    mean, std: what its pixels are normalised with, by default ImageNet's.
    """

    model: str
    revision: str | None = None
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


class SmallNetworkRecipe(Recipe):
    """A network with random weights, small enough for two CPU cores.

    width: of its last features. depth: layers of a ViT, or blocks in each of the four stages of a
    ResNet. patch_size: of a ViT, in pixels.
    """

    kind: Literal["resnet", "vit"] = "resnet"
    width: PositiveInt = Field(default=128, multiple_of=16)
    depth: PositiveInt = 1
    patch_size: PositiveInt = 8


class BackboneRecipe(Recipe):
    """The image encoder: either published weights, or a small network that starts untrained."""

    pretrained: PretrainedRecipe | None = None
    small: SmallNetworkRecipe | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.pretrained is None) == (self.small is None):
            raise ValueError("give either `pretrained` or `small`")
        return self


def _is_transformer(backbone: BackboneRecipe) -> BackboneRecipe:
    if backbone.small is not None and backbone.small.kind != "vit":
        raise ValueError("this system is made of transformers: its small backbone is of kind vit")
    return backbone


TransformerRecipe = Annotated[BackboneRecipe, AfterValidator(_is_transformer)]


class PartitionRecipe(Recipe):
    """Cells of S2, split while they hold more than `max_pictures` training pictures.

    Those with fewer than `min_pictures` are no class. max_level: of S2, where splitting ends.
    """

    min_pictures: PositiveInt = 50
    max_pictures: PositiveInt = 5_000
    max_level: int = Field(default=20, ge=0, le=30)


class PlaNetRecipe(Recipe):
    """PlaNet: one partition, one softmax."""

    name: Literal["planet"]
    backbone: BackboneRecipe
    partition: PartitionRecipe = PartitionRecipe(min_pictures=50, max_pictures=10_000)


class CPlaNetRecipe(Recipe):
    """CPlaNet: the cells of `partition` joined to `num_classes` regions, `num_partitions` times."""

    name: Literal["cplanet"]
    backbone: BackboneRecipe
    partition: PartitionRecipe = PartitionRecipe(min_pictures=1, max_pictures=500)
    num_partitions: int = Field(default=5, ge=2)
    num_classes: PositiveInt = 9_969


class _HierarchyRecipe(Recipe):
    """partitions: the coarsest first."""

    partitions: tuple[PartitionRecipe, ...] = Field(
        default=tuple(PartitionRecipe(max_pictures=most) for most in (5_000, 2_000, 1_000)),
        min_length=2,
    )

    @model_validator(mode="after")
    def _finer_and_finer(self) -> Self:
        for coarse, fine in zip(self.partitions, self.partitions[1:], strict=False):
            is_finer = fine.max_pictures < coarse.max_pictures
            if not is_finer or fine.min_pictures < coarse.min_pictures:
                raise ValueError(
                    "partitions go from coarse to fine: max_pictures must fall, and min_pictures "
                    "must not, so that each cell lies in one of the partition before"
                )
            if fine.max_level < coarse.max_level:
                raise ValueError("partitions go from coarse to fine: max_level must not fall")
        return self


class SegmenterOfScenes(Recipe):
    """What classifies a picture's scene: a segmenter as in curation, "small" or a hub id."""

    model: str = "small"
    revision: str | None = None


class PublishedISNsRecipe(Recipe):
    """What the authors published. cells: a CSV file of each level, the coarsest first.

    networks: the checkpoint of each kind of scene; the one of all scenes may stand at every kind.
    """

    cells: tuple[LocalPath, ...] = Field(min_length=2)
    networks: dict[SceneKind, LocalPath]

    @model_validator(mode="after")
    def _of_every_kind(self) -> Self:
        if absent := [kind for kind in SCENE_KINDS if kind not in self.networks]:
            raise ValueError(f"networks: give the checkpoint of {', '.join(absent)} too")
        return self


class ISNsRecipe(_HierarchyRecipe):
    """Individual scene networks: a network for each kind of scene, over a hierarchy.

    published: the authors' own networks and cells, instead of `backbone` and `partitions`.
    """

    name: Literal["isns"]
    backbone: BackboneRecipe | None = None
    published: PublishedISNsRecipe | None = None
    segmenter: SegmenterOfScenes = SegmenterOfScenes()

    @model_validator(mode="after")
    def _backbone_or_published(self) -> Self:
        if (self.backbone is None) == (self.published is None):
            raise ValueError("give either `backbone` or `published`")
        return self


class TranslocatorRecipe(_HierarchyRecipe):
    """Translocator: two ViTs, one sees the picture and one its segmentation."""

    name: Literal["translocator"]
    backbone: TransformerRecipe
    segmenter: SegmenterOfScenes = SegmenterOfScenes()


class GeoDecoderRecipe(_HierarchyRecipe):
    """GeoDecoder: a query for each level and kind of scene.

    independent_layers: of the decoder in which all queries attend to each other; dependent_layers:
    those in which each level's attend among themselves.
    """

    name: Literal["geodecoder"]
    backbone: BackboneRecipe
    segmenter: SegmenterOfScenes = SegmenterOfScenes()
    independent_layers: NonNegativeInt = 5
    dependent_layers: PositiveInt = 3
    num_heads: PositiveInt = 8


class ViTRecipe(Recipe):
    """ViT: a classifier over countries and towns. min_pictures: of a town that is a class."""

    name: Literal["vit"]
    backbone: TransformerRecipe
    min_pictures: PositiveInt = 1


class StreetCLIPRecipe(Recipe):
    """StreetCLIP: the country, then the town, whose captions are nearest to the picture.

    towns_per_country: that are captioned, the most populous of the gazetteer.
    """

    name: Literal["streetclip"]
    backbone: TransformerRecipe
    towns_per_country: PositiveInt = 100


class GeoCLIPRecipe(Recipe):
    """GeoCLIP: the point of a gallery whose encoding is nearest to the picture's.

    backbone: the image side; of published weights CLIP itself, which stays as it is.
    published: the location encoder, the head above CLIP and the scale of the package geoclip.
    gallery: its 100,000 points, or those of the training pictures. queue_size: of former points
    that a picture must be told from; spread_km: how far they are moved by chance.
    """

    name: Literal["geoclip"]
    backbone: BackboneRecipe
    published: bool = False
    gallery: Literal["package", "training"] = "training"
    queue_size: NonNegativeInt = 4096
    spread_km: float = Field(default=1.0, ge=0)


SystemRecipe = Annotated[
    PlaNetRecipe
    | CPlaNetRecipe
    | ISNsRecipe
    | TranslocatorRecipe
    | GeoDecoderRecipe
    | ViTRecipe
    | StreetCLIPRecipe
    | GeoCLIPRecipe,
    Field(discriminator="name"),
]


class LearningRecipe(Recipe):
    """AdamW, a linear warm-up and half a cosine down to zero.

    batch_size: pictures of one step, over all workers. max_minutes: ends training there, and the
    learning rate's descent with it. clock: what these minutes are of, the wall's clock or the first
    worker's processor, which stands still while others use the machine. min_scale: of the random
    crops, 1 for none.
    """

    num_epochs: PositiveInt = 10
    max_minutes: PositiveFloat | None = None
    clock: Literal["wall", "processor"] = "wall"
    batch_size: PositiveInt = 256
    learning_rate: PositiveFloat = 1e-4
    weight_decay: float = Field(default=0.05, ge=0)
    warmup_ratio: float = Field(default=0.02, ge=0, le=1)
    max_grad_norm: PositiveFloat = 1.0
    min_scale: float = Field(default=0.66, gt=0, le=1)


class BaselineRecipe(Recipe):
    """One system of the paper, trained on the located pictures of samples, or as published.

    samples: Parquet files or folders of schema SAMPLES, whose stage "location" is learnt. output:
    the folder that `georay predict` then takes as its model. max_pictures: at most so many of the
    training pictures, always the same. image_size: pixels of a side that the network sees.
    learning: None leaves published weights as they are. cache_gib: of memory for pictures that each
    worker keeps decoded. title: what tables call it.
    """

    samples: tuple[Location, ...] = Field(min_length=1)
    output: Location
    system: SystemRecipe
    title: str = ""
    seed: int = Field(default=0, ge=0)
    image_size: int = Field(default=224, ge=16)
    max_pictures: PositiveInt | None = None
    learning: LearningRecipe | None = LearningRecipe()
    checkpoints: CheckpointRecipe = CheckpointRecipe()
    cache_gib: float = Field(default=2.0, ge=0)
    workers: TrainWorkersRecipe = TrainWorkersRecipe()
    cluster: ClusterRecipe = ClusterRecipe()

    @model_validator(mode="after")
    def _clock_sees_the_work(self) -> Self:
        if self.workers.use_gpu and self.learning and self.learning.clock == "processor":
            raise ValueError("a processor's clock does not see what a GPU does: set clock to wall")
        return self

    @model_validator(mode="after")
    def _can_stay_untrained(self) -> Self:
        if self.learning is not None:
            return self
        system = self.system
        if isinstance(system, ISNsRecipe) and system.published:
            return self
        can = isinstance(system, StreetCLIPRecipe | GeoCLIPRecipe) and system.backbone.pretrained
        if not can or (isinstance(system, GeoCLIPRecipe) and not system.published):
            raise ValueError(
                f"{system.name} has no published weights here to answer with: give `learning`"
            )
        return self
