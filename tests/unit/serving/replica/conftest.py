"""The engine of the shared replica behind threads and a queue of a test's own."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from locating_family import picture
from serving_parts import HereBackend, small_recipe

from georay.serving.messages import LocateJob, LocateOptions
from georay.serving.replica.engine_threads import EngineThreads
from georay.serving.replica.jobs import DecodedJob


@pytest.fixture
def threads(model: Path, backend: HereBackend) -> Iterator[EngineThreads]:
    recipe = small_recipe(model, replicas={"health_period_s": 30, "health_timeout_s": 1})
    with ThreadPoolExecutor(1) as loader:
        yield EngineThreads(backend.engine, loader, recipe.replicas)


@pytest.fixture
def decoded():
    """Makes a job whose picture is decoded."""

    def make(options: LocateOptions, image=None) -> DecodedJob:
        return DecodedJob(LocateJob(b"", options), (image or picture(),), 1, time.perf_counter())

    return make
