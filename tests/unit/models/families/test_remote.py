"""Remote models, asked over a real loopback socket by a server that misbehaves on purpose."""

import base64
import io

import pytest
from misbehaving_endpoint import ANSWER, Act, Asked, Endpoint, failed, http, said
from PIL import Image
from pydantic import ValidationError
from remote_room import QUICK, ask, exchange, model

from georay.core.prompts import INFERENCE
from georay.models.families.remote import RemoteModel, RemoteSettings, total_usage


def test_question_and_pixels_arrive_and_the_answer_comes_back(endpoint: Endpoint) -> None:
    reply = ask(endpoint)
    assert (reply.text, reply.error, reply.finish_reason) == (ANSWER, None, "stop")
    asked = endpoint.asked[0]
    assert asked.path == "/v1/chat/completions"
    assert (asked.body["model"], asked.body["max_tokens"], asked.body["temperature"]) == (
        "m",
        16,
        0,
    )
    image, question = asked.body["messages"][0]["content"]
    assert question["text"] == INFERENCE.question
    raw = base64.b64decode(image["image_url"]["url"].removeprefix("data:image/jpeg;base64,"))
    assert Image.open(io.BytesIO(raw)).size == (32, 24)


def test_an_ipv6_address_in_brackets_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    endpoint = Endpoint("::1")
    try:
        assert ask(endpoint).text == ANSWER
    finally:
        endpoint.close()


def test_answers_keep_their_order_and_a_failure_stays_in_its_row(endpoint: Endpoint) -> None:
    def by_question(number: int, asked: Asked) -> Act:
        word = asked.body["messages"][0]["content"][-1]["text"]
        if word == "place 3":
            return failed(400, "no such place")
        act = said(f"answer to {word}")
        act.wait_s = 0.05 if int(word.split()[1]) % 2 else 0.0
        return act

    endpoint.script = by_question
    replies = model(endpoint).answer([exchange(f"place {n}") for n in range(8)], QUICK)
    expected = [None if n == 3 else f"answer to place {n}" for n in range(8)]
    assert [reply.text for reply in replies] == expected
    assert replies[3].error == "HTTP 400: no such place"
    assert replies[3].num_attempts == 1


def test_no_more_requests_are_open_than_allowed(endpoint: Endpoint) -> None:
    def slow(number: int, asked: Asked) -> Act:
        return Act(said("x").send, wait_s=0.02)

    endpoint.script = slow
    model(endpoint, max_concurrency=3).answer([exchange()] * 12, QUICK)
    assert endpoint.most_at_once == 3
    assert len(endpoint.asked) == 12


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>gateway</html>",
        "[1, 2]",
        "null",
        "{}",
        '{"choices": []}',
        '{"choices": [null]}',
        '{"choices": [{"message": "text"}]}',
        '{"choices": [{"message": {"content": 7}}]}',
        '{"choices": [{"message": {"content": null}}], "usage": "much"}',
        '{"choices": {"0": 1}}',
        '{"error": {"message": "upstream died"}}',
        "[" * 50_000,
        b"\xff\xfe\x00",
        b"x" * (9 << 20),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_malformed_body_is_an_error_and_not_asked_for_again(
    endpoint: Endpoint, body: str | bytes
) -> None:
    endpoint.script = lambda number, _: http(200, body)
    reply = ask(endpoint)
    assert reply.text is None
    assert reply.error
    assert len(endpoint.asked) == 1


def test_redirects_are_not_followed_with_the_key(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", "sk-1")
    endpoint.script = lambda number, _: http(307, "", Location=f"{endpoint.url}/elsewhere")
    assert (ask(endpoint, key_variable="A_KEY").error or "").startswith("HTTP 307")
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    "act",
    [
        said(None, refusal="I can't help with that."),
        said("", reason="content_filter"),
        failed(400, "flagged", "content_policy_violation"),
    ],
)
def test_refusals_are_replies_and_not_errors(endpoint: Endpoint, act: Act) -> None:
    endpoint.script = lambda number, _: act
    reply = ask(endpoint)
    assert reply.refused
    assert reply.error is None
    assert reply.text is not None
    assert len(endpoint.asked) == 1


def test_text_in_parts_is_joined(endpoint: Endpoint) -> None:
    parts = [{"type": "text", "text": "Tok"}, {"type": "thinking"}, {"type": "text", "text": "yo"}]
    endpoint.script = lambda number, _: said(parts)
    assert ask(endpoint).text == "Tokyo"


def test_tokens_and_cost_are_counted(endpoint: Endpoint) -> None:
    endpoint.script = lambda n, _: failed(400, "no") if n == 1 else said("yes")
    priced = model(endpoint, price_prompt=2.0, price_answer=10.0, max_concurrency=1)
    replies = priced.answer([exchange()] * 3, QUICK)
    assert (replies[0].num_prompt_tokens, replies[0].num_answer_tokens) == (1000, 50)
    assert replies[0].cost == pytest.approx(0.0025)
    usage = total_usage(replies)
    assert (usage.num_replies, usage.num_errors, usage.num_attempts) == (3, 1, 3)
    assert (usage.num_prompt_tokens, usage.num_answer_tokens) == (2000, 100)
    assert usage.cost == pytest.approx(0.005)
    assert ask(endpoint).cost is None  # no prices, no guess


