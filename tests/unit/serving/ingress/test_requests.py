"""What a request may look like: our words for what is wrong, and nothing passed over in silence."""

import base64
import gzip
import json

import pytest
from locating_family import picture
from serving_parts import file_of, street
from starlette.testclient import TestClient

from georay.core.prompts import INFERENCE

QUICK = {"top_k": "1", "reasons": "false", "locatability": "false"}
PYDANTIC = ("Input should", "unable to parse", "Value error", "valid dictionary", "Expected ")
BASE64 = base64.b64encode(street()).decode()


def body(url: str = f"data:image/jpeg;base64,{BASE64}", **fields: object) -> dict[str, object]:
    parts = [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": INFERENCE.question},
    ]
    return {"model": "model", "messages": [{"role": "user", "content": parts}]} | (
        {"max_tokens": 3} | fields
    )


def said(response, status: int = 422) -> str:
    assert response.status_code == status, response.text
    message: str = response.json()["error"]["message"]
    assert not any(words in message for words in PYDANTIC), message
    return message


def form(client: TestClient, **fields: object):
    files = [("images", ("a.jpg", street(), "image/jpeg"))]
    return client.post("/v1/locate", files=files, data=QUICK | fields)


@pytest.mark.parametrize(
    "start",
    [
        "data:image/jpg;base64,",
        "DATA:image/jpeg;base64,",
        "data:IMAGE/JPEG;BASE64,",
        "data:image/jpeg;charset=utf-8;base64,",
        "data:image/png;base64,",
        "data:image/pjpeg;base64,",
        "data:application/octet-stream;base64,",
        "data:;base64,",
    ],
)
def test_a_data_uri_is_read_by_its_content_whatever_it_says(client, start):
    response = client.post("/v1/chat/completions", json=body(start + BASE64))
    assert response.status_code == 200, response.text


def test_base64_may_be_broken_into_lines(client):
    lines = base64.encodebytes(file_of(picture(), "PNG")).decode()
    response = client.post("/v1/chat/completions", json=body(f"data:image/png;base64,{lines}"))
    assert response.status_code == 200, response.text


def test_content_decides_also_against_a_picture(client):
    gif = base64.b64encode(file_of(picture(), "GIF")).decode()
    response = client.post("/v1/chat/completions", json=body(f"data:image/jpg;base64,{gif}"))
    assert "first bytes" in said(response, 415)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/docs", "/metrics", "/v1/models"])
def test_head_is_answered_as_get_without_a_body(client, path):
    told, whole = client.head(path), client.get(path)
    assert told.status_code == whole.status_code == 200
    assert told.content == b"" and whole.content
    assert told.headers["content-type"] == whole.headers["content-type"]
    assert client.head("/nowhere").status_code == 404
    assert client.head("/v1/locate").status_code == 405


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/v1/models"),
        ("GET", "/v1/samples"),
        ("POST", "/v1/locate"),
        ("POST", "/v1/locate/stream"),
        ("POST", "/v1/locatability"),
    ],
)
def test_a_query_parameter_is_refused_by_name(client, method, path):
    files = [("images", ("a.jpg", street()))] if method == "POST" else None
    message = said(client.request(method, f"{path}?top_k=3", files=files))
    assert "no query parameter 'top_k'" in message


def test_a_query_parameter_of_a_question_is_refused_too(client):
    message = said(client.post("/v1/chat/completions?temperature=1", json=body()))
    assert "'temperature'" in message and "field of the body" in message


def test_a_field_that_came_twice_is_refused_and_several_pictures_are_not(client):
    assert "'top_k' came 2 times" in said(form(client, top_k=["1", "2"]))
    files = [("images", (name, street())) for name in ("a.jpg", "b.jpg")]
    assert client.post("/v1/locate", files=files, data=QUICK).status_code == 200


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"top_k": "abc"}, "top_k must be a whole number"),
        ({"top_k": "99"}, "top_k must be 20 or less"),
        ({"adapter": "x"}, "adapter must be 'reasoning', 'location', 'both' or 'none'"),
        ({"reasons": "perhaps"}, "reasons must be true or false"),
    ],
)
def test_a_form_field_is_said_to_be_wrong_in_our_words(client, fields, message):
    assert said(form(client, **fields)) == message


