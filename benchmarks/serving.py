"""Serving: under load, as it grows and shrinks, and while its replicas are killed.

    python -m benchmarks.serving                 # against one picture at a time; beyond capacity
    python -m benchmarks.serving --autoscaling   # 1, 2, 1 replicas, none at all, a cold start
    python -m benchmarks.serving --kills 10      # a replica killed under load, again and again
    python -m benchmarks.serving --fuzz-minutes 10   # broken uploads, with the memory watched

The server is the command `georay serve`; the load comes from this process, on the same cores.
Pictures are StreetWorld's. Records go to benchmarks/records/, the timeline of the replicas to
docs/autoscaling.svg.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.fuzzing import FUZZED, fuzz
from benchmarks.load import Asked, Load, answered_between, latencies_ms, statuses
from benchmarks.record import computing_commit, spread, write_record
from benchmarks.scaling import SCALING, ZERO, measure_cold_start, measure_steps
from benchmarks.served import Server, served
from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.streetworld.export.records import jpeg_bytes
from georay.streetworld.world import StreetWorld

if TYPE_CHECKING:
    from georay.models.answering import LocatorSettings
    from georay.models.locator import Locator

SEED, NUM_PICTURES = 41, 48
THREADS = 2  # of the model, in the server's replica and in the loops alike
MAX_NEW_TOKENS = 256  # half of what the authors allow
CLIENTS, REPEATED, REPEATS = (1, 4, 16, 64), 16, 3
WARM_S, WINDOW_S = 6.0, 20.0
OVERLOADS, OVERLOAD_S = (2.0, 3.0), 25.0
TIMEOUT_S, MAX_QUEUED = 60.0, 64
KILL_CLIENTS, QUIET_S, MOST_S = 8, 4.0, 120.0

# A line: what `tiny` says with its adapters, as JSON that cannot be malformed.
# A paragraph: free text as the paper's authors ask for, of as many words as a large model writes.
# `tiny` writes one line, so here its network has untrained weights and goes on to the limit.
# Neither ranks countries, and no locatability is measured beside them.
PARAGRAPH = {"top_k": "0", "constrained": "false", "locatability": "false"}
LINE = PARAGRAPH | {"constrained": "true"}
ASKED = {"paragraph": PARAGRAPH, "line": LINE}

Facts = dict[str, Any]
Answer = tuple[str | None, str | None, str | None, int]
"""Country, city, reasons, and how many characters the model wrote; the server does not tell."""
Measure = Callable[[Server, Sequence[bytes], dict[str, str]], Facts]
Loop = Callable[[str, Sequence[bytes], str], tuple[float, list[Answer]]]

LOAD: Facts = {
    "answers": {"max_new_tokens": MAX_NEW_TOKENS},
    "limits": {"max_queued": MAX_QUEUED, "timeout_s": TIMEOUT_S},
    "batching": {"max_batch_size": 16, "wait_s": 0.1},
    "replicas": {"num_cpus": THREADS, "drain_s": TIMEOUT_S},
}


def draw_pictures() -> list[bytes]:
    """Scenes that no model was trained on, as JPEGs of 448 pixels."""
    world = StreetWorld(SEED)
    return [jpeg_bytes(world.scene(index).image) for index in range(NUM_PICTURES)]


def measure_load(model: str) -> Facts:
    """Throughput and latencies of the server, and of loops over one picture at a time."""
    pictures = draw_pictures()
    with tempfile.TemporaryDirectory() as folder:
        untrained = save_untrained(model, folder)
        return {
            "line": _beside_one_at_a_time(model, pictures, "line", _more_and_more),
            "paragraph": _beside_one_at_a_time(untrained, pictures, "paragraph"),
        }


def save_untrained(model: str, folder: str) -> str:
    """The same network with weights that nothing was learnt with: it never ends its answer."""
    import torch

    from georay.models.loading import load_family

    family: Any = load_family(model)
    torch.manual_seed(0)
    type(family.network)(family.network.config).save_pretrained(folder)
    family.processor.save_pretrained(folder)
    return folder


def _more_and_more(server: Server, pictures: Sequence[bytes], fields: dict[str, str]) -> Facts:
    """From one client to many, a Poisson stream below capacity, and two beyond it."""
    steps = {
        f"{number}_clients": asyncio.run(closed_loop(server, pictures, fields, number))
        for number in CLIENTS
    }
    capacity = steps[f"{CLIENTS[-1]}_clients"]["answers_per_s"]
    part = asyncio.run(open_loop(server, pictures, fields, 0.7 * capacity))
    beyond = {
        f"{times:g}_times_capacity": asyncio.run(
            open_loop(server, pictures, fields, times * capacity)
        )
        for times in OVERLOADS
    }
    return {"closed_loop": steps, "poisson_0.7_of_capacity": part, "beyond_capacity": beyond}


def _beside_one_at_a_time(
    model: str, pictures: Sequence[bytes], kind: str, measure: Measure | None = None
) -> Facts:
    """The server with 16 clients against loops that ran before it and after it."""
    fields = ASKED[kind]
    before = {loop.__name__: one_at_a_time(loop, model, pictures, kind) for loop in LOOPS}
    answers = before[plain_loop.__name__][1]
    with served(_recipe(LOAD, model)) as server:
        equal = _equal(answers, ask_all(server, pictures, fields))
        served_ones = [
            asyncio.run(closed_loop(server, pictures, fields, REPEATED)) for _ in range(REPEATS)
        ]
        more = {} if measure is None else measure(server, pictures, fields)
    rates = [one["answers_per_s"] for one in served_ones]
    facts: Facts = {f"{REPEATED}_clients_per_s": spread(rates)}
    for loop in LOOPS:
        after, _ = one_at_a_time(loop, model, pictures, kind)
        alone = [before[loop.__name__][0], after]
        facts[loop.__name__] = {
            "pictures_per_s": spread(alone),
            "served_times_as_fast": spread([rate / max(alone) for rate in rates]),
        }
    return {
        **facts,
        f"{REPEATED}_clients": served_ones[0],
        "characters_per_answer": sum(one[3] for one in answers) / len(answers),
        "same_answers": equal,
        "server_start_s": round(server.start_s, 1),
        **more,
    }


def one_at_a_time(
    loop: Loop, model: str, pictures: Sequence[bytes], kind: str
) -> tuple[float, list[Answer]]:
    """Pictures per second, and the answers, of a plain process that loops over them."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: tuple[float, list[Answer]] = pool.apply(loop, (model, pictures, kind))
    return found


