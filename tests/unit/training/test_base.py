"""A base that cannot be loaded is said before anything is written or a cluster starts."""

import json

import pytest
from training_room import small_recipe, write_samples

from georay.training.train import train


@pytest.fixture
def samples(tmp_path):
    return write_samples(tmp_path / "data", 3)


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    """Who asks for one has gone too far."""
    monkeypatch.setattr("georay.runtime.connect.connect", None)


@pytest.mark.parametrize("address", ["local", "auto"])
def test_a_name_that_names_no_model_is_said_at_once(samples, tmp_path, address):
    recipe = small_recipe(samples, "nobody", tmp_path / "run", cluster={"address": address})
    with pytest.raises(ValueError, match="no such model"):
        train(recipe)
    assert not (tmp_path / "run").exists(), "or the right name would be held to the wrong one"


def test_a_folder_that_holds_no_model_is_said_at_once(samples, tmp_path):
    base = tmp_path / "base"
    with pytest.raises(ValueError, match="no folder"):
        train(small_recipe(samples, base, tmp_path / "run"))
    base.mkdir()
    with pytest.raises(ValueError, match="is it a model"):
        train(small_recipe(samples, base, tmp_path / "run"))
    (base / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ValueError, match="'bert' model"):
        train(small_recipe(samples, base, tmp_path / "run"))
    assert not (tmp_path / "run").exists()
