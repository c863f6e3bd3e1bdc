"""What `georay recipe VERB` prints: every key, explained, and a recipe once it is filled in."""

from importlib import import_module

import pytest
import yaml
from typer.testing import CliRunner

from georay.cli.app import app
from georay.cli.recipes import RECIPES
from georay.config.keys import dotted_keys
from georay.config.load import parse_recipe
from georay.config.overlay import merged

REQUIRED = {
    "curate": {"inputs": ["photos"], "output": "o"},
    "points": {"cities": [{"extract": "e.osm.pbf"}], "output": "p.csv"},
    "collect": {"points": "p", "output": "o", "provider": {"name": "google"}},
    "clues": {"sources": [{"path": "g.csv"}], "output": "c.parquet"},
    "samples": {"output": "o", "curation": "c"},
    "train": {"samples": ["s"], "output": "o", "base": {"model": "tiny"}},
    "baseline": {
        "samples": ["s"],
        "output": "o",
        "system": {"name": "planet", "backbone": {"small": {"kind": "resnet"}}},
    },
    "calibrate": {"samples": ["s"]},
    "predict": {"samples": ["s"], "output": "o.parquet", "model": "tiny"},
    "locate": {"inputs": ["photos"], "output": "o"},
    "serve": {},
}


def printed(verb):
    done = CliRunner().invoke(app, ["recipe", verb])
    assert done.exit_code == 0, done.exception
    return done.stdout


def schema(verb):
    module, _, name = RECIPES[verb].rpartition(".")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("verb", RECIPES)
def test_filled_in_it_is_the_recipe_of_all_defaults(verb):
    model, required = schema(verb), REQUIRED[verb]
    content = merged(yaml.safe_load(printed(verb)), required)
    assert parse_recipe(content, model, "printed") == parse_recipe(required, model, "by hand")


@pytest.mark.parametrize("verb", RECIPES)
def test_every_key_stands_in_it_and_what_must_be_filled_in_is_marked(verb):
    text = printed(verb)
    names = {line.lstrip(" #-").partition(":")[0] for line in text.splitlines()}
    assert {key.rpartition(".")[2] for key in dotted_keys(schema(verb))} <= names
    for name in REQUIRED[verb]:
        if schema(verb).model_fields[name].is_required():
            assert f"\n{name}:  # required" in text or f"\n{name}:\n" in text


def test_a_key_is_explained_above_it_and_its_bounds_behind_it():
    text = printed("curate")
    assert "# threshold: images with at least this locatability are kept" in text
    assert "\nthreshold: 0.4  # at least 0; at most 1\n" in text
    assert "\npanoramas: views  # one of: views, whole, skip\n" in text
    assert all(len(line) <= 110 for line in text.splitlines())


def test_a_part_that_is_absent_by_default_can_be_uncommented():
    lines = printed("serve").splitlines()
    start = lines.index("# remote:")
    block = [line for line in lines[start:] if line.startswith("# ")][:20]
    part = yaml.safe_load("\n".join(line.removeprefix("# ") for line in block if "#   " in line))
    assert part["max_attempts"] == 2 and part["base_url"] is None


def test_alternatives_of_a_part_stand_below_it():
    text = printed("collect")
    assert "\n  name: google\n" in text and "\n# or:\n# provider:\n" in text
    assert "\n#   name: kartaview\n" in text


def test_a_verb_without_a_recipe_is_told_which_have_one():
    done = CliRunner().invoke(app, ["recipe", "doctor"])
    assert "no verb 'doctor' takes a recipe; those that do: curate" in str(done.exception)
