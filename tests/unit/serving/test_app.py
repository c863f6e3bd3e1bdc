"""The Serve application and its reviewed files, without a cluster."""

import inspect
from pathlib import Path

import pytest
import yaml
from ray import serve
from ray.serve.schema import ServeDeploySchema

from georay.config.load import parse_recipe
from georay.config.serve import ServeRecipe
from georay.serving import app

FILES = sorted((Path(__file__).parents[3] / "cluster" / "serve").glob("*.yaml"))


def loaded(path: Path) -> ServeDeploySchema:
    return ServeDeploySchema.model_validate(yaml.safe_load(path.read_text()))


@pytest.fixture(autouse=True)
def storage(monkeypatch, tmp_path):
    """The folder that all nodes of a cluster share, which files for one name."""
    monkeypatch.setenv("GEORAY_STORAGE", str(tmp_path))


def test_there_is_a_file_for_a_laptop_one_for_gpus_and_one_for_vllm():
    assert {"gpu", "laptop", "vllm"} <= {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_serve_file_builds_and_is_safe(path):
    schema = loaded(path)
    (application,) = schema.applications
    module, _, name = application.import_path.partition(":")
    assert (module, name) == (app.__name__, app.build.__name__)
    recipe = parse_recipe(application.args, ServeRecipe, path.name)
    if "GEORAY_STORAGE" in path.read_text():  # where nothing was trained yet
        with pytest.raises(ValueError, match=r"no adapter|no file"):
            app.build(recipe)
    else:
        assert isinstance(app.build(recipe), serve.Application)
    assert schema.http_options.host == "127.0.0.1", "loopback unless someone decides otherwise"
    assert schema.http_options.request_timeout_s > recipe.limits.timeout_s
    assert recipe.limits.max_queued > 0
    secrets = ("key_variable", "keys_variable")
    written = yaml.safe_load(path.read_text())["applications"][0]["args"].get("limits", {})
    assert all(name in secrets for name in written if "key" in name)


def test_the_variants_differ_in_what_they_run_on():
    gpu, laptop = (
        parse_recipe(loaded(path).applications[0].args, ServeRecipe, path.name)
        for path in FILES
        if path.stem in {"gpu", "laptop"}
    )
    assert (laptop.replicas.num_gpus, gpu.replicas.num_gpus) == (0, 1)
    assert gpu.replicas.min == 0 < laptop.replicas.min < laptop.replicas.max


def test_the_options_of_replicas_hold_together():
    recipe = parse_recipe({"replicas": {"min": 0, "max": 3}}, ServeRecipe, "test")
    options = app.model_options(recipe)
    assert options["max_ongoing_requests"] >= recipe.batching.max_batch_size
    assert options["max_queued_requests"] == recipe.limits.max_queued
    scaling = options["autoscaling_config"]
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (0, 3)
    assert scaling["look_back_period_s"] > 10
    assert options["graceful_shutdown_timeout_s"] >= recipe.limits.timeout_s


def test_serve_hands_a_files_arguments_over_as_a_recipe():
    (parameter,) = inspect.signature(app.build).parameters.values()
    assert parameter.annotation is ServeRecipe
