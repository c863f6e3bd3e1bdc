"""The real server: `georay serve` in a process of its own, with a small model."""

import asyncio
import base64
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import openai
import psutil
import pytest
from locating_family import picture
from serving_parts import HereBackend, street
from starlette.testclient import TestClient

from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.core.prompts import INFERENCE, Conversation
from georay.models.families.base import Exchange, Sampling
from georay.models.families.remote import RemoteModel, RemoteSettings
from georay.serving.ingress.http import http_app
from georay.serving.ingress.proxy import CALLBACK, SECONDS

QUICK = {"top_k": "1", "reasons": "false", "locatability": "false"}
SLOW = {"top_k": "1", "locatability": "false"}


def files(*raws: bytes):
    return [("images", (f"{number}.jpg", raw, "image/jpeg")) for number, raw in enumerate(raws)]


def metric(server: str, name: str) -> float:
    lines = httpx.get(f"{server}/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


async def flood(server: str, count: int, fields: dict[str, str]) -> list[tuple[int, float, str]]:
    """Status, seconds and Retry-After of requests that all come at once."""
    limits = httpx.Limits(max_connections=count)
    async with httpx.AsyncClient(timeout=120, limits=limits) as client:

        async def one(number: int) -> tuple[int, float, str]:
            started = time.perf_counter()
            response = await client.post(
                f"{server}/v1/locate", files=files(street(number % 5)), data=fields
            )
            seconds = time.perf_counter() - started
            return response.status_code, seconds, response.headers.get("retry-after", "")

        return await asyncio.gather(*map(one, range(count)))


def test_several_photographs_are_located_and_explained(server):
    response = httpx.post(
        f"{server}/v1/locate", files=files(street(), street(1), b"text"), timeout=90
    )
    assert response.status_code == 200, response.text
    answer = response.json()
    assert [one["status"] for one in answer["results"]] == ["answered", "answered", "failed"]
    first = answer["results"][0]
    assert first["reasons"] and len(first["candidates"]) == 5 and first["locatability"]["classes"]
    assert first["timings"]["queue_ms"] >= 0 < first["timings"]["rank_ms"]
    assert response.headers["x-request-id"] == answer["request_id"]


@pytest.mark.parametrize("sent", ["my-run.7", "no id, but a sentence", None])
def test_a_response_has_one_request_id(server, sent):
    headers = {"X-Request-ID": sent} if sent else {}
    (told,) = httpx.get(f"{server}/v1/models", headers=headers).headers.get_list("x-request-id")
    assert told == sent or not sent


def test_adapters_switch_from_request_to_request(server):
    confidences = []
    for adapter in ("none", "both", "none", "both"):
        response = httpx.post(
            f"{server}/v1/locate",
            files=files(street()),
            data=QUICK | {"adapter": adapter},
            timeout=60,
        )
        confidences.append(response.json()["results"][0]["confidence"])
    assert confidences[0] == confidences[2] != confidences[1] == confidences[3]


def test_reasons_stream(server):
    kinds = []
    with httpx.stream(
        "POST", f"{server}/v1/locate/stream", files=files(street()), timeout=60
    ) as response:
        assert response.status_code == 200
        for line in response.iter_lines():
            if line.startswith("event: "):
                kinds.append((line[7:], time.perf_counter()))
    names = [kind for kind, _ in kinds]
    assert names[0] == "place" and names[-1] == "done" and names.count("reasons") > 2
    assert kinds[-1][1] - kinds[0][1] > 0.02, "the place came before the reasons were written"


def test_a_chunked_body_meets_the_cap(server):
    def endless() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n'
        for _ in range(400):
            yield b"\0" * (1 << 16)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    try:
        response = httpx.post(f"{server}/v1/locate", content=endless(), headers=headers, timeout=60)
    except httpx.WriteError:  # the server hung up while we were still sending
        return
    assert response.status_code == 413 and response.json()["error"]["code"] == "too_large"


def test_half_an_emoji_costs_only_its_own_question_an_answer(server):
    name = httpx.get(f"{server}/v1/models").json()["data"][0]["id"]
    url = "data:image/jpg;base64," + base64.b64encode(street()).decode()

    def question(text: str) -> str:
        parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": text}]
        messages = [{"role": "user", "content": parts}]
        return json.dumps({"model": name, "messages": messages, "max_tokens": 8})

    async def all_at_once() -> list[int]:
        async with httpx.AsyncClient(timeout=120) as client:
            ends = ("?", " \ud83d?", "!", " \ud83d!", ".", "…")
            headers = {"Content-Type": "application/json"}
            path = f"{server}/v1/chat/completions"
            asked = [
                client.post(path, content=question(f"Where{end}"), headers=headers) for end in ends
            ]
            return [one.status_code for one in await asyncio.gather(*asked)]

    assert asyncio.run(all_at_once()) == [200, 422, 200, 422, 200, 200]


def test_the_proxy_is_told_how_long_to_wait_for_headers(server_process):
    """That its lines then close is tried in tests/unit/serving; here it would take 90 seconds."""
    _, running = server_process
    found = psutil.Process(running.pid).children(recursive=True)
    (proxy,) = [one for one in found if "ProxyActor" in " ".join(one.cmdline())]
    assert proxy.environ()[CALLBACK] == "georay.serving.ingress.proxy:in_the_proxy"
    assert float(proxy.environ()[SECONDS]) == 90


def test_head_is_answered_by_the_proxy_too(server):
    for path in ("/healthz", "/readyz"):
        told = httpx.head(f"{server}{path}")
        assert told.status_code == 200 and told.content == b""


def test_concurrent_requests_share_batches(server):
    before = metric(server, "georay_batch_size_count"), metric(server, "georay_batch_size_sum")
    done = asyncio.run(flood(server, 8, QUICK))
    assert {status for status, _, _ in done} == {200}
    batches = metric(server, "georay_batch_size_count") - before[0]
    jobs = metric(server, "georay_batch_size_sum") - before[1]
    assert jobs == 8 and batches < 8


def test_beyond_capacity_the_excess_is_refused_at_once_and_nothing_is_lost(server):
    """16 places in the replica and 12 in the queue: of 90 at once, some 60 are too many.

    A slow machine may answer a batch or two of 16 before the last of them has arrived.
    """
    done = asyncio.run(flood(server, 90, SLOW))
    counts = Counter(status for status, _, _ in done)
    assert set(counts) == {200, 429}
    assert counts[200] >= 12 and counts[429] >= 20
    refused = [(seconds, again) for status, seconds, again in done if status == 429]
    slowest = max(seconds for status, seconds, _ in done if status == 200)
    assert max(seconds for seconds, _ in refused) < slowest
    assert all(int(again) > 0 for _, again in refused)
    assert metric(server, "georay_queue_length") == 0


def test_the_openai_client_gets_an_answer(server):
    client = openai.OpenAI(base_url=f"{server}/v1", api_key="none", max_retries=0, timeout=60)
    name = client.models.list().data[0].id
    url = "data:image/jpeg;base64," + base64.b64encode(street()).decode()
    parts = [
        {"type": "text", "text": INFERENCE.question},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    messages = [{"role": "user", "content": parts}]
    answer = client.chat.completions.create(model=name, messages=messages, max_tokens=12)
    assert answer.choices[0].message.content
    assert answer.usage is not None and answer.usage.completion_tokens > 0
    told = client.chat.completions.create(model=name, messages=messages, max_tokens=12, stream=True)
    words = "".join(chunk.choices[0].delta.content or "" for chunk in told)
    assert words == answer.choices[0].message.content
    with pytest.raises(openai.UnprocessableEntityError, match="fetches no URL"):
        parts[1]["image_url"] = {"url": "https://example.org/a.jpg"}
        client.chat.completions.create(model=name, messages=messages)


def test_our_own_remote_engine_gets_an_answer(server):
    name = httpx.get(f"{server}/v1/models").json()["data"][0]["id"]
    remote = RemoteModel(RemoteSettings(base_url=f"{server}/v1", model=name, max_attempts=1))
    exchange = Exchange((picture(),), Conversation(INFERENCE.question))
    (reply,) = remote.answer([exchange], Sampling(max_new_tokens=12))
    assert reply.error is None and reply.text
    assert reply.num_answer_tokens is not None and reply.num_answer_tokens > 0


def test_metrics_know_replicas_and_requests(server):
    assert metric(server, "georay_replicas") == 1
    assert metric(server, 'georay_requests_total{method="POST",route="/v1/locate"') >= 1
    assert metric(server, "georay_answer_tokens_total") > 0


def test_a_server_whose_recipe_names_another_server_passes_its_answers_on(server):
    """All the way: our HTTP application, its remote engine, and the server of this session."""
    name = httpx.get(f"{server}/v1/models").json()["data"][0]["id"]
    remote = {"base_url": f"{server}/v1", "model": name, "max_attempts": 1}
    content = {"remote": remote, "answers": {"max_new_tokens": 128}}
    recipe = parse_recipe(content, ServeRecipe, "test")
    with TestClient(http_app(recipe, HereBackend(recipe))) as client:
        response = client.post("/v1/locate", files=files(street(), street(1)))
        told = client.post("/v1/locate/stream", files=files(street()))
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["model"] == {"id": name, "revision": None, "adapters": [], "caveat": None}
    for result in answer["results"]:
        assert result["error"] is None and result["status"] in ("answered", "unparseable")
        assert result["candidates"] == [] and result["timings"]["answer_ms"] > 0
        assert result["locatability"]["classes"], "clues are read here, whoever answers"
    assert "event: done" in told.text and "event: error" not in told.text


def model_replicas(parent: int) -> list[psutil.Process]:
    """The processes that hold a model, under the server's."""
    found = psutil.Process(parent).children(recursive=True)
    return [one for one in found if "ServeReplica:georay:Model" in " ".join(one.cmdline())]


def test_a_killed_replica_costs_no_request_an_answer(server_process):
    """Late, for the replica has to load its model again."""
    server, running = server_process

    async def kill_under_load() -> list[tuple[int, float, str]]:
        asked = asyncio.create_task(flood(server, 10, SLOW))
        await asyncio.sleep(0.5)
        (replica,) = model_replicas(running.pid)
        os.kill(replica.pid, signal.SIGKILL)
        return await asked

    done = asyncio.run(kill_under_load())
    assert {status for status, _, _ in done} <= {200, 503}
    deadline = time.monotonic() + 90
    while httpx.get(f"{server}/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    response = httpx.post(f"{server}/v1/locate", files=files(street()), data=QUICK, timeout=60)
    assert response.status_code == 200


def test_a_server_that_stops_answers_what_it_accepted(server_process):
    """Last of all: it stops the server of the session."""
    server, running = server_process

    async def stop_under_load() -> list[tuple[int, float, str]]:
        asked = asyncio.create_task(flood(server, 10, SLOW))
        await asyncio.sleep(0.5)
        running.send_signal(signal.SIGTERM)
        return await asked

    statuses = [status for status, _, _ in asyncio.run(stop_under_load())]
    assert set(statuses) <= {200, 503} and statuses.count(200) >= 8
    assert running.wait(90) == 0