@pytest.mark.parametrize("name", [None, ""])
def test_a_part_without_a_file_name_is_told_how_to_be_sent(client, name):
    message = said(client.post("/v1/locate", files=[("images", (name, street()))], data=QUICK))
    assert "no file name" in message and "curl -F images=@" in message


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (b"abc", "multipart/form-data", "names no boundary"),
        (b"abc", "multipart/form-data; boundary=x", "no whole multipart form"),
        (b"--x\r\nfoo\r\n\r\na\r\n--x--", "multipart/form-data; boundary=x", "multipart form"),
        (b'{"top_k": 1}', "application/json", "no picture came"),
    ],
)
def test_a_form_that_is_none_is_said_to_be_none(client, content, kind, message):
    headers = {"Content-Type": kind}
    assert message in said(client.post("/v1/locate", content=content, headers=headers))


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (json.dumps(body()), None, "Content-Type: application/json"),
        (json.dumps(body()), "text/plain", "Content-Type: application/json"),
        (json.dumps(body()), "application/x-www-form-urlencoded", "Content-Type: application"),
        ("{", "application/json", "no valid JSON: it breaks at character 1"),
        ("[]", "application/json", "must be a JSON object"),
        ("", "application/json", "must be a JSON object"),
        ("[" * 100_000, "application/json", "cannot be read"),
        (b'{"model": "\xff"}', "application/json", "JSON in UTF-8"),
    ],
)
def test_a_body_that_is_no_question_is_said_to_be_none(client, content, kind, message):
    headers = {"Content-Type": kind} if kind else {}
    response = client.post("/v1/chat/completions", content=content, headers=headers)
    assert message in said(response)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_tokens": 0}, "max_tokens must be 1 or more"),
        ({"max_tokens": 1.5}, "max_tokens must be a whole number"),
        ({"temperature": 3}, "temperature must be 2 or less"),
        ({"temperature": "hot"}, "temperature must be a number"),
        ({"top_p": 0}, "top_p must be more than 0"),
        ({"n": 2}, "n must be 1"),
        ({"stream": "perhaps"}, "stream must be true or false"),
        ({"user": "x" * 300}, "user may have 200 characters at most"),
        ({"user": 7}, "user must be a text"),
        ({"messages": []}, "messages must hold 1 or more"),
        ({"messages": [{}, {}]}, "messages may hold 1 at most"),
        ({"messages": "x"}, "messages must be a list"),
        ({"messages": [7]}, "messages.0 must be an object"),
        ({"messages": [{"role": "user"}]}, "messages.0.content is missing"),
        ({"model": None}, "model must be a text"),
        ({"seed": 1}, "no field 'seed'"),
    ],
)
def test_a_field_of_a_question_is_said_to_be_wrong_in_our_words(client, fields, message):
    assert message in said(client.post("/v1/chat/completions", json=body(**fields)))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "audio"}, "has the 'type' 'audio'; it must be one of 'text', 'image_url'"),
        ({}, "must say its 'type'"),
    ],
)
def test_a_part_of_a_strange_kind_is_named(client, part, message):
    messages = [{"role": "user", "content": [part]}]
    assert message in said(client.post("/v1/chat/completions", json=body(messages=messages)))


@pytest.mark.parametrize("path", ["/v1/locate", "/v1/chat/completions"])
@pytest.mark.parametrize("coding", ["gzip", "br", "x-unknown"])
def test_a_compressed_body_is_refused_and_said_to_be_one(client, path, coding):
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    content = gzip.compress(json.dumps(body()).encode())
    message = said(client.post(path, content=content, headers=headers), 415)
    assert coding in message and "uncompressed" in message
    headers["Content-Encoding"] = "identity"
    response = client.post("/v1/chat/completions", content=json.dumps(body()), headers=headers)
    assert response.status_code == 200
