"""What a job takes on a cluster: time, GPU hours, money, memory, and what is short first.

    python -m benchmarks.plan                                  # the jobs of docs/plan.md
    python -m benchmarks.plan --curate 130e3 --nodes 4         # one job; prints and writes nothing
    python -m benchmarks.plan --serve 1000 --nodes 20 --set answer_tokens=60

By arithmetic from benchmarks/plan.yaml: measured records and stated assumptions. Nothing is run.
Work of different kinds goes on side by side, so the slowest kind decides.
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.plan_inputs import Input, load_inputs, with_values
from benchmarks.training_estimate import (
    BF16,
    GPU_GB,
    GPU_TFLOPS,
    IMAGE_TOKENS,
    PATCHES,
    TEXT_TOKENS,
    memory_gb,
    parameters,
    sample_flops,
)
from georay.core.manifest import write_atomic

PAGE = Path("docs/plan.md")
_HOUR = 3600.0
_LAYERS, _WIDTH = 32, 4096  # of Qwen-VL's language model
_ZERO_STAGE = 2


@dataclass(frozen=True)
class Machines:
    """A cluster of equal nodes; the paper's GPUs are A800 of 80 GB (appendix A)."""

    nodes: int = 4
    gpus_per_node: int = 8
    cores_per_node: int = 64
    node_gb: float = 1000.0
    gpu_gb: float = GPU_GB
    gpu_tflops: float = GPU_TFLOPS

    @property
    def gpus(self) -> int:
        return self.nodes * self.gpus_per_node

    @property
    def cores(self) -> int:
        return self.nodes * self.cores_per_node

    def __str__(self) -> str:
        return (
            f"{self.nodes:,} {'node' if self.nodes == 1 else 'nodes'} of {self.gpus_per_node} GPUs"
        )


@dataclass(frozen=True)
class Curating:
    """Scoring so many photographs."""

    images: float


@dataclass(frozen=True)
class Training:
    """Both stages of the paper (section 3.2): samples of each, and how often each is learnt."""

    samples: Mapping[str, float]
    epochs: Mapping[str, float]


@dataclass(frozen=True)
class Serving:
    """So many requests a second, each a picture with its answer in words, for so many hours."""

    requests_per_s: float
    hours: float = 1.0


Job = Curating | Training | Serving


@dataclass(frozen=True)
class Estimate:
    """What a job takes. seconds: of each kind of work if it were alone. memory: needed and there,
    in GB. start_up_s comes on top, and no cluster is used whole.
    """

    job: str
    machines: Machines
    seconds: Mapping[str, float]
    memory: Mapping[str, tuple[float, float]]
    start_up_s: float = 0.0
    efficiency: float = 1.0
    price_per_gpu_hour: float = 0.0
    due_s: float = math.inf
    notes: tuple[str, ...] = field(default=())

    @property
    def hours(self) -> float:
        """From its start to its end; a service lasts as long as it is asked to."""
        worked = self.start_up_s + max(self.seconds.values()) / self.efficiency
        return (worked if math.isinf(self.due_s) else self.due_s) / _HOUR

    @property
    def gpu_hours(self) -> float:
        return self.hours * self.machines.gpus

    @property
    def money(self) -> float:
        return self.gpu_hours * self.price_per_gpu_hour

    @property
    def too_small(self) -> list[str]:
        """Memories that the job does not fit into."""
        return [name for name, (needed, there) in self.memory.items() if needed > there]

    @property
    def bottleneck(self) -> str:
        """What is short first: a memory that is too small, else the slowest kind of work."""
        if self.too_small:
            return self.too_small[0]
        return max(self.seconds, key=lambda name: self.seconds[name])

    @property
    def is_possible(self) -> bool:
        """Whether it fits, and, where it must be done in time, is."""
        return not self.too_small and max(self.seconds.values()) / self.efficiency <= self.due_s


