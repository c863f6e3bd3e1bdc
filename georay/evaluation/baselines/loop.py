"""What every Ray Train worker does: look at its pictures, learn, checkpoint, and save."""

import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any

import ray.train
import ray.train.torch
import torch
import torch.distributed

from georay.core.allocator import keep_freed_memory
from georay.core.manifest import write_json
from georay.errors import ModelUnavailable
from georay.evaluation.baselines.folder import WEIGHTS, save_weights
from georay.evaluation.baselines.job import BaselineJob, Outcome
from georay.evaluation.baselines.learner import Learner, num_steps
from georay.evaluation.baselines.locator import viewer_of
from georay.evaluation.baselines.pictures import LearntPictures
from georay.evaluation.baselines.protocol import Baseline
from georay.evaluation.baselines.systems import build_system

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
"""What `LearningRecipe.clock` names, in seconds."""

_LAST = 20  # steps whose mean loss is told


def train_worker(job: BaselineJob) -> Outcome:
    """The training function of Ray Train, from its last checkpoint if there is one."""
    workers = job.recipe.workers
    if not workers.use_gpu:
        keep_freed_memory()
        torch.set_num_threads(workers.threads)
    try:
        return _Worker(job).run()
    except (ValueError, ModelUnavailable) as problem:
        # It would be raised again if the worker were replaced: say it, do not retry.
        return Outcome(problem=str(problem))


class _Worker:
    def __init__(self, job: BaselineJob) -> None:
        recipe, context = job.recipe, ray.train.get_context()
        assert recipe.learning is not None, "what stays untrained needs no workers"
        self._job, self._learning = job, recipe.learning
        self._rank, self._count = context.get_world_rank(), context.get_world_size()
        device = str(ray.train.torch.get_device())
        torch.manual_seed(recipe.seed)  # the same first weights in every worker
        self._baseline: Baseline = build_system(recipe, job.facts)
        self._baseline.start()
        share = job.pictures[self._rank :: self._count]
        with_scenes = self._baseline.sees_scenes != "never"
        viewer = viewer_of(recipe, device, with_scenes=with_scenes)
        self._mine = LearntPictures(viewer, share, recipe.cache_gib * 2**30)
        self._left_out, self._num_pictures = self._counted()
        self._told_at = time.monotonic()
        network = ray.train.torch.prepare_model(
            self._baseline, parallel_strategy_kwargs={"find_unused_parameters": True}
        )
        self._learner = Learner(
            network,
            self._learning,
            self._mine,
            recipe.seed,
            self._rank,
            self._count,
            device,
        )

    def _counted(self) -> tuple[dict[str, str], int]:
        """What all workers leave out, and how many pictures are left. Raises ValueError."""
        shares: list[Any] = [None] * self._count
        mine = (self._mine.left_out, len(self._mine.pictures))
        torch.distributed.all_gather_object(shares, mine)
        if min(count for _, count in shares) == 0:
            reasons = [reason for left_out, _ in shares for reason in left_out.values()]
            raise ValueError(
                f"a worker has no picture to learn from ({reasons[0] if reasons else 'too few'}): "
                "give more pictures, or fewer workers"
            )
        left_out = {key: why for share, _ in shares for key, why in share.items()}
        return left_out, sum(count for _, count in shares)

    def run(self) -> Outcome:
        """To the last step, or the last minute."""
        total = num_steps(self._num_pictures, self._learning)
        number, minutes = self._resumed()
        losses: deque[float] = deque(maxlen=_LAST)
        clock = CLOCKS[self._learning.clock]
        since = clock() - 60 * minutes
        while (progress := self._progress(number, total, minutes)) < 1:
            losses.append(self._learner.step(number, progress))
            number, minutes = number + 1, (clock() - since) / 60
            self._tell(number, losses[-1])
            if number % self._job.recipe.checkpoints.every == 0:
                self._checkpoint(number, minutes)
        if self._rank == 0:
            save_weights(self._baseline, self._job.storage / WEIGHTS)
        mean = sum(losses) / len(losses) if losses else 0.0
        return Outcome(self._num_pictures, number, minutes, mean, self._left_out)

    def _tell(self, number: int, loss: float) -> None:
        """Writes how far training is, about once a second."""
        now = time.monotonic()
        if self._rank == 0 and now - self._told_at >= 1:
            self._told_at = now
            done = number * self._learning.batch_size
            write_json(self._job.progress, {"num_pictures": done, "loss": loss})

    def _progress(self, number: int, total: int, minutes: float) -> float:
        """Of the training, by its steps or its minutes; the first worker's clock is everyone's."""
        done = number / total
        if self._learning.max_minutes is None:
            return done
        told = torch.tensor([minutes / self._learning.max_minutes])
        if self._job.recipe.workers.use_gpu:
            told = told.cuda()
        torch.distributed.broadcast(told, 0)
        return max(done, told.item())

    def _resumed(self) -> tuple[int, float]:
        found = ray.train.get_checkpoint()
        if found is None:
            return 0, 0.0
        with found.as_directory() as folder:
            return self._learner.restore(Path(folder))

    def _checkpoint(self, number: int, minutes: float) -> None:
        if self._rank != 0:
            ray.train.report({"num_steps": number})
            return
        with tempfile.TemporaryDirectory() as folder:
            self._learner.save(Path(folder), number, minutes)
            checkpoint = ray.train.Checkpoint.from_directory(folder)
            ray.train.report({"num_steps": number, "minutes": minutes}, checkpoint=checkpoint)
