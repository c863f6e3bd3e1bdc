"""`georay serve`: what it says before anything is started."""

import socket

import pytest
import typer
from typer.testing import CliRunner

from georay.cli.serve import _warn, serve
from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.errors import ModelUnavailable
from georay.models import registry

APP = typer.Typer()
APP.command()(serve)


def test_options_lie_over_the_recipe_file(tmp_path):
    file = tmp_path / "serve.yaml"
    file.write_text("model: some-folder\nhttp: {port: 9000}\nlimits: {max_queued: 20}\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(APP, [str(file), "--port", str(port)])
    assert f"http://127.0.0.1:{port}/" in str(result.exception)


def test_a_taken_port_is_said_before_a_model_is_loaded():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(APP, ["--port", str(port)])
    assert isinstance(result.exception, ValueError)
    assert "choose another --port" in str(result.exception)


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("limits: {keys_variable: ABSENT_KEYS}", "ABSENT_KEYS"),
        ("model: nobody", "no such model"),
        ("adapters: /nowhere", "no adapter"),
        ("locatability: {weights: /nowhere}", "no file"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence_before_ray_starts(
    tmp_path, monkeypatch, content, sentence
):
    monkeypatch.delenv("ABSENT_KEYS", raising=False)
    monkeypatch.setattr("georay.serving.app.connect", None)
    file = tmp_path / "serve.yaml"
    file.write_text(content)
    result = CliRunner().invoke(APP, [str(file), "--port", free_port()])
    assert isinstance(result.exception, (ValueError, ModelUnavailable)), result.exception
    assert sentence in str(result.exception)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("[::1]", "http://[::1]:8000/"),
        ("::1", "http://[::1]:8000/"),
        ("::", "http://[::]:8000/"),
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("localhost", "http://localhost:8000/"),
    ],
)
def test_an_ipv6_address_may_have_brackets_and_is_shown_with_them(host, url):
    http = parse_recipe({"http": {"host": host}}, ServeRecipe, "test").http
    assert http.url == url and "[" not in http.host


def test_a_taken_port_is_shown_as_an_address():
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(APP, ["--host", "[::1]", "--port", str(port)])
    assert f"http://[::1]:{port}/" in str(result.exception)


@pytest.mark.parametrize(
    ("host", "limits", "is_said"),
    [
        ("0.0.0.0", {}, True),
        ("::", {}, True),
        ("192.0.2.7", {}, True),
        ("0.0.0.0", {"keys_variable": "SOME_KEYS"}, False),
        ("127.0.0.1", {}, False),
        ("127.8.8.8", {}, False),
        ("localhost", {}, False),
        ("::1", {}, False),
    ],
)
def test_listening_beyond_this_machine_without_keys_is_said_in_one_line(
    capsys, host, limits, is_said
):
    _warn(parse_recipe({"http": {"host": host}, "limits": limits}, ServeRecipe, "test"))
    caveat, *said = capsys.readouterr().err.splitlines()
    assert "drawn streets only" in caveat
    assert len(said) == is_said
    assert all("whoever reaches" in line and "keys_variable" in line for line in said)


def test_a_mistaken_recipe_names_its_key(tmp_path):
    file = tmp_path / "serve.yaml"
    file.write_text("limits: {max_pixel: 5}\n")
    result = CliRunner().invoke(APP, [str(file)])
    assert "limits.max_pixel" in str(result.exception)


def test_absent_weights_are_said_before_a_cluster_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path
):
    monkeypatch.setattr(registry, "PACKAGED", tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    result = CliRunner().invoke(APP, ["--port", str(port)])
    assert isinstance(result.exception, ModelUnavailable)
    assert "Name another model" in str(result.exception)