def plain_loop(model: str, pictures: Sequence[bytes], kind: str) -> tuple[float, list[Answer]]:
    """What the authors' script does: the model and its adapters as PEFT loads them, then one
    picture after the other."""
    from georay.models.loading import load_family
    from georay.models.locator import Locator, load_adapters
    from georay.models.registry import packaged_adapters

    family = load_family(model)
    folder = packaged_adapters(model) if kind == "line" else None
    stack = None if folder is None else load_adapters(family, model, folder)
    return _looped(Locator(family, _settings(kind), stack=stack), pictures)


def locator_loop(model: str, pictures: Sequence[bytes], kind: str) -> tuple[float, list[Answer]]:
    """The same with this package's own locator, which folds small adapters into the weights."""
    from georay.models.locator import Locator
    from georay.models.registry import Adapters

    adapters: Adapters = "packaged" if kind == "line" else "none"
    return _looped(Locator.from_pretrained(model, adapters, settings=_settings(kind)), pictures)


LOOPS: tuple[Loop, ...] = (plain_loop, locator_loop)


def _settings(kind: str) -> "LocatorSettings":
    from georay.models.answering import LocatorSettings
    from georay.models.families.base import Sampling

    sampling = Sampling(max_new_tokens=MAX_NEW_TOKENS)
    return LocatorSettings(constrained=kind == "line", sampling=sampling)


def _looped(locator: "Locator", pictures: Sequence[bytes]) -> tuple[float, list[Answer]]:
    import torch

    torch.set_num_threads(THREADS)
    locator.locate(pictures[:2], top_k=0)  # the first ones allocate
    began = time.perf_counter()
    found = [locator.locate([picture], top_k=0)[0] for picture in pictures]
    rate = len(pictures) / (time.perf_counter() - began)
    return rate, [(one.country, one.city, one.reasons, len(one.raw or "")) for one in found]


def ask_all(server: Server, pictures: Sequence[bytes], fields: dict[str, str]) -> list[Answer]:
    """The server's answers, with many questions at a time."""

    def ask(picture: bytes) -> Answer:
        files = [("images", ("scene.jpg", picture, "image/jpeg"))]
        told = httpx.post(f"{server.address}/v1/locate", files=files, data=fields, timeout=120)
        (result,) = told.raise_for_status().json()["results"]
        return result["country"], result["city"], result["reasons"], 0

    with ThreadPoolExecutor(16) as askers:
        return list(askers.map(ask, pictures))


def _equal(plain: Sequence[Answer], ours: Sequence[Answer]) -> Facts:
    """The share of pictures with the same place, and with the same words throughout."""
    pairs = list(zip(plain, ours, strict=True))
    return {
        "places": sum(one[:2] == other[:2] for one, other in pairs) / len(pairs),
        "words": sum(one[:3] == other[:3] for one, other in pairs) / len(pairs),
    }


async def closed_loop(
    server: Server, pictures: Sequence[bytes], fields: dict[str, str], num_clients: int
) -> Facts:
    """Clients that each wait for their answer before they ask again."""
    async with Load(server.address, pictures, fields) as load:
        asking = asyncio.create_task(load.clients(num_clients, WARM_S + WINDOW_S))
        await asyncio.sleep(WARM_S)
        start, before = load.now(), await asyncio.to_thread(server.count)
        await asyncio.sleep(WINDOW_S)
        end, after = load.now(), await asyncio.to_thread(server.count)
        await asking
    ended = answered_between(load.asked, start, end)
    answered = [one for one in ended if one.status == 200]
    counted = after.since(before)
    return {
        "answers_per_s": round(len(answered) / (end - start), 2),
        "latency_ms": latencies_ms(answered),
        "statuses": statuses(ended),
        "mean_batch": counted.mean_batch,
        "batches_by_largest_size": counted.batches,
    }


