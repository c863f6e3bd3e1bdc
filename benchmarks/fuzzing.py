"""Uploads that nobody would send, minute after minute, with the server's memory watched."""

import base64
import io
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.served import Server, served
from georay.config.serve import ServeRecipe

ROUND, LOOK_S, WARM_SHARE, LAST_SHARE = 100, 5.0, 0.25, 0.2
REFUSALS = {404, 413, 415, 422}  # 404: a chat with a model that is not there
MOST_GROWTH, SPARE_MIB = 0.05, 16.0

FUZZED: dict[str, Any] = {
    "answers": {"max_new_tokens": 128},
    "limits": {"max_body_bytes": 2 << 20, "max_pixels": 4_000_000, "max_images": 4},
}

Facts = dict[str, Any]


@dataclass(frozen=True)
class Upload:
    """One request. `body`: a whole body in place of `files` and `fields`, for the form's parser."""

    route: str
    files: tuple[tuple[str, bytes, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None

    def send(self, client: httpx.Client) -> httpx.Response:
        if self.route == "/v1/chat/completions":
            return client.post(self.route, json=self._chat())
        if self.body is not None:
            kind = {"Content-Type": "multipart/form-data; boundary=edge"}
            return client.post(self.route, content=self.body, headers=kind)
        parts = [("images", file) for file in self.files]
        return client.post(self.route, files=parts, data=dict(self.fields))

    def _chat(self) -> Facts:
        pictures = [
            {
                "type": "image_url",
                "image_url": {"url": "data:image/jpeg;base64," + base64.b64encode(raw).decode()},
            }
            for _, raw, _ in self.files
        ]
        content = [*pictures, {"type": "text", "text": "Where is this?"}]
        return {
            "model": dict(self.fields).get("model", "tiny"),
            "messages": [{"role": "user", "content": content}],
            "max_tokens": 8,
        }


@dataclass
class Tally:
    """What came of the uploads, and the server's memory while they came."""

    statuses: Counter[str] = field(default_factory=Counter)
    looks: list[dict[str, float]] = field(default_factory=list)


def fuzz(recipe: ServeRecipe, pictures: Sequence[bytes], minutes: float) -> Facts:
    """Raises AssertionError, with the upload, for a status that is none of a sane server's."""
    with served(recipe) as server:
        model = httpx.get(f"{server.address}/v1/models").json()["data"][0]["id"]
        _ask_for_much(server, pictures)
        tally = _fuzzed(server, uploads(_seeds(pictures), model), minutes)
        assert server.is_ready()
    memory = {kind: _growth([look[kind] for look in tally.looks]) for kind in tally.looks[0]}
    for kind, found in memory.items():
        allowed = found["after_warming_mib"] * (1 + MOST_GROWTH) + SPARE_MIB
        assert found["at_the_end_mib"] <= allowed, f"{kind} grew: {found}"
    return {
        "minutes": minutes,
        "uploads": sum(tally.statuses.values()),
        "statuses": dict(sorted(tally.statuses.items())),
        "resident": memory,
    }


def _ask_for_much(server: Server, pictures: Sequence[bytes]) -> None:
    """Large honest requests, by every adapter.

    Few broken uploads ask for much, and the first that did would look like growth.
    """
    most = FUZZED["limits"]["max_images"]
    files = [("images", ("a.jpg", raw, "image/jpeg")) for raw in pictures[:most]]
    with httpx.Client(base_url=server.address, timeout=300) as client:
        for adapter in ("reasoning", "location", "both"):
            for constrained in ("true", "false"):
                fields = {"top_k": "5", "adapter": adapter, "constrained": constrained}
                client.post("/v1/locate", files=files, data=fields).raise_for_status()
        client.post("/v1/locatability", files=files, data={"overlay": "true"}).raise_for_status()


def _fuzzed(server: Server, strategy: st.SearchStrategy[Upload], minutes: float) -> Tally:
    tally = Tally()
    until, next_look = time.monotonic() + 60 * minutes, time.monotonic()
    with httpx.Client(base_url=server.address, timeout=60) as client:

        @settings(
            max_examples=ROUND,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def send(upload: Upload) -> None:
            _judge(upload.send(client), tally)

        while time.monotonic() < until:
            send()
            if time.monotonic() >= next_look:
                tally.looks.append(server.resident_mib())
                next_look = time.monotonic() + LOOK_S
    return tally


def _judge(response: httpx.Response, tally: Tally) -> None:
    """An answer, or a refusal that says why."""
    status = response.status_code
    tally.statuses[str(status)] += 1
    if status != 200:
        assert status in REFUSALS, (status, response.text)
        assert len(response.json()["error"]["message"]) > 10
    elif response.headers["content-type"].startswith("text/event-stream"):
        assert "event: done" in response.text or '"code":"invalid"' in response.text, response.text


def _growth(values: Sequence[float]) -> dict[str, float]:
    """Medians once caches are warm and at the end, and the most there was."""
    warm, last = int(len(values) * WARM_SHARE), max(1, int(len(values) * LAST_SHARE))
    return {
        "after_warming_mib": round(median(values[warm : warm + last]), 1),
        "at_the_end_mib": round(median(values[-last:]), 1),
        "most_mib": round(max(values), 1),
    }


def _seeds(pictures: Sequence[bytes]) -> list[bytes]:
    """Small files of every kind that is taken, to be spoilt."""
    found: list[bytes] = []
    for number, raw in enumerate(pictures[:4]):
        image = Image.open(io.BytesIO(raw)).resize((96 + 40 * number, 128))
        for kind, options in (
            ("JPEG", {}),
            ("JPEG", {"progressive": True}),
            ("PNG", {}),
            ("WEBP", {"lossless": True}),
            ("GIF", {}),
        ):
            buffer = io.BytesIO()
            image.save(buffer, kind, **options)
            found.append(buffer.getvalue())
    return found


@st.composite
def _spoilt(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """A picture with some of its bytes changed, cut out, doubled, or put in."""
    raw = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        if not raw:
            break
        at = draw(st.integers(0, min(len(raw) - 1, 2000)) | st.integers(0, len(raw) - 1))
        length = draw(st.integers(1, 64))
        match draw(st.sampled_from(("change", "cut", "double", "put", "end"))):
            case "change":
                raw[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
            case "cut":
                del raw[at : at + length]
            case "double":
                raw[at:at] = raw[at : at + length] * draw(st.integers(1, 50))
            case "put":
                raw[at:at] = draw(st.binary(max_size=64))
            case _:
                del raw[at:]
    return bytes(raw)


def uploads(seeds: Sequence[bytes], model: str) -> st.SearchStrategy[Upload]:
    """Requests to every route that takes pictures, most of them wrong in some way."""
    raws = _spoilt(seeds) | st.sampled_from(seeds) | st.binary(max_size=300)
    names = st.text(max_size=20) | st.sampled_from(("a.jpg", "../../a", "\0", "é" * 300, '";\r\n'))
    kinds = st.sampled_from(("image/jpeg", "image/svg+xml", "text/html", "x", ""))
    files = st.lists(st.tuples(names, raws, kinds), min_size=0, max_size=5).map(tuple)
    values = st.sampled_from(("0", "1", "2", "true", "false", "none", "", "-1", "1e9", "é"))
    keys = st.sampled_from(
        ("top_k", "adapter", "reasons", "constrained", "locatability", "overlay", "prompt")
    )
    quick = (("top_k", "0"), ("reasons", "false"))
    fields = st.lists(st.tuples(keys, values), max_size=2).map(lambda more: (*quick, *more))
    overlay = st.sampled_from(((), (("overlay", "true"),), (("top_k", "1"),)))
    routes = st.sampled_from(("/v1/locate", "/v1/locate/stream"))
    forms = st.builds(Upload, routes, files, fields)
    clues = st.builds(Upload, st.just("/v1/locatability"), files, overlay)
    begin = st.just(b'--edge\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n')
    rest = st.lists(st.binary(max_size=80) | begin | raws, max_size=5).map(b"".join)
    bodies = st.builds(lambda head, tail: head + tail, begin | st.binary(max_size=40), rest)
    broken = st.builds(lambda route, body: Upload(route, body=body), routes, bodies)
    models = st.sampled_from((model, model, f"{model}:none", "gpt-4o"))
    chats = st.builds(
        lambda some, name: Upload("/v1/chat/completions", some, (("model", name),)), files, models
    )
    return forms | forms | clues | broken | chats
