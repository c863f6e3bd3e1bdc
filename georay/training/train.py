"""Trains adapters by a recipe; a killed run goes on where it was."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from georay.config.load import dump_recipe
from georay.config.train import StageRecipe, TrainRecipe
from georay.core.fetched import local_copy
from georay.core.manifest import digest, write_atomic, write_json
from georay.core.paths import AnyPath, path_of, seen_from_elsewhere
from georay.core.run_folder import hold_to, manifest_of, only_writer, read_facts
from georay.core.storage import is_uri
from georay.errors import TrainingStopped
from georay.models.saved_adapters import is_whole
from georay.runtime.progress import Meter, progress
from georay.training.cards import write_training_card
from georay.training.report import render_report
from georay.training.samples import samples_hash, stage_samples
from georay.training.stages import StageJob, base_name
from georay.training.trackers import check_trackers
from georay.training.watch import StepRecord, add_note, read_notes, read_steps

MANIFEST = "manifest.json"
_LOOK_SECONDS = 1.0
_PACKAGES = ("georay", "ray", "torch", "transformers", "peft", "deepspeed", "accelerate")


@dataclass(frozen=True)
class TrainSummary:
    """What a run left: its folder, and each stage's outcome as its JSON says it."""

    folder: AnyPath
    stages: dict[str, dict[str, object]]

    def as_text(self) -> str:
        lines = [_stage_line(name, facts) for name, facts in self.stages.items()]
        if not lines:
            lines = ["no stage in the recipe: the base stays as it is"]
        return "\n".join([*lines, f"report: {self.folder / 'report.html'}"])


def train(recipe: TrainRecipe) -> TrainSummary:
    """Runs a recipe, or what is left of it.

    Raises ValueError if the folder holds a run with other settings or another run writes to it, or
    samples or a tracker are absent, and TrainingStopped if a stage cannot go on.
    """
    folder = path_of(recipe.output).absolute()
    recipe = _absolute(recipe)
    check_trackers(recipe.watch.trackers)
    if recipe.stages and not (folder / MANIFEST).exists():
        _check_base(recipe)
    with only_writer(folder):
        return _train(recipe, folder)


def _train(recipe: TrainRecipe, folder: AnyPath) -> TrainSummary:
    settings, kept = _settings(recipe), folder / "settings.json"
    before = read_facts(kept)
    if before is None:  # nothing is written for samples that are not there
        _check_samples(recipe)
    hold_to(kept, before, settings, "a run")
    jobs = [StageJob(recipe, number, folder) for number in range(len(recipe.stages))]
    manifest = _read_or_none(folder / MANIFEST)
    if manifest is not None and all(map(_is_done, jobs)):
        return TrainSummary(folder, manifest["stages"])  # of a finished run it stays what it was
    if before is not None:
        _check_samples(recipe)
    write_atomic(folder / "recipe.yaml", dump_recipe(recipe))
    stages: dict[str, dict[str, object]] = {}
    try:
        with _cluster(recipe, jobs):
            for job in jobs:
                stages[job.stage.adapter] = _run_stage(job)
    except TrainingStopped as problem:
        _write_report(folder, _manifest(recipe, settings, stages), jobs, str(problem))
        raise
    manifest = _manifest(recipe, settings, stages)
    _write_report(folder, manifest, jobs)
    write_json(folder / MANIFEST, manifest)
    return TrainSummary(folder, stages)


def _check_base(recipe: TrainRecipe) -> None:
    """Raises what loading the base will raise in the workers, where this process can tell.

    On a private cluster it can ask the configuration; elsewhere the nodes hold the weights.
    """
    from georay.models.loading import check_name, check_type

    check = check_type if recipe.cluster.address == "local" else check_name
    check(recipe.base.model, recipe.base.revision)


def _check_samples(recipe: TrainRecipe) -> None:
    """Raises ValueError if a stage has nothing to learn from, before another one is trained."""
    for stage in recipe.stages:
        if not stage_samples(recipe.samples, stage.adapter, "train").num_rows:
            raise ValueError(
                f"{', '.join(recipe.samples)} holds no training sample of the stage "
                f"{stage.adapter!r}: see what `georay samples` left out, or leave the stage out"
            )


def _cluster(recipe: TrainRecipe, jobs: list[StageJob]) -> AbstractContextManager[None]:
    """The recipe's cluster, unless every stage is done already."""
    if all(map(_is_done, jobs)):
        return nullcontext()
    from georay.runtime.connect import connect

    return connect(recipe.cluster)


def _write_report(
    folder: AnyPath, manifest: dict[str, object], jobs: list[StageJob], problem: str | None = None
) -> None:
    """The page of what there is so far; problem: why the run stopped, if it did."""
    steps: dict[str, list[StepRecord]] = {job.stage.adapter: read_steps(job.steps) for job in jobs}
    page = render_report(manifest, steps, dump_recipe(jobs[0].recipe) if jobs else "", problem)
    write_atomic(folder / "report.html", page)


def _read_or_none(path: AnyPath) -> dict[str, Any] | None:
    """A run's JSON; None if it is absent or damaged, and then it is written again."""
    try:
        return read_facts(path)
    except ValueError:
        return None


def _is_done(job: StageJob) -> bool:
    """Whether a stage's outcome is there, and the adapter that its card describes."""
    names = (*job.below, job.stage.adapter)
    return _read_or_none(job.outcome) is not None and _are_whole(job.adapters, names)


