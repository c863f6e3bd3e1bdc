"""The recipe of a training run: one adapter after the other above a frozen base (section 3.2)."""

from typing import Literal, Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from georay.config.cluster import ClusterRecipe
from georay.config.load import Location, Recipe

AdapterName = Literal["reasoning", "location"]
TrackerName = Literal["tensorboard", "wandb", "mlflow"]


class BaseRecipe(Recipe):
    """The model that adapters are trained above: a registered id, a folder, or a hub id.

    max_pixels: the most that Qwen2.5-VL and Qwen3-VL see of a picture.
    """

    model: Location
    revision: str | None = None
    max_pixels: PositiveInt | None = None


class StageRecipe(Recipe):
    """One adapter, learnt from the samples of the same stage.

    max_steps: ends the stage there, and the learning rate's descent with it.
    """

    adapter: AdapterName
    num_epochs: PositiveInt = 1
    max_steps: PositiveInt | None = None
    learning_rate: PositiveFloat | None = Field(None, description="instead of the optimizer's")


class LoraRecipe(Recipe):
    """Rank, scale and dropout as in the authors' script; the paper says LoRA (section 3.2) and how
    many parameters it has (table 6), which fits the rank. targets: by default the family's own.
    """

    rank: PositiveInt = 64
    alpha: PositiveInt = 16
    dropout: float = Field(default=0.05, ge=0, lt=1)
    targets: tuple[str, ...] | str | None = None


class OptimizerRecipe(Recipe):
    """AdamW with a linear warm-up and half a cosine down to zero (paper, appendix A, table 5).

    epsilon and max_grad_norm are ours: the paper gives none.
    """

    learning_rate: PositiveFloat = 1e-5
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: PositiveFloat = 1e-8
    weight_decay: float = Field(default=0.1, ge=0)
    warmup_ratio: float = Field(default=0.01, ge=0, le=1)
    max_grad_norm: PositiveFloat = 1.0


class BatchRecipe(Recipe):
    """How samples are put together.

    global_batch: samples of one optimizer step, whatever the number of workers. micro_batch: the
    most that one worker takes through the network at once. max_length: tokens; longer samples are
    left out and named. length_pool: global batches that are sorted by length together.
    """

    global_batch: PositiveInt = 64
    micro_batch: PositiveInt = 4
    max_length: PositiveInt = 2048
    length_pool: PositiveInt = 8


class ZeroRecipe(Recipe):
    """DeepSpeed's ZeRO: what is split over the workers, and what is moved out of the GPU.

    stage 0 splits nothing, 1 the optimizer's state, 2 also gradients, 3 also the weights.
    nvme: the folder that offloading to "nvme" uses.
    """

    stage: Literal[0, 1, 2, 3] = 2
    offload_optimizer: Literal["none", "cpu", "nvme"] = "none"
    offload_parameters: Literal["none", "cpu", "nvme"] = "none"
    nvme: str | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.offload_parameters != "none" and self.stage != 3:
            raise ValueError("offload_parameters needs stage 3: before it, weights are not split")
        if self.offload_optimizer != "none" and self.stage == 0:
            raise ValueError("offload_optimizer needs stage 1 or more")
        if "nvme" in (self.offload_optimizer, self.offload_parameters):
            if self.stage != 3:
                raise ValueError("offloading to nvme needs stage 3")
            if not self.nvme:
                raise ValueError("offloading to nvme needs a folder: set zero.nvme")
        return self


class CheckpointRecipe(Recipe):
    """every: optimizer steps between checkpoints. keep: the newest that stay."""

    every: PositiveInt = 50
    keep: PositiveInt = 2


class TrainWorkersRecipe(Recipe):
    """How training is spread: one process per worker, each on a GPU or on CPU cores.

    precision: by default bfloat16 on GPUs and float32 on CPUs. cpus_per_worker, cpus_per_read: CPU
    slots of Ray that they take. reads_per_worker: Ray Data's tasks that read pictures for one of
    them at once. threads: of torch in each worker on CPUs. max_failures: how often killed workers
    are replaced before the run gives up.
    """

    num_workers: PositiveInt = 1
    use_gpu: bool = False
    precision: Literal["float32", "bfloat16"] | None = None
    cpus_per_worker: PositiveFloat = 0.5
    cpus_per_read: PositiveFloat = 0.25
    reads_per_worker: PositiveInt = 2
    threads: PositiveInt = 1
    max_failures: int = Field(default=3, ge=0)

    @property
    def dtype(self) -> Literal["float32", "bfloat16"]:
        """The precision that the network is held in."""
        return self.precision or ("bfloat16" if self.use_gpu else "float32")


class WatchRecipe(Recipe):
    """trackers: where the curves go; all but TensorBoard's event files must be installed by you. A
    loss that grows beyond `diverging` times its lowest level, both averaged over `window` steps,
    stops the run. max_validation: samples at most.
    """

    trackers: tuple[TrackerName, ...] = ("tensorboard",)
    diverging: float = Field(default=3.0, gt=1)
    window: PositiveInt = 20
    max_validation: int = Field(default=512, ge=0)


class TrainRecipe(Recipe):
    """One training run. `stages` in their order; none leaves the base as it is (an ablation).

    samples: Parquet files or folders of schema SAMPLES. output: a folder that every worker sees, or
    the uri of one in a storage. vision_cache: another one, to keep what the frozen vision part
    makes of each picture; the pictures are then seen once, whatever the epochs, stages and runs.
    Qwen-VL only.
    """

    samples: tuple[Location, ...] = Field(min_length=1)
    output: Location
    base: BaseRecipe
    title: str = ""
    seed: int = Field(default=0, ge=0)
    stages: tuple[StageRecipe, ...] = (
        StageRecipe(adapter="reasoning"),
        StageRecipe(adapter="location"),
    )
    lora: LoraRecipe = LoraRecipe()
    optimizer: OptimizerRecipe = OptimizerRecipe()
    batches: BatchRecipe = BatchRecipe()
    gradient_checkpointing: bool = True
    vision_cache: Location | None = None
    zero: ZeroRecipe = ZeroRecipe()
    checkpoints: CheckpointRecipe = CheckpointRecipe()
    watch: WatchRecipe = WatchRecipe()
    workers: TrainWorkersRecipe = TrainWorkersRecipe()
    cluster: ClusterRecipe = ClusterRecipe()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        names = [stage.adapter for stage in self.stages]
        if names not in ([], ["reasoning"], ["location"], ["reasoning", "location"]):
            raise ValueError(
                f"stages {names}: location comes above reasoning, and each at most once"
            )
        return self

    @model_validator(mode="after")
    def _weights_have_an_original(self) -> Self:
        """Without ZeRO, DeepSpeed hands out no float32 originals of bfloat16 weights."""
        if self.workers.dtype == "bfloat16" and self.zero.stage == 0:
            raise ValueError(
                "bfloat16 needs zero.stage 1 or more, which keep the weights in float32 too; or "
                "set workers.precision to float32"
            )
        return self