class Planner:
    """Reckons with one set of inputs."""

    def __init__(self, inputs: Mapping[str, Input]) -> None:
        self._inputs = inputs
        self._sizes = parameters()

    def plan(self, job: Job, machines: Machines) -> Estimate:
        if isinstance(job, Curating):
            return self.curating(job, machines)
        if isinstance(job, Training):
            return self.training(job, machines)
        return self.serving(job, machines)

    def curating(self, job: Curating, machines: Machines) -> Estimate:
        images = job.images
        driver = self["driver_bytes_at_rest"] + images * self["driver_bytes_per_image"]
        room = machines.node_gb * 1e9 - self["driver_bytes_at_rest"]
        most = int(room / self["driver_bytes_per_image"])
        notes = []
        if driver > machines.node_gb * 1e9:
            runs = math.ceil(images / most)
            notes = [f"as {runs:,} runs of at most {most:,} images the driver has room"]
        return self._estimate(
            f"curate {_short(images)} images",
            machines,
            {
                "storage": images * self["image_bytes"] / self["storage_bytes_per_s"],
                "CPU cores": images / (self["cpu_images_per_s_per_core"] * machines.cores),
                "GPUs": images / (self["segmenter_images_per_s"] * machines.gpus),
                "driver": images * self["driver_s_per_image"],
            },
            {
                "GPU memory": (self["segmenter_gpu_bytes"] / 1e9, machines.gpu_gb),
                "driver memory": (driver / 1e9, machines.node_gb),
            },
            notes=notes,
        )

    def training(self, job: Training, machines: Machines) -> Estimate:
        learnt = {name: job.samples[name] * job.epochs[name] for name in job.samples}
        peak = machines.gpu_tflops * 1e12 * self["training_utilisation"]
        flops = sum(n * sample_flops(name, self._sizes)[0] for name, n in learnt.items())
        total = sum(learnt.values())
        steps = math.ceil(total / self["global_batch"])
        # A ring moves every gradient twice, less what each node has of its own.
        moved = 2 * (1 - 1 / machines.nodes) * self._sizes["lora"]
        moved *= self["gradient_bytes_per_parameter"]
        network = steps * moved / self["node_network_bytes_per_s"]
        return self._estimate(
            f"train on {_short(total)} samples",
            machines,
            {
                # Gradients are summed between the passes: the two do not overlap.
                "GPUs": flops / (peak * machines.gpus) + network,
                "network": network,
                "storage": total * self["image_bytes"] / self["storage_bytes_per_s"],
                "CPU cores": total / (self["cpu_images_per_s_per_core"] * machines.cores),
            },
            {"GPU memory": (memory_gb(_ZERO_STAGE, machines.gpus, self._sizes), machines.gpu_gb)},
        )

    def serving(self, job: Serving, machines: Machines) -> Estimate:
        requests = job.requests_per_s * job.hours * _HOUR
        batch = self.batch_at_once(machines)
        seconds = self.gpu_s_per_request(machines)
        weights, cache = self._weights_bytes(), batch * self._cache_bytes()
        share = self["serving_target_utilisation"]
        needed = math.ceil(job.requests_per_s * seconds / share)
        return Estimate(
            f"serve {_short(job.requests_per_s)} requests/s for {job.hours:g} h",
            machines,
            {
                "GPUs": requests * seconds / (machines.gpus * share),
                "CPU cores": requests * self["ingress_core_s_per_request"] / machines.cores,
                "network": requests
                * self["image_bytes"]
                / (self["node_network_bytes_per_s"] * machines.nodes),
            },
            {"GPU memory": ((weights + cache) / 1e9, machines.gpu_gb)},
            due_s=job.hours * _HOUR,
            price_per_gpu_hour=self["gpu_price_per_hour"],
            notes=(f"{needed:,} GPUs at {share:.0%} of their time; {batch} requests on each",),
        )

    def gpu_s_per_request(self, machines: Machines) -> float:
        """Of one GPU's time: reading picture and question, and its share of every word's pass."""
        sizes, asked = self._sizes, self._asked_tokens()
        read = 2 * sizes["vision"] * PATCHES + 2 * sizes["adapter"] * IMAGE_TOKENS
        read += 2 * sizes["decoder"] * asked
        prefill = read / (machines.gpu_tflops * 1e12 * self["prefill_utilisation"])
        batch = self.batch_at_once(machines)
        moved = self._weights_bytes() + batch * self._cache_bytes()
        word = moved / self["gpu_bytes_per_s"]  # a pass for a word each waits for memory alone
        return prefill + self["answer_tokens"] * word / batch

    def batch_at_once(self, machines: Machines) -> int:
        """Requests that a GPU answers together: as assumed, or as many as its memory has room."""
        room = 0.9 * machines.gpu_gb * 1e9 - self._weights_bytes()
        return max(1, min(int(self["serving_batch"]), int(room / self._cache_bytes())))

    def __getitem__(self, name: str) -> float:
        return self._inputs[name].value

    def _asked_tokens(self) -> int:
        return IMAGE_TOKENS + TEXT_TOKENS["location"]

    def _weights_bytes(self) -> float:
        return BF16 * (self._sizes["total"] + 2 * self._sizes["lora"])

    def _cache_bytes(self) -> float:
        """Keys and values of one request at its end."""
        tokens = self._asked_tokens() + self["answer_tokens"]
        return 2 * BF16 * _LAYERS * _WIDTH * tokens

    def _estimate(
        self,
        job: str,
        machines: Machines,
        seconds: Mapping[str, float],
        memory: Mapping[str, tuple[float, float]],
        notes: Sequence[str] = (),
    ) -> Estimate:
        return Estimate(
            job,
            machines,
            seconds,
            memory,
            self["start_up_s"],
            self["scaling_efficiency"] if machines.nodes > 1 else 1.0,
            self["gpu_price_per_hour"],
            notes=tuple(notes),
        )


