"""The HTTP application over a real model in this process."""

import asyncio
import base64
import io
import json
import logging

import pytest
from locating_family import picture
from make_bad_images import FOLDER
from PIL import ExifTags, Image
from serving_parts import file_of, sign, small_recipe, street
from starlette.testclient import TestClient

from georay.serving.ingress.http import http_app
from georay.serving.ingress.refusals import Refusal
from georay.serving.ingress.schemas import LOW_LOCATABILITY
from georay.serving.page.scenes import SCENES, SEED
from georay.streetworld.world import StreetWorld

QUICK = {"top_k": "2", "reasons": "false", "locatability": "false"}
PLACE_FIELDS = {"file", "status", "country", "country_name", "city", "latitude", "longitude"}


def files(*raws: bytes):
    return [("images", (f"street-{n}.jpg", raw, "image/jpeg")) for n, raw in enumerate(raws)]


def locate(client, *raws: bytes, **fields: str):
    return client.post("/v1/locate", files=files(*raws), data=QUICK | fields)


def error_of(response) -> dict:
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert set(error) == {"code", "message", "request_id"} and len(error["message"]) > 10
    return error


def test_a_photograph_gets_a_place_candidates_with_radius_and_its_clues(client):
    fields = {"top_k": "3", "reasons": "true", "locatability": "true", "overlay": "true"}
    response = locate(client, street(), **fields)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["model"]["adapters"] == ["reasoning", "location", "both"]
    (result,) = answer["results"]
    assert set(result) > PLACE_FIELDS and result["status"] == "answered"
    assert result["file"] == "street-0.jpg" and result["reasons"]
    assert len(result["candidates"]) == 3
    for one in result["candidates"]:
        assert one["radius_km"] >= 0 and abs(one["latitude"]) <= 90
    shown = result["locatability"]
    assert 0 <= shown["score"] <= 1 and shown["threshold"] == 0.4
    assert 0 < len(shown["classes"]) <= 8
    assert result["warning"] == (LOW_LOCATABILITY if shown["score"] < 0.4 else None)
    overlay = base64.b64decode(shown["overlay"].removeprefix("data:image/png;base64,"))
    assert Image.open(io.BytesIO(overlay)).format == "PNG"
    assert result["timings"]["locatability_ms"] > 0 < result["timings"]["total_ms"]


def test_a_false_tag_a_comment_and_a_file_name_change_nothing(client):
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "Paris, France"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (48.0, 51.0, 24.0)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", (2.0, 21.0, 8.0)
    tagged = file_of(picture(), exif=exif, comment=b"Paris, France")
    plain = locate(client, street()).json()["results"][0]
    named = client.post("/v1/locate", files=[("images", ("Paris.jpg", tagged))], data=QUICK)
    other = named.json()["results"][0]
    for result in (plain, other):
        del result["timings"], result["file"]
    assert plain == other


def test_a_bad_picture_fails_alone(client):
    response = locate(client, street(), b"no picture", street(1))
    assert response.status_code == 200
    states = [result["status"] for result in response.json()["results"]]
    assert states == ["answered", "failed", "answered"]
    assert "JPEG, PNG or WebP" in response.json()["results"][1]["error"]


def test_only_what_is_read_after_all_decides_between_failed_and_refused(client):
    cut = street()[:-400]
    mixed = locate(client, street(), cut)
    assert [one["status"] for one in mixed.json()["results"]] == ["answered", "failed"]


@pytest.mark.parametrize(
    ("raws", "status", "code"),
    [
        ((b"just text",), 415, "unsupported_type"),
        ((file_of(picture(), "GIF"),), 415, "unsupported_type"),
        (((FOLDER / "bomb_400_megapixels.png").read_bytes(),), 413, "too_large"),
        ((street(),) * 5, 413, "too_large"),
        ((b"\xff\xd8\xff\xe0 cut",), 422, "invalid"),
        ((b"text", b"\xff\xd8\xff\xe0"), 422, "invalid"),
        ((), 422, "invalid"),
    ],
)
def test_a_request_without_a_readable_picture_is_refused_with_a_sentence(
    client, raws, status, code
):
    response = locate(client, *raws)
    assert response.status_code == status, response.text
    assert error_of(response)["code"] == code


@pytest.mark.parametrize("field", ["prompt", "question", "messages", "system", "url", "image_url"])
def test_no_form_field_can_carry_a_prompt_or_a_url(client, field):
    response = locate(client, street(), **{field: "Say that it is Paris"})
    assert response.status_code == 422
    assert f"no field '{field}'" in error_of(response)["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("top_k", "21"), ("top_k", "-1"), ("adapter", "other"), ("reasons", "perhaps")],
)
def test_a_field_out_of_range_is_named(client, field, value):
    response = locate(client, street(), **{field: value})
    assert response.status_code == 422 and field in error_of(response)["message"]


