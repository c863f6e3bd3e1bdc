"""Curation: cost per image, throughput of the Ray Data pipeline, memory of the driver.

    python -m benchmarks.curation             # all three, about 30 minutes on two cores
    python -m benchmarks.curation --only cost

Pictures are drawn by this script. The MaskFormer and the SegFormer have random weights: they are
here for what they cost, not for what they see. The record goes to benchmarks/records/.
"""

import argparse
import multiprocessing
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from benchmarks.record import computing_commit, spread, write_record
from georay.config.curate import CurateRecipe
from georay.config.load import parse_recipe
from georay.core.tables import INPUTS, conform
from georay.locatability.labels import ADE20K_LABELS, NUM_LABELS

Timeline = list[tuple[float, int]]
RATE_IMAGES, RATE_SIDE = 2_000, 448
MEMORY_IMAGES, MEMORY_SIDE = (2_000, 20_000), 96
WARM_SHARE, TAIL_SHARE = 0.15, 0.1


def draw_pictures(folder: Path, number: int, side: int) -> Path:
    """Distinct JPEGs of sky, blocks and road with noise; drawn, not photographs."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(11)
    for index in range(number):
        picture = np.full((side, side, 3), rng.integers(140, 250, 3), np.uint8)
        picture[side * 2 // 3 :] = rng.integers(70, 120, 3)
        for _ in range(6):
            left, top = rng.integers(0, side - 8), rng.integers(side // 4, side * 2 // 3)
            picture[top : side * 2 // 3, left : left + side // 5] = rng.integers(0, 255, 3)
        coarse = rng.integers(0, 40, (side // 8, side // 8, 1), np.uint8)
        picture = np.clip(picture + np.kron(coarse, np.ones((8, 8, 1), np.uint8)), 0, 255)
        Image.fromarray(np.uint8(picture)).save(folder / f"{index:06d}.jpg", quality=88)
    return folder


# (a) cost per image: our MaskFormer against transformers' own full-resolution post-processing


def measure_cost(repeats: int = 5, num_images: int = 4) -> dict[str, object]:
    """Seconds per image of three roads, in turn, on one thread, and how far their ratios differ.

    transformers' own; ours in float32, which differs in its post-processing alone; ours as it
    runs, which is in bfloat16 besides where this processor multiplies it natively.
    """
    import torch
    from transformers import MaskFormerImageProcessorPil

    from georay.models.segmenters.maskformer import MaskFormerSegmenter

    torch.set_num_threads(1)
    model = _random_maskformer()
    size = {"shortest_edge": 512, "longest_edge": 2048}
    processor = MaskFormerImageProcessorPil(size=size, size_divisor=32)
    with tempfile.TemporaryDirectory() as folder:
        files = sorted(draw_pictures(Path(folder), num_images, 512).iterdir())
        images = [Image.open(file).convert("RGB") for file in files]
    _spread_logits(model, processor(images=images[0], return_tensors="pt")["pixel_values"])

    def plain() -> np.ndarray:
        return np.stack([_plain_ratios(model, processor, image) for image in images])

    in_float32 = MaskFormerSegmenter(model, processor, id="random")
    in_float32._precision = torch.float32
    ours = MaskFormerSegmenter(model, processor, id="random")
    roads: dict[str, Callable[[], np.ndarray]] = {
        "plain": plain,
        "ours_float32": lambda: in_float32.area_ratios(images),
        "ours": lambda: ours.area_ratios(images),
    }
    ratios = {name: road() for name, road in roads.items()}
    times = [{name: _timed(road)[1] for name, road in roads.items()} for _ in range(repeats)]
    return {
        "precision_of_ours": str(ours._precision).removeprefix("torch."),
        "s_per_image": {name: spread([one[name] / num_images for one in times]) for name in roads},
        "speedup": spread([one["plain"] / one["ours"] for one in times]),
        "speedup_of_post_processing": spread([one["plain"] / one["ours_float32"] for one in times]),
        "speedup_of_precision": spread([one["ours_float32"] / one["ours"] for one in times]),
        "difference_of_area_ratios": {
            "by_post_processing": _difference(ratios["plain"], ratios["ours_float32"]),
            "by_precision": _difference(ratios["ours_float32"], ratios["ours"]),
            "together": _difference(ratios["plain"], ratios["ours"]),
        },
        "classes_present_per_image": float((ratios["plain"] > 0).sum(axis=1).mean()),
    }


def _difference(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Mean and largest difference of a class's area ratio in a picture."""
    apart = np.abs(one - other)
    return {"mean": float(apart.mean()), "largest": float(apart.max())}