def _are_whole(adapters: AnyPath, names: tuple[str, ...]) -> bool:
    try:
        return is_whole(local_copy(adapters), names)
    except ValueError:  # nothing lies there yet
        return False


def _run_stage(job: StageJob) -> dict[str, object]:
    """The outcome of a stage that is done, or of doing it now."""
    if not _is_done(job):
        from georay.training.trainer import fit_stage

        if job.recipe.vision_cache is not None:
            _fill_vision_cache(job)
        with _watched(job):
            learnt = asdict(fit_stage(job))
        write_training_card(job, learnt)
        write_json(job.outcome, learnt)
    outcome = read_facts(job.outcome)
    assert outcome is not None, "it was there, or was written now"
    return outcome


def _fill_vision_cache(job: StageJob) -> None:
    from georay.training.trainer import fill_vision_cache, missing_vectors

    missing = missing_vectors(job)
    if missing.image_ids:
        add_note(job.notes, missing.size)
        with progress("vision cache", len(missing.image_ids)) as meter:
            meter.note(missing.size)
            for is_seen in fill_vision_cache(job, missing):
                meter.advance(1, int(not is_seen))


def _absolute(recipe: TrainRecipe) -> TrainRecipe:
    """Workers run elsewhere: the recipe with every local path written out."""
    samples = tuple(map(seen_from_elsewhere, recipe.samples))
    base, cache = recipe.base, recipe.vision_cache
    if not is_uri(base.model) and Path(base.model).expanduser().is_dir():
        base = base.model_copy(update={"model": seen_from_elsewhere(base.model)})
    if cache is not None:
        cache = seen_from_elsewhere(cache)
    return recipe.model_copy(update={"samples": samples, "base": base, "vision_cache": cache})


def _settings(recipe: TrainRecipe) -> dict[str, object]:
    stages = recipe.stages
    return {
        "base": base_name(recipe),
        "max_pixels": recipe.base.max_pixels,
        "samples": {stage.adapter: _data_hash(recipe, stage) for stage in stages},
        "stages": [stage.model_dump(mode="json") for stage in stages],
        "lora": recipe.lora.model_dump(mode="json"),
        "optimizer": recipe.optimizer.model_dump(mode="json"),
        "global_batch": recipe.batches.global_batch,
        "max_length": recipe.batches.max_length,
        "length_pool": recipe.batches.length_pool,
        "max_validation": recipe.watch.max_validation,
        "seed": recipe.seed,
    }


def _data_hash(recipe: TrainRecipe, stage: StageRecipe) -> str:
    hashes = [
        samples_hash(stage_samples(recipe.samples, stage.adapter, split))
        for split in ("train", "validation")
    ]
    return digest(*hashes)


def _manifest(
    recipe: TrainRecipe, settings: dict[str, object], stages: dict[str, dict[str, object]]
) -> dict[str, object]:
    facts = {
        "title": recipe.title or path_of(recipe.output).name,
        "samples": settings["samples"],
        "stages": stages,
    }
    return manifest_of("training", recipe.model_dump(mode="json"), facts, _PACKAGES)


@contextmanager
def _watched(job: StageJob) -> Iterator[None]:
    """Shows the stage's log while it grows: loss, samples and tokens per second, time left."""
    done, stop = read_steps(job.steps), threading.Event()
    with progress(f"stage {job.stage.adapter}", _num_samples(job), "samples") as meter:
        meter.resume(sum(record.num_samples for record in done))
        watcher = threading.Thread(target=_follow, args=(job, meter, len(done), stop), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()


def _follow(job: StageJob, meter: Meter, told: int, stop: threading.Event) -> None:
    """Tells the meter of every step once, also of those that are done again after a failure."""
    last, said = False, 0
    while not last:
        last = stop.wait(_LOOK_SECONDS)
        records, notes = read_steps(job.steps), read_notes(job.notes)
        if len(notes) > said:
            meter.note(notes[-1])
            said = len(notes)
        if len(records) > told:
            new = records[told:]
            meter.note(_in_words(new))
            meter.advance(sum(record.num_samples for record in new))
            told = len(records)


def _in_words(records: list[StepRecord]) -> str:
    seconds = max(sum(record.seconds for record in records), 1e-9)
    tokens = sum(record.num_tokens for record in records) / seconds
    return f"step {records[-1].step + 1:,} · loss {records[-1].loss:.4f} · {tokens:,.0f} tokens/s"


def _num_samples(job: StageJob) -> int:
    """Samples that the stage goes through, its repetitions counted; those left out are few."""
    stage = job.stage
    once = stage_samples(job.recipe.samples, stage.adapter, "train").num_rows
    total = once * stage.num_epochs
    limit = (stage.max_steps or total) * job.recipe.batches.global_batch
    return min(total, limit)


def _stage_line(name: str, facts: dict[str, object]) -> str:
    notes = facts["notes"]
    assert isinstance(notes, list)
    validation = facts["validation_loss"]
    held_out = "" if validation is None else f", {validation:.4f} on held-out samples"
    line = (
        f"stage {name}: {facts['num_samples']:,} samples, {facts['num_steps']:,} steps, "
        f"loss {facts['train_loss']:.4f}{held_out}, padding {facts['padding_share']:.1%}"
    )
    return "\n".join([line, *(f"  {note}" for note in notes)])