PAPER_SAMPLES = {"reasoning": 3_000.0, "location": 70_000.0}  # section 1
PAPER_EPOCHS = {"reasoning": 5.0, "location": 1.0}  # the authors' script's; ours
SHOWN: tuple[tuple[Job, Machines], ...] = (
    (Curating(130_000), Machines()),
    (Training(PAPER_SAMPLES, PAPER_EPOCHS), Machines()),
    (Training(PAPER_SAMPLES, PAPER_EPOCHS), Machines(nodes=1)),
    (Curating(1e8), Machines(nodes=16)),
    (Curating(1e10), Machines(nodes=128)),
    (Serving(1_000), Machines(nodes=20)),
)


def result_table(estimates: Sequence[Estimate]) -> str:
    """One line an estimate, in Markdown."""
    head = "| job | cluster | hours | GPU hours | dollars | memory | short first | possible |"
    lines = [head, "|---|---|--:|--:|--:|---|---|---|"]
    for one in estimates:
        memory = ", ".join(
            f"{name} {_gb(needed)} of {_gb(there)} GB"
            for name, (needed, there) in one.memory.items()
        )
        lines.append(
            f"| {one.job} | {one.machines} | {one.hours:,.2f} | {one.gpu_hours:,.0f} | "
            f"{one.money:,.0f} | {memory} | {one.bottleneck} | {'yes' if one.is_possible else 'no'}"
            f"{''.join(f': {note}' for note in one.notes)} |"
        )
    return "\n".join(lines) + "\n"


def work_table(estimates: Sequence[Estimate]) -> str:
    """Hours of each kind of work if it were alone."""
    kinds = list(dict.fromkeys(kind for one in estimates for kind in one.seconds))
    lines = [f"| job | cluster | {' | '.join(kinds)} |", f"|---|---{'|--:' * len(kinds)}|"]
    for one in estimates:
        hours = [
            f"{one.seconds[kind] / _HOUR:,.3g}" if kind in one.seconds else "" for kind in kinds
        ]
        lines.append(f"| {one.job} | {one.machines} | {' | '.join(hours)} |")
    return "\n".join(lines) + "\n"


def input_table(inputs: Mapping[str, Input]) -> str:
    lines = ["| input | value | unit | source |", "|---|--:|---|---|"]
    lines += [
        f"| {one.name} | {one.value:,.6g} | {one.unit} | {one.kind}: {one.source} |"
        for one in inputs.values()
    ]
    return "\n".join(lines) + "\n"


def page(inputs: Mapping[str, Input], estimates: Sequence[Estimate]) -> str:
    """docs/plan.md, whole."""
    return f"""# What a job takes

Made by `python -m benchmarks.plan`: arithmetic over measured records and stated assumptions, and
nothing was run. It says what to expect and what would be short first; what was measured is in
[Results](results.md). Most inputs are assumed: the last table says which, and
`--set NAME=VALUE` reckons with yours.

{result_table(estimates)}
Work of different kinds goes on side by side: the largest of a line decides. Hours, each kind alone:

{work_table(estimates)}
## What it is reckoned from

{input_table(inputs)}
The network's parameters are counted from its architecture, and its FLOPs and the memory of training
from these: see `benchmarks/training_estimate.py`. A request is one picture at
{IMAGE_TOKENS} tokens, its question, and the answer; ranking countries comes on top.
"""


def main() -> None:
    """Prints one job's plan, or writes the page of all that are shown."""
    options = _options()
    given = dict(pair.split("=", 1) for pair in options.set)
    inputs = with_values(load_inputs(), {name: float(value) for name, value in given.items()})
    planner = Planner(inputs)
    jobs = _asked(options)
    estimates = [planner.plan(job, machines) for job, machines in jobs or SHOWN]
    print(result_table(estimates), work_table(estimates), sep="\n")
    if not jobs and not given:
        write_atomic(PAGE, page(inputs, estimates))
        print(f"→ {PAGE}")


def _asked(options: argparse.Namespace) -> list[tuple[Job, Machines]]:
    machines = Machines(
        options.nodes, options.gpus, options.cores, options.node_gb, options.gpu_gb, options.tflops
    )
    jobs: list[Job] = []
    if options.curate:
        jobs.append(Curating(options.curate))
    if options.train:
        jobs.append(Training(dict(PAPER_SAMPLES, location=options.train), PAPER_EPOCHS))
    if options.serve:
        jobs.append(Serving(options.serve))
    return [(job, machines) for job in jobs]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--curate", type=float, help="images")
    parser.add_argument("--train", type=float, help="samples of the location stage")
    parser.add_argument("--serve", type=float, help="requests a second")
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--gpus", type=int, default=8, help="of a node")
    parser.add_argument("--cores", type=int, default=64, help="of a node")
    parser.add_argument("--node-gb", type=float, default=1000.0, help="memory of a node")
    parser.add_argument("--gpu-gb", type=float, default=GPU_GB)
    parser.add_argument("--tflops", type=float, default=GPU_TFLOPS, help="of a GPU in bfloat16")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE of an input")
    return parser.parse_args()


def _gb(number: float) -> str:
    return f"{number:,.1f}" if number < 100 else f"{number:,.0f}"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number < 1e7 else f"{number:.0e}".replace("e+", "e")


if __name__ == "__main__":
    main()