async def open_loop(
    server: Server, pictures: Sequence[bytes], fields: dict[str, str], per_second: float
) -> Facts:
    """Poisson arrivals. Raises AssertionError where one is lost, late, or refused unclearly."""
    before = server.count()
    async with Load(server.address, pictures, fields) as load:
        await load.arrivals(per_second, OVERLOAD_S, SEED)
    counted = {status: n for status, n in server.count().since(before).answered.items() if n}
    answered = [one for one in load.asked if one.status == 200]
    refused = [one for one in load.asked if one.status == 429]
    assert counted == statuses(load.asked), (counted, statuses(load.asked))
    assert len(answered) + len(refused) == len(load.asked), statuses(load.asked)
    assert all(one.seconds < TIMEOUT_S for one in answered)
    assert all(int(one.retry_after) > 0 for one in refused)
    return {
        "arrivals_per_s": round(per_second, 2),
        "arrivals": len(load.asked),
        "statuses": statuses(load.asked),
        "answered_ms": latencies_ms(answered),
        "refused_ms": latencies_ms(refused),
    }


def measure_kills(model: str, kills: int) -> Facts:
    """What came of every request while the only replica was killed again and again."""
    with served(_recipe(LOAD, model)) as server:
        asked, outages = asyncio.run(_killed(server, draw_pictures(), kills))
    slowest = max(one.seconds for one in asked)
    assert set(statuses(asked)) <= {"200", "429", "503", "504"}, statuses(asked)
    assert slowest < TIMEOUT_S + 1, f"a request took {slowest:.1f} s"
    return {
        "requests": len(asked),
        "statuses": statuses(asked),
        "answered_ms": latencies_ms([one for one in asked if one.status == 200]),
        "slowest_of_all_s": round(slowest, 2),
        "back_after_s": spread([round(one, 2) for one in outages]),
    }


async def _killed(
    server: Server, pictures: Sequence[bytes], kills: int
) -> tuple[list[Asked], list[float]]:
    """All requests, and the seconds from each kill to the first answer to a later request."""
    outages: list[float] = []
    async with Load(server.address, pictures, LINE) as load:
        clients = [
            asyncio.create_task(load.client(lambda: len(outages) < kills))
            for _ in range(KILL_CLIENTS)
        ]
        for _ in range(kills):
            await asyncio.sleep(QUIET_S)
            for replica in await asyncio.to_thread(server.replicas):
                replica.kill()
            outages.append(await _until_back(load, load.now()))
        await asyncio.gather(*clients)
    return load.asked, outages


async def _until_back(load: Load, killed_s: float) -> float:
    while load.now() < killed_s + MOST_S:
        back = [one for one in load.asked if one.status == 200 and one.sent_s > killed_s]
        if back:
            return min(one.ended_s for one in back) - killed_s
        await asyncio.sleep(0.05)
    raise AssertionError(f"no answer within {MOST_S:.0f} s of a kill")


def _recipe(content: Facts, model: str) -> ServeRecipe:
    return parse_recipe(content | {"model": model}, ServeRecipe, "benchmark")


def main() -> None:
    """Runs the measurement asked for, prints it and writes its record."""
    computing_commit()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--autoscaling", action="store_true", help="growth, shrinkage, cold start")
    parser.add_argument("--kills", type=int, default=0, help="kill the replica this often")
    parser.add_argument("--fuzz-minutes", type=float, default=0, help="send broken uploads")
    parser.add_argument("--model", default="tiny", help="an id, or a folder that holds weights")
    options = parser.parse_args()
    config: Facts = {"model": options.model, "fields": LINE, "clients": "on the same cores"}
    config["max_new_tokens"] = MAX_NEW_TOKENS
    if options.autoscaling:
        name, config = "serving_autoscaling", config | {"recipe": SCALING, "recipe_to_zero": ZERO}
        pictures = draw_pictures()
        results = measure_steps(_recipe(SCALING, options.model), pictures, LINE)
        results["to_zero"] = measure_cold_start(_recipe(ZERO, options.model), pictures, LINE)
    elif options.kills:
        name, config = "serving_kills", config | {"recipe": LOAD, "clients": KILL_CLIENTS}
        results = measure_kills(options.model, options.kills)
    elif options.fuzz_minutes:
        name, config = "serving_fuzz", {"model": options.model, "recipe": FUZZED}
        results = fuzz(_recipe(FUZZED, options.model), draw_pictures(), options.fuzz_minutes)
    else:
        name, config = (
            "serving_load",
            config | {"fields": ASKED, "recipe": LOAD, "threads": THREADS},
        )
        results = measure_load(options.model)
    path = write_record(name, config, results)
    print(name, *(f"\n  {key}: {value}" for key, value in results.items()), f"\n  → {path}")


if __name__ == "__main__":
    main()