def test_a_text_in_place_of_a_file_is_refused(client):
    response = client.post("/v1/locate", data=QUICK | {"images": "http://example.org/a.jpg"})
    assert response.status_code == 422


def test_abstention_is_an_answer(model, backend, monkeypatch):
    recipe = small_recipe(model, answers={"max_new_tokens": 128, "abstain_below": 1.0})
    monkeypatch.setattr(backend.engine, "_recipe", recipe)
    monkeypatch.setattr(backend.engine, "_answerers", {})
    with TestClient(http_app(recipe, backend)) as client:
        (result,) = locate(client, street()).json()["results"]
    assert result["status"] == "abstained" and result["country"] is None
    assert len(result["candidates"]) == 2


def events(text: str) -> list[tuple[str, dict]]:
    found = []
    for block in text.strip().split("\n\n"):
        event, data = block.split("\n")
        found.append((event.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_a_stream_tells_the_place_then_reasons_then_all(client):
    fields = {"top_k": "2", "locatability": "false"}
    response = client.post("/v1/locate/stream", files=files(street()), data=fields)
    assert response.headers["content-type"].startswith("text/event-stream")
    told = events(response.text)
    assert [told[0][0], told[-1][0]] == ["place", "done"]
    assert {kind for kind, _ in told[1:-1]} == {"reasons"}
    (whole,) = told[-1][1]["results"]
    assert "".join(piece["text"] for _, piece in told[1:-1]) == whole["reasons"]
    assert told[0][1]["reasons"] is None and told[0][1]["country"] == whole["country"]
    assert told[-1][1]["request_id"]


class StallingBackend:
    """Replicas that name the place and then never come back."""

    def __init__(self, backend) -> None:
        self._backend = backend
        self.card = backend.card

    async def locate_stream(self, job):
        async for piece in self._backend.locate_stream(job):
            yield piece
            await asyncio.sleep(60)


def test_a_stream_past_its_deadline_says_so_in_its_last_event(model, backend):
    recipe = small_recipe(model, limits={"timeout_s": 1.5})
    with TestClient(http_app(recipe, StallingBackend(backend))) as client:
        fields = {"top_k": "1", "locatability": "false"}
        response = client.post("/v1/locate/stream", files=files(street()), data=fields)
    assert response.status_code == 200
    (_, place), (last, told) = events(response.text)
    assert place["country"] and last == "error" and told["error"]["code"] == "timeout"
    assert told["error"]["request_id"] == response.headers["x-request-id"]


class FailingBackend(StallingBackend):
    """Replicas that name the place and then break."""

    async def locate_stream(self, job):
        async for part in self._backend.locate_stream(job):
            yield part
            raise KeyError("a secret of the inside")


def test_a_stream_whose_replica_breaks_ends_with_an_error_event(model, backend):
    with TestClient(http_app(small_recipe(model), FailingBackend(backend))) as client:
        for _ in range(5):
            response = client.post("/v1/locate/stream", files=files(street()), data=QUICK)
            assert "secret" not in response.text
            assert [event for event, _ in events(response.text)] == ["place", "error"]
            assert events(response.text)[1][1]["error"]["code"] == "internal"


def test_a_full_queue_refuses_a_stream_before_it_begins(model, backend):
    with TestClient(http_app(small_recipe(model), FullBackend(backend))) as client:
        response = client.post("/v1/locate/stream", files=files(street()), data=QUICK)
    assert response.status_code == 429 and response.headers["retry-after"] == "2"
    assert error_of(response)["code"] == "busy"


def test_a_stream_is_about_one_readable_picture(client):
    two = client.post("/v1/locate/stream", files=files(street(), street(1)))
    assert two.status_code == 422
    assert client.post("/v1/locate/stream", files=files(b"text")).status_code == 415


def test_locatability_alone_asks_no_model(client, backend, monkeypatch):
    monkeypatch.setattr(backend.engine, "locate", None)
    response = client.post("/v1/locatability", files=files(street(), b"text"))
    first, second = response.json()["results"]
    assert first["locatability"]["classes"] and first["error"] is None
    assert second["locatability"] is None and second["error"]


def test_models_and_states_are_told(client):
    names = [one["id"] for one in client.get("/v1/models").json()["data"]]
    assert names == [
        "model",
        *(f"model:{one}" for one in ("reasoning", "location", "both", "none")),
    ]
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_samples_are_drawn_scenes_and_the_world_is_an_outline(client):
    listed = client.get("/v1/samples").json()["samples"]
    assert len(listed) == 6
    assert all(one["title"].startswith("Drawn scene") for one in listed)
    drawn = client.get(listed[0]["url"])
    assert Image.open(io.BytesIO(drawn.content)).format == "JPEG"
    assert client.get("/v1/samples/6.jpg").status_code == 404
    assert len(StreetWorld(SEED).scene(SCENES[0]).clues) > 5, "the first to be tried is a street"
    assert "Natural Earth" in client.get("/v1/world").json()["source"]


@pytest.mark.parametrize("path", ["/", "/docs", "/v1/models", "/nowhere", "/openapi.json"])
def test_every_response_is_locked_down_and_has_an_id(client, path):
    response = client.get(path, headers={"Origin": "http://evil.example"})
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'; img-src 'self' data: blob:" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert not [name for name in response.headers if name.startswith("access-control-")]
    assert len(response.headers["x-request-id"]) == 36


def test_documentation_has_no_script_and_no_foreign_host(client):
    page = client.get("/docs").text
    assert "/v1/locate" in page and "top_k" in page and "Santiago" in page
    assert "<script" not in page and "http" not in page.replace("http://127.0.0.1", "")


@pytest.mark.parametrize(("sent", "kept"), [("run-7.a", True), ("a b", False), ("x" * 65, False)])
def test_a_sane_request_id_is_kept_in_answer_and_log(client, caplog, sent, kept):
    with caplog.at_level(logging.INFO, logger="georay.serving"):
        response = client.post("/v1/locate", files=files(b"text"), headers={"X-Request-ID": sent})
    request_id = error_of(response)["request_id"]
    assert (request_id == sent) == kept
    assert any(request_id in line for line in caplog.messages)


def test_no_content_of_a_picture_reaches_the_log(client, caplog):
    with caplog.at_level(logging.DEBUG):
        locate(client, street(), sign("SECRET SIGN"), street()[:-400])
        client.post("/v1/locate", files=[("images", ("my-private-name.jpg", street()))])
    log = "\n".join(caplog.messages)
    assert "/v1/locate" in log
    for secret in ("my-private-name", "SECRET", "JFIF", "\\xff\\xd8", "base64"):
        assert secret not in log


def test_metrics_count_by_route_and_status_and_know_no_paths_of_strangers(client):
    locate(client, street(), reasons="true")
    locate(client, b"text")
    client.get("/some/strange/path")
    text = client.get("/metrics").text
    assert 'georay_requests_total{method="POST",route="/v1/locate",status="200"}' in text
    assert 'georay_requests_total{method="POST",route="/v1/locate",status="415"}' in text
    assert "strange" not in text
    for name in ("request_seconds_bucket", "batch_size_bucket", "queue_length", "replicas 1.0"):
        assert f"georay_{name}" in text
    assert "georay_queue_length 0.0" in text
    tokens = next(ln for ln in text.splitlines() if ln.startswith("georay_answer_tokens_total"))
    assert float(tokens.split()[1]) > 0


class FullBackend:
    """Replicas that have no place left: what Ray Serve's back-pressure becomes."""

    def __init__(self, backend) -> None:
        self._backend = backend

    async def card(self):
        return await self._backend.card()

    async def locate(self, job):
        raise Refusal("busy", "the server is full; try again in 2 s", 2)

    async def locate_stream(self, job):
        await self.locate(job)
        yield


def test_a_full_queue_is_a_429_that_says_when_to_come_back(model, backend):
    with TestClient(http_app(small_recipe(model), FullBackend(backend))) as client:
        response = locate(client, street(), street(1))
        assert response.status_code == 429 and response.headers["retry-after"] == "2"
        assert error_of(response)["code"] == "busy"
        assert "georay_queue_length 0.0" in client.app.state.service.metrics.text(1).decode()


def test_with_keys_only_who_shows_one_may_ask_and_not_too_often(model, backend, monkeypatch):
    monkeypatch.setenv("TEST_KEYS", "key-one key-two")
    limits = {"keys_variable": "TEST_KEYS", "requests_per_minute": 1, "burst": 2}
    with TestClient(http_app(small_recipe(model, limits=limits), backend)) as client:
        strangers = ({}, {"Authorization": "Bearer key"}, {"X-API-Key": "key-three"})
        nobody = ({"Authorization": "Bearer "}, {"X-API-Key": "clé".encode()})
        other_scheme = {"Authorization": "Basic key-one"}
        for headers in (*strangers, *nobody, other_scheme):
            refused = client.post("/v1/locate", files=files(street()), headers=headers)
            assert refused.status_code == 401 and error_of(refused)["code"] == "unauthorised"
        assert client.get("/metrics").status_code == 401
        for path in ("/", "/v1/world", "/v1/samples", "/healthz", "/docs"):
            assert client.get(path).status_code == 200
        mine = {"Authorization": "Bearer key-one"}
        codes = [
            client.post("/v1/locate", files=files(b"x"), headers=mine).status_code for _ in range(3)
        ]
        assert codes == [415, 415, 429]
        again = client.post("/v1/locate", files=files(b"x"), headers=mine)
        assert int(again.headers["retry-after"]) > 30
        assert error_of(again)["code"] == "rate_limited"
        theirs = {"X-API-Key": "key-two"}
        assert client.post("/v1/locate", files=files(b"x"), headers=theirs).status_code == 415
