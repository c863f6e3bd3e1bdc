"""Cities in parallel on Ray: the one file of this room with the engine."""

from collections.abc import Iterator, Sequence

import ray

from georay.acquisition.roads.city_files import CityOutcome, CityTask, sample_to_files
from georay.acquisition.roads.extract import unheard

MAX_RETRIES = 2
"""How often a city is done again if the machine or process that samples it is lost."""


def sample_on_ray(tasks: Sequence[CityTask]) -> Iterator[tuple[CityTask, CityOutcome]]:
    """Each city's outcome as it is finished. Needs a running Ray; one CPU per city.

    The workers write the cities' files, so the output's folder must be one that all nodes see.
    """
    remote = ray.remote(num_cpus=1, max_retries=MAX_RETRIES)(_sample)
    running = {remote.remote(task): task for task in tasks}
    while running:
        (ready,), _ = ray.wait(list(running), num_returns=1)
        task = running.pop(ready)
        try:
            yield task, ray.get(ready)
        except ray.exceptions.RayError as problem:
            yield task, CityOutcome(task.title, None, f"sampling failed on its worker: {problem}")


def _sample(task: CityTask) -> CityOutcome:
    return sample_to_files(task, unheard)
