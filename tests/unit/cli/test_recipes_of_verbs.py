"""Every verb takes its recipe in one way: the file, then --set, then the verb's own options."""

import pytest
import yaml
from typer.testing import CliRunner

from georay.cli.app import app

CITY = {"extract": "e.osm.pbf"}
SYSTEM = {"name": "planet", "backbone": {"small": {"kind": "resnet"}}}
ASKED = {"samples": ["s"], "output": "o.parquet", "model": "tiny"}
VERBS = {
    "curate": ("georay.curation.curate.curate", {"inputs": ["a"], "output": "o"}),
    "samples": ("georay.curation.samples.make_samples", {"curation": "c", "output": "o"}),
    "train": (
        "georay.training.train.train",
        {"samples": ["s"], "output": "o", "base": {"model": "tiny"}},
    ),
    "predict": ("georay.evaluation.predict.predict", ASKED),
    "calibrate": ("georay.evaluation.calibrating.calibrate", {"samples": ["s"], "output": "o"}),
    "baseline": (
        "georay.evaluation.baselines.make_baseline.make_baseline",
        {"samples": ["s"], "output": "o", "system": SYSTEM},
    ),
    "clues": (
        "georay.flow.clues.make_clues",
        {"sources": [{"path": "g.csv"}], "output": "c.parquet"},
    ),
    "points": (
        "georay.acquisition.roads.make_points.make_points",
        {"cities": [CITY], "output": "p.parquet"},
    ),
    "collect": (
        "georay.acquisition.download.collect.collect",
        {"points": "p", "output": "o", "provider": {"name": "panoramax"}},
    ),
    "locate": ("georay.flow.collection.locate_collection", {"inputs": ["a"], "output": "o"}),
    "serve": ("georay.cli.serve._warn", {"http": {"port": 47813}}),
}


class Stop(Exception):
    """Ends a verb where its work would begin."""


@pytest.fixture
def resolved(tmp_path, monkeypatch):
    """The recipe that a verb makes of a file and what stands behind it."""

    def run(verb, *options):
        where, content = VERBS[verb]
        seen = []

        def keep(recipe, *_):
            seen.append(recipe)
            raise Stop

        monkeypatch.setattr(where, keep)
        file = tmp_path / "recipe.yaml"
        file.write_text(yaml.safe_dump(content))
        done = CliRunner().invoke(app, [verb, str(file), *options])
        if not isinstance(done.exception, Stop):
            raise done.exception
        return seen[-1]

    return run


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_takes_its_recipe_first_and_settings_behind_it(resolved, verb):
    if verb == "samples":
        assert resolved(verb, "--set", "splits.seed=7").splits.seed == 7
    elif verb == "calibrate":
        assert resolved(verb, "--set", "max_images=7").max_images == 7
    else:
        assert resolved(verb, "--set", "cluster.num_cpus=7").cluster.num_cpus == 7


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_key_is_refused_with_the_nearest_one(resolved, verb):
    near = "output" if verb != "serve" else "model"
    with pytest.raises(ValueError, match=f"did you mean {near}"):
        resolved(verb, "--set", f"{near}s=7")


def test_everyday_options_lie_on_top(resolved):
    assert resolved("curate", "--threshold", "0.5", "--out", "new").threshold == 0.5
    weights = resolved("curate", "--clues", "c.csv", "--set", "weights.scope=row").weights
    assert (weights.clues, weights.scope) == ("c.csv", "row")
    assert resolved("curate", "more/").inputs == ("more/",)
    assert resolved("train", "--base", "other").base.model == "other"
    assert resolved("points", "--count", "3").count == 3
    assert resolved("predict", "--model", "other").model == "other"
    assert resolved("calibrate", "more/", "--familiarity").samples == ("more/",)


def test_two_recipes_are_refused(tmp_path):
    done = CliRunner().invoke(app, ["curate", "a.yaml", "b.yaml"])
    assert "one run has one recipe" in str(done.exception)
