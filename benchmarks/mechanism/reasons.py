"""Stage 1 alone, asked the question that it learnt to answer and that of stage 2."""

from pathlib import Path

from benchmarks.mechanism.material import (
    EPOCHS,
    NUM_SCENES,
    REASONING_SCENES,
    TEST_IMAGES,
    Files,
    Seeds,
    samples,
)
from georay.config.predict import PredictRecipe
from georay.evaluation.predict import predict
from georay.flow.drawn import asking, training
from georay.models.registry import packaged_adapters
from georay.training.train import train


def reasons_alone(folder: Path, split: str, threads: int, seeds: Seeds) -> Files:
    """Stage 1 alone, asked the question that it learnt to answer, and that of stage 2.

    Every seed with Table 2's reasons; and with those of all scenes, as the adapters in the package
    learnt them (`jobs.tune_tiny`, same settings, one seed).
    """
    source, out = samples(folder), folder / "reasons"
    stage = {"reasoning": EPOCHS["reasoning"]}
    learnt: list[Path] = []
    for seed in seeds:
        run = training(source, out / f"seed-{seed}", folder / "vision", stage, threads)
        train(run.model_copy(update={"seed": seed}))
        learnt.append(Path(run.output) / "adapters")
    packaged = packaged_adapters("tiny")
    assert packaged is not None
    sources = {REASONING_SCENES: learnt, NUM_SCENES: [packaged]}
    files: Files = {}
    for scenes, adapters in sources.items():
        for question in ("reasoning", "location"):
            row = files.setdefault(f"{scenes:,} scenes, {question} question", [])
            for seed, one in enumerate(adapters):
                file = out / f"{split}-{scenes}-{question}-{seed}.parquet"
                _ask_alone(asking(source, file, TEST_IMAGES, split).freely(), question, one)
                row.append(file)
    return files


def _ask_alone(asked: PredictRecipe, question: str, adapters: Path) -> None:
    answering = asked.answering.model_copy(update={"prompt": question})
    alone = {"adapters": str(adapters), "active_adapters": ("reasoning",)}
    predict(asked.model_copy(update=alone | {"answering": answering}))
