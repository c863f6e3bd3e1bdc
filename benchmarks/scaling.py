"""Replicas that come and go with the load: a step up and down, none at all, a cold start."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load import Asked, Load, latencies_ms, statuses
from benchmarks.record import spread
from benchmarks.scaling_figure import Timeline, timeline_svg
from benchmarks.served import Server, served
from georay.config.serve import ServeRecipe
from georay.core.manifest import write_atomic

FIGURE = Path("docs/autoscaling.svg")
STEPS = ((1, 25.0), (24, 70.0), (1, 70.0))  # clients, and for how many seconds
LOOK_S, BIN_S = 1.0, 2.0
COLD_STARTS, MOST_S = 3, 180.0

Facts = dict[str, Any]

SCALING: Facts = {
    "answers": {"max_new_tokens": 192},
    "batching": {"max_batch_size": 8, "wait_s": 0.05},
    "replicas": {
        "min": 1,
        "max": 2,
        "num_cpus": 1,
        "target_ongoing_requests": 8,
        "upscale_delay_s": 2,
        "downscale_delay_s": 10,
        "look_back_period_s": 10.5,
    },
}
ZERO: Facts = SCALING | {"replicas": SCALING["replicas"] | {"min": 0, "max": 1}}


@dataclass(frozen=True)
class Look:
    """What was seen at one moment of a load: clients that asked, replicas that ran."""

    at_s: float
    num_clients: int
    num_replicas: int


def measure_steps(recipe: ServeRecipe, pictures: Sequence[bytes], fields: dict[str, str]) -> Facts:
    """One client, many, and one again; draws what happened into docs/autoscaling.svg."""
    with served(recipe) as server:
        asked, looks = asyncio.run(_stepped(server, pictures, fields))
    write_atomic(FIGURE, timeline_svg(_timeline(asked, looks)))
    up, down = (sum(seconds for _, seconds in STEPS[:number]) for number in (1, 2))
    most = max(look.num_replicas for look in looks)
    assert [looks[0].num_replicas, most, looks[-1].num_replicas] == [1, 2, 1], looks
    first_of_two = next(look.at_s for look in looks if look.num_replicas == most)
    last_of_two = max(look.at_s for look in looks if look.num_replicas == most)
    return {
        "steps": [f"{number} clients for {seconds:g} s" for number, seconds in STEPS],
        "second_replica_after_s": round(first_of_two - up, 1),
        "one_replica_again_after_s": round(last_of_two + LOOK_S - down, 1),
        "answers_per_s_with_one": _rate(asked, up + 2, first_of_two),
        "answers_per_s_with_two": _rate(asked, first_of_two + 5, down),
        "statuses": statuses(asked),
        "latency_ms": latencies_ms(asked),
        "replicas_by_second": [look.num_replicas for look in looks],
        "figure": str(FIGURE),
    }


async def _stepped(
    server: Server, pictures: Sequence[bytes], fields: dict[str, str]
) -> tuple[list[Asked], list[Look]]:
    looks: list[Look] = []
    async with Load(server.address, pictures, fields) as load:

        async def watch() -> None:
            while True:
                count = await asyncio.to_thread(server.count)
                looks.append(Look(load.now(), _clients_at(load.now()), count.num_replicas))
                await asyncio.sleep(LOOK_S)

        watching = asyncio.create_task(watch())
        for number, seconds in STEPS:
            await load.clients(number, seconds)
        watching.cancel()
    return load.asked, looks


def _clients_at(moment_s: float) -> int:
    for number, seconds in STEPS:
        if moment_s < seconds:
            return number
        moment_s -= seconds
    return STEPS[-1][0]


def _rate(asked: Sequence[Asked], start_s: float, end_s: float) -> float | None:
    """Answers per second of a span; None where it is too short to say."""
    number = sum(one.status == 200 and start_s <= one.ended_s < end_s for one in asked)
    return round(number / (end_s - start_s), 2) if end_s - start_s > 3 else None


def _timeline(asked: Sequence[Asked], looks: Sequence[Look]) -> Timeline:
    """Looks as they were; answers in bins of two seconds."""
    bins = [step * BIN_S for step in range(int(looks[-1].at_s // BIN_S))]
    inside = [
        [one for one in asked if one.status == 200 and start <= one.ended_s < start + BIN_S]
        for start in bins
    ]
    return Timeline(
        clients=[(look.at_s, look.num_clients) for look in looks],
        replicas=[(look.at_s, look.num_replicas) for look in looks],
        answers_per_s=[
            (start + BIN_S / 2, len(ones) / BIN_S) for start, ones in zip(bins, inside, strict=True)
        ],
        median_s=[
            (start + BIN_S / 2, latencies_ms(ones)["p50"] / 1000)
            for start, ones in zip(bins, inside, strict=True)
            if ones
        ],
    )


def measure_cold_start(
    recipe: ServeRecipe, pictures: Sequence[bytes], fields: dict[str, str]
) -> Facts:
    """Seconds until an idle server holds no replica, and from then until a picture is answered."""
    with served(recipe) as server:
        found = [asyncio.run(_from_zero(server, pictures, fields)) for _ in range(COLD_STARTS)]
    return {
        "first_answer_s": spread([round(cold, 2) for _, cold, _ in found]),
        "next_answer_s": spread([round(warm, 2) for _, _, warm in found]),
        "idle_until_zero_s": spread([round(idle, 1) for idle, _, _ in found]),
    }


async def _from_zero(
    server: Server, pictures: Sequence[bytes], fields: dict[str, str]
) -> tuple[float, float, float]:
    async with Load(server.address, pictures, fields) as load:
        began = time.monotonic()
        while server.count().num_replicas:
            assert time.monotonic() < began + MOST_S, "the server never let its replica go"
            await asyncio.sleep(0.5)
        idle = time.monotonic() - began
        cold, warm = await load.one(), await load.one()
    assert (cold.status, warm.status) == (200, 200), (cold, warm)
    return idle, cold.seconds, warm.seconds
