"""One guest spoils nothing: what cannot be answered is refused by itself, before or behind."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_families import small_chat_family
from PIL import Image
from serving_parts import HereBackend, file_of, small_recipe, street
from starlette.testclient import TestClient

from georay.core.prompts import INFERENCE
from georay.serving.ingress.http import http_app

HALF = "\ud83d"
QUICK = {"top_k": "0", "reasons": "false", "constrained": "false", "locatability": "false"}
WIDE = file_of(Image.new("RGB", (4000, 12)))


def data_uri(raw: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(raw).decode()


def chat(question: str, *raws: bytes, **fields: object) -> str:
    pictures = [{"type": "image_url", "image_url": {"url": data_uri(raw)}} for raw in raws]
    parts = [*pictures, {"type": "text", "text": question}]
    body = {"model": "qwen2_5_vl", "messages": [{"role": "user", "content": parts}]}
    return json.dumps(body | {"max_tokens": 3} | fields)


def complaint(response) -> str:
    assert response.status_code == 422, response.text
    return response.json()["error"]["message"]


@pytest.fixture(scope="module")
def guests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """An endpoint over a small Qwen2.5-VL, whose processor takes no side ratio over 200."""
    folder: Path = tmp_path_factory.mktemp("guests") / "qwen2_5_vl"
    small_chat_family("qwen2_5_vl", 3).save_pretrained(folder)
    recipe = small_recipe(folder, adapters=None)
    with TestClient(http_app(recipe, HereBackend(recipe)), raise_server_exceptions=False) as opened:
        yield opened


def post(client: TestClient, body: str | bytes):
    headers = {"Content-Type": "application/json"}
    return client.post("/v1/chat/completions", content=body, headers=headers)


@pytest.mark.parametrize(
    "fields",
    [
        {"model": HALF},
        {"user": f"a{HALF}"},
        {HALF: 1},
        {"messages": [{"role": "system", "content": HALF}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", HALF: "b"}]}]},
    ],
)
def test_half_an_emoji_in_any_text_is_refused(guests, fields):
    assert "surrogate" in complaint(post(guests, chat("Where?", street(), **fields)))


def test_half_an_emoji_is_refused_in_every_way_that_bytes_can_say_it(guests):
    escaped = chat(f"Where? {HALF}", street())
    assert "\\ud83d" in escaped
    assert "surrogate" in complaint(post(guests, escaped))
    raw = chat("Where? HERE", street()).encode().replace(b"HERE", b"\xed\xa0\xbd")
    assert "surrogate" in complaint(post(guests, raw))


def test_whole_emojis_and_other_scripts_are_answered(guests):
    body = chat("Où? 🗺️ どこ", street(), user="Zoë 🙂")
    assert post(guests, body).status_code == 200
    escaped = chat("Where? HERE", street()).replace("HERE", "\\ud83d\\uddfa")
    assert post(guests, escaped).status_code == 200, "both halves make one"


def test_half_an_emoji_in_a_files_name_is_refused(guests):
    form = b'--x\r\nContent-Disposition: form-data; name="images"; filename="+2D0-.jpg"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x; charset=utf-7"}
    body = form + street() + b"\r\n--x--\r\n"
    response = guests.post("/v1/locate", content=body, headers=headers)
    assert "surrogate" in complaint(response)


def test_half_an_emoji_disturbs_nobody_who_asks_at_the_same_time(guests):
    bodies = [chat(question, street()) for question in ("Where?", f"Wo? {HALF}", "Où?")]

    async def all_at_once() -> list[int]:
        asked = [asyncio.to_thread(post, guests, body) for body in bodies]
        return [one.status_code for one in await asyncio.gather(*asked)]

    assert asyncio.run(all_at_once()) == [200, 422, 200]


@pytest.mark.parametrize("temperature", [1e-300, 1e-40, 1e-9, 1e-3])
def test_no_temperature_is_too_cold(guests, temperature):
    """Logits divided by next to nothing are not numbers, which ends a whole pass."""
    told = post(guests, chat("Where?", street(), temperature=temperature, top_p=1e-9))
    greedy = post(guests, chat("Where?", street()))
    assert told.status_code == 200, told.text
    assert told.json()["choices"] == greedy.json()["choices"]


def test_a_picture_that_the_processor_does_not_take_fails_alone_and_is_named(guests):
    files = [("images", (name, raw)) for name, raw in (("a.jpg", street()), ("wide.jpg", WIDE))]
    response = guests.post("/v1/locate", files=files, data=QUICK)
    assert response.status_code == 200, response.text
    street_seen, wide = response.json()["results"]
    assert street_seen["status"] != "failed" and wide["status"] == "failed"
    assert wide["file"] == "wide.jpg" and "4,000×12 pixels" in wide["error"]


@pytest.mark.parametrize("path", ["/v1/locate", "/v1/locate/stream"])
def test_alone_it_is_refused_with_its_name(guests, path):
    response = guests.post(path, files=[("images", ("wide.jpg", WIDE))], data=QUICK)
    message = complaint(response)
    assert "wide.jpg" in message and "4,000×12 pixels" in message


def test_in_a_question_about_several_pictures_its_number_is_said(guests):
    message = complaint(post(guests, chat(INFERENCE.question, street(), WIDE)))
    assert "picture 2: the picture is 4,000×12 pixels" in message
    message = complaint(post(guests, chat(INFERENCE.question, street(), b"\xff\xd8\xff")))
    assert message.startswith("picture 2: ")
    assert "picture 1" not in complaint(post(guests, chat(INFERENCE.question, WIDE)))


def test_its_locatability_is_measured_all_the_same(guests):
    files = [("images", ("wide.jpg", WIDE))]
    assert guests.post("/v1/locatability", files=files).status_code == 200