def test_the_key_comes_from_the_environment_and_never_comes_back(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEORAY_TEST_KEY", "sk-secret-42")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-someone-else")
    endpoint.script = lambda n, _: failed(401, "Incorrect API key provided: sk-secret-42")
    reply = ask(endpoint, key_variable="GEORAY_TEST_KEY")
    assert endpoint.asked[0].headers["authorization"] == "Bearer sk-secret-42"
    assert reply.error == "HTTP 401: Incorrect API key provided: [key]"
    ask(endpoint)
    assert "authorization" not in endpoint.asked[1].headers


def test_a_key_in_the_settings_is_refused_and_an_absent_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValidationError, match="api_key"):
        RemoteSettings(base_url="http://h/v1", model="m", api_key="sk-1")
    monkeypatch.delenv("ABSENT_KEY", raising=False)
    with pytest.raises(ValueError, match="environment variable ABSENT_KEY"):
        RemoteModel(RemoteSettings(base_url="http://h/v1", model="m", key_variable="ABSENT_KEY"))


@pytest.mark.parametrize("url", ["", "h/v1", "ftp://h/v1", "http://", "http://u:p@h/v1"])
def test_a_base_url_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        RemoteModel(RemoteSettings(base_url=url, model="m"))


def test_nothing_but_pixels_leaves(endpoint: Endpoint) -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET-PLACE"
    buffer = io.BytesIO()
    noise = Image.effect_noise((64, 48), 60).convert("RGB")
    noise.save(buffer, "JPEG", exif=exif, comment=b"SECRET-PLACE")
    assert b"SECRET-PLACE" in buffer.getvalue()
    model(endpoint).answer([exchange(image=Image.open(buffer))], QUICK)
    url = endpoint.asked[0].body["messages"][0]["content"][0]["image_url"]["url"]
    assert b"SECRET-PLACE" not in base64.b64decode(url.partition(",")[2])


def test_large_pictures_are_reduced_before_they_travel(endpoint: Endpoint) -> None:
    wide = Image.new("RGB", (400, 100))
    model(endpoint, longest_side=200).answer([exchange(image=wide)], QUICK)
    url = endpoint.asked[0].body["messages"][0]["content"][0]["image_url"]["url"]
    raw = base64.b64decode(url.partition(",")[2])
    assert Image.open(io.BytesIO(raw)).size == (200, 50)
    assert wide.size == (400, 100)


def test_a_picture_that_breaks_while_it_is_read_is_an_error_in_its_row(endpoint: Endpoint) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 60).convert("RGB").save(buffer, "JPEG")
    broken = Image.open(io.BytesIO(buffer.getvalue()[:700]))
    replies = model(endpoint).answer([exchange(image=broken), exchange()], QUICK)
    assert "cannot read a picture" in (replies[0].error or "")
    assert replies[1].text == ANSWER


def test_endpoints_that_choose_their_own_sampling_are_not_told_one(endpoint: Endpoint) -> None:
    ask(endpoint, sends_sampling=False, token_limit_field="max_completion_tokens")
    body = endpoint.asked[0].body
    assert body["max_completion_tokens"] == 16
    assert not body.keys() & {"temperature", "top_p", "max_tokens"}


def picky(number: int, asked: Asked) -> Act:
    """A server as today's hosted reasoning models are: it names what it does not take."""
    if "max_tokens" in asked.body:
        return failed(
            400,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "unsupported_parameter",
        )
    if "temperature" in asked.body:
        return failed(400, "'temperature' does not support 0 with this model.", "unsupported_value")
    return said("ok")


def test_a_server_that_names_the_fields_it_takes_is_asked_with_them(endpoint: Endpoint) -> None:
    endpoint.script = picky
    asking = model(endpoint, max_attempts=1)
    (first,) = asking.answer([exchange()], QUICK)
    assert (first.text, first.num_attempts) == ("ok", 3)
    body = endpoint.asked[-1].body
    assert body["max_completion_tokens"] == 16
    assert not body.keys() & {"temperature", "top_p", "max_tokens"}
    (second,) = asking.answer([exchange()], QUICK)
    assert second.num_attempts == 1, "what was learnt stays"


def test_all_who_ask_at_once_learn_what_the_server_takes(endpoint: Endpoint) -> None:
    endpoint.script = picky
    replies = model(endpoint, max_attempts=1, max_concurrency=4).answer([exchange()] * 8, QUICK)
    assert [reply.text for reply in replies] == ["ok"] * 8


def test_a_server_that_goes_on_complaining_is_not_asked_for_ever(endpoint: Endpoint) -> None:
    endpoint.script = lambda number, _: failed(
        400, "max_completion_tokens and temperature are not supported"
    )
    reply = ask(endpoint)
    assert "not supported" in (reply.error or "")
    assert len(endpoint.asked) == 3, "once for each field that could be another"
