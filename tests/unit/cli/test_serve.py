"""`georay serve`: what it says before anything is started."""

import socket

import pytest
import typer
from typer.testing import CliRunner

from georay.cli.serve import _recipe, serve
from georay.errors import ModelUnavailable
from georay.models import registry

APP = typer.Typer()
APP.command()(serve)


def test_options_lie_over_the_recipe_file(tmp_path):
    file = tmp_path / "serve.yaml"
    file.write_text("model: some-folder\nhttp: {port: 9000}\nlimits: {max_queued: 20}\n")
    recipe = _recipe(file, None, 9001, None)
    assert (recipe.model, recipe.http.port, recipe.limits.max_queued) == ("some-folder", 9001, 20)
    assert recipe.http.host == "127.0.0.1"
    assert _recipe(file, "0.0.0.0", None, "tiny").http.port == 9000


def test_a_taken_port_is_said_before_a_model_is_loaded():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(APP, ["--port", str(port)])
    assert isinstance(result.exception, ValueError)
    assert "choose another --port" in str(result.exception)


def test_a_mistaken_recipe_names_its_key(tmp_path):
    file = tmp_path / "serve.yaml"
    file.write_text("limits: {max_pixel: 5}\n")
    result = CliRunner().invoke(APP, ["--recipe", str(file)])
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