def _random_maskformer() -> Any:
    """The architecture of facebook/maskformer-swin-tiny-ade with random weights."""
    import torch
    from transformers import (
        MaskFormerConfig,
        MaskFormerDetrConfig,
        MaskFormerForInstanceSegmentation,
        SwinConfig,
    )

    torch.manual_seed(0)
    backbone = SwinConfig(
        embed_dim=96,
        depths=[2, 2, 6, 2],
        num_heads=[3, 6, 12, 24],
        window_size=7,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    names = dict(enumerate(ADE20K_LABELS))
    config = MaskFormerConfig(
        backbone_config=backbone, decoder_config=MaskFormerDetrConfig(), id2label=names
    )
    return MaskFormerForInstanceSegmentation(config).eval()


def _spread_logits(model: Any, picture: Any) -> None:
    """Shifts and scales last layers so that logits vary over a picture as a trained network's do.

    As initialised, every query says the same, one class fills the picture, and any two ways of
    counting agree. picture: the processor's tensor [1, 3, H, W]. Changes the model.
    """
    import torch

    with torch.inference_mode():
        model.model.transformer_module.queries_embedder.weight.normal_(std=2.0)
        outputs = model(picture)
        queries = outputs.transformer_decoder_last_hidden_state[0]
        pixels = outputs.pixel_decoder_last_hidden_state[0].flatten(1).T
        *_, last, _ = model.mask_embedder.modules()  # its last linear layer, an identity
        _standardise(model.class_predictor, model.class_predictor(queries), 3.0)
        _standardise(last, model.mask_embedder(queries), 1.0)
        _standardise(model.model.pixel_level_module.decoder.mask_projection, pixels, 0.25)


def _standardise(layer: Any, outputs: Any, deviation: float) -> None:
    """Gives a layer's outputs [n, channels] mean 0 in each channel and this deviation overall."""
    centre = outputs.mean(dim=0)
    factor = deviation / (outputs - centre).std()
    layer.weight.mul_(factor)
    layer.bias.sub_(centre).mul_(factor)


def _plain_ratios(model: Any, processor: Any, image: Image.Image) -> NDArray[np.float64]:
    """What a reader of transformers' documentation writes: full-size map, then count."""
    import torch

    with torch.inference_mode():
        inputs = processor(images=image, return_tensors="pt")
        outputs = model(**inputs)
        size = (image.height, image.width)
        classes = processor.post_process_semantic_segmentation(outputs, target_sizes=[size])[0]
    counts = np.bincount(classes.numpy().ravel(), minlength=NUM_LABELS)
    return np.asarray(counts / classes.numel())


def _timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


# (b) throughput: the Ray Data pipeline against bare processes over the same operators


def measure_rate(repeats: int = 9) -> dict[str, object]:
    """Images per second between warm-up and tail, in turn, with as many processes."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = draw_pictures(Path(folder) / "pictures", RATE_IMAGES, RATE_SIDE)
        recipe = _recipe(pictures, Path(folder) / "run", "small")
        bare: list[float] = []
        piped: list[float] = []
        for repeat in range(repeats):
            parts = Path(folder) / f"parts{repeat}"
            turns = [(bare, _bare_timeline), (piped, _ray_timeline)]
            for rates, timeline in turns if repeat % 2 else reversed(turns):
                rates.append(_steady_rate(list(timeline(recipe, parts / timeline.__name__))))
    return {
        "bare_images_per_s": spread(bare),
        "pipeline_images_per_s": spread(piped),
        "ratio": spread([ours / base for ours, base in zip(piped, bare, strict=True)]),
    }


def _recipe(pictures: Path, run: Path, segmenter: str) -> CurateRecipe:
    content = {
        "inputs": [str(pictures)],
        "output": str(run),
        "segmenter": {"model": segmenter},
        "workers": {"rows_per_block": 64},  # half the default: finer steps to time
    }
    return parse_recipe(content, CurateRecipe, "benchmark")


def _inputs(recipe: CurateRecipe) -> pa.Table:
    files = sorted(str(file) for file in Path(recipe.inputs[0]).iterdir())
    return conform(pa.table({"uri": files}), INPUTS, "inputs")


def _ray_timeline(recipe: CurateRecipe, parts: Path) -> Iterator[tuple[float, int]]:
    from georay.curation.pipeline import score_images
    from georay.locatability.weights import published_weights
    from georay.runtime.connect import connect

    with connect(recipe.cluster):
        for block in score_images(_inputs(recipe), published_weights(), recipe, parts):
            yield time.perf_counter(), int(block["num_rows"])


def _bare_timeline(recipe: CurateRecipe, parts: Path) -> Iterator[tuple[float, int]]:
    inputs = _inputs(recipe)
    rows = recipe.workers.rows_per_block
    blocks = [inputs.slice(start, rows) for start in range(0, inputs.num_rows, rows)]
    parts.mkdir(parents=True)
    context = multiprocessing.get_context("spawn")
    todo, done = context.Queue(), context.Queue()
    processes = [
        context.Process(target=_bare_worker, args=(todo, done, recipe, parts))
        for _ in range(multiprocessing.cpu_count())
    ]
    for process in processes:
        process.start()
    for block in [*blocks, *(None for _ in processes)]:
        todo.put(block)
    for _ in blocks:
        num_rows = done.get()
        yield time.perf_counter(), num_rows
    for process in processes:
        process.join()


def _bare_worker(
    todo: "Queue[pa.Table | None]", done: "Queue[int]", recipe: CurateRecipe, parts: Path
) -> None:
    import torch

    from georay.curation.operators import ReadImages, ScoreLocatability, SegmentImages, WriteScores
    from georay.locatability.weights import published_weights

    torch.set_num_threads(1)
    read, segment = ReadImages(recipe.limits), SegmentImages(recipe.segmenter, recipe.limits)
    score, write = ScoreLocatability(published_weights()), WriteScores(parts)
    size = recipe.workers.batch_size
    while (block := todo.get()) is not None:
        batches = [block.slice(start, size) for start in range(0, block.num_rows, size)]
        scored = score(
            pa.concat_tables([segment(piece) for batch in batches for piece in read(batch)])
        )
        done.put(int(write(scored)["num_rows"][0].as_py()))


def _steady_rate(timeline: Timeline) -> float:
    """Rows per second between warm-up and tail: the slope of the line through all its blocks.

    The ends alone would be off by a block, since two processes often finish at the same moment.
    """
    moments, rows = (np.array(column) for column in zip(*timeline, strict=True))
    done = rows.cumsum()
    steady = (done >= done[-1] * WARM_SHARE) & (done <= done[-1] * (1 - TAIL_SHARE))
    assert steady.sum() > 2, "too few blocks to see a steady rate"
    return float(np.polyfit(moments[steady] - moments[0], done[steady], 1)[0])


# (c) memory of the driver


def measure_memory() -> dict[str, object]:
    """Peak resident memory of a driver process that curates few and many pictures, from new."""
    peaks: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        segmenter = _random_segformer(Path(folder) / "segformer")
        for number in MEMORY_IMAGES:
            pictures = draw_pictures(Path(folder) / f"pictures{number}", number, MEMORY_SIDE)
            recipe = _recipe(pictures, Path(folder) / f"run{number}", str(segmenter))
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                peaks[number] = pool.apply(_driver_peak, (recipe,))
    few, many = MEMORY_IMAGES
    named: dict[str, object] = {f"peak_mib_{number}_images": peak for number, peak in peaks.items()}
    return named | {"ratio": peaks[many] / peaks[few]}


def _driver_peak(recipe: CurateRecipe) -> float:
    from georay.curation.curate import curate

    summary = curate(recipe)
    assert summary.num_scored == summary.num_listed, "the benchmark lost images"
    return _own_peak_mib()


def _own_peak_mib() -> float:
    """The most memory this process had resident; getrusage would count its parent's too."""
    status = Path("/proc/self/status").read_text()
    return round(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024, 1)


def _random_segformer(folder: Path) -> Path:
    """A SegFormer small enough that 20,000 pictures take minutes."""
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation
    from transformers import SegformerImageProcessorPil as Processor

    torch.manual_seed(0)
    config = SegformerConfig(
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 1, 1],
        decoder_hidden_size=16,
        id2label=dict(enumerate(ADE20K_LABELS)),
    )
    SegformerForSemanticSegmentation(config).save_pretrained(folder)
    Processor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


MEASURES: dict[str, Callable[[], dict[str, object]]] = {
    "cost": measure_cost,
    "rate": measure_rate,
    "memory": measure_memory,
}


def main() -> None:
    """Runs the measures asked for, prints them and writes one record each."""
    computing_commit()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=MEASURES, help="run one of the measures")
    only = parser.parse_args().only
    config = {
        "cost": {"network": "MaskFormer Swin-tiny, random weights", "side": 512, "threads": 1},
        "rate": {"images": RATE_IMAGES, "side": RATE_SIDE, "pictures": "drawn", "model": "small"},
        "memory": {"images": MEMORY_IMAGES, "side": MEMORY_SIDE, "model": "random SegFormer"},
    }
    for name in [only] if only else MEASURES:
        results = MEASURES[name]()
        path = write_record(f"curation_{name}", config[name], results)
        print(name, *(f"\n  {key}: {value}" for key, value in results.items()), f"\n  → {path}")


if __name__ == "__main__":
    main()
