"""Every system learns twenty pictures by heart, and says the same when it was saved and read."""

import re
from pathlib import Path

import pytest
import torch
from baseline_room import SYSTEMS, answers, learnt_by_heart, recipe_of, train_pictures

import georay.evaluation.baselines as room
from georay.core.geo import distance_km
from georay.evaluation.baselines.folder import put_weights, save_weights
from georay.evaluation.baselines.systems import build_system, system_class

PARAMETERS = pytest.mark.parametrize("name", SYSTEMS)


@pytest.fixture(scope="module")
def trained(samples, tmp_path_factory):
    """Each system once, with its recipe and its losses."""
    done = {}

    def train(name):
        if name not in done:
            recipe = recipe_of(samples, tmp_path_factory.mktemp(name), name)
            done[name] = (recipe, *learnt_by_heart(recipe))
        return done[name]

    return train


@PARAMETERS
def test_a_network_learns_twenty_pictures_by_heart(trained, name):
    recipe, network, first, last = trained(name)
    pictures, found = train_pictures(recipe), answers(network, recipe)
    assert last < first / 2
    right = [one.country == true.country for one, true in zip(found, pictures, strict=True)]
    assert sum(right) >= 18, (first, last, right)
    near = [
        distance_km(one.latitude, one.longitude, true.latitude, true.longitude) < 750
        for one, true in zip(found, pictures, strict=True)
    ]
    assert sum(near) >= 18


@PARAMETERS
def test_candidates_are_probabilities_that_fall(trained, name):
    recipe, network, _, _ = trained(name)
    for one in answers(network, recipe, top_k=3):
        assert one.status == "answered" and 1 <= len(one.candidates) <= 3
        shares = [candidate.probability for candidate in one.candidates]
        assert shares == sorted(shares, reverse=True) and 0 < sum(shares) <= 1 + 1e-6
        for candidate in one.candidates:
            inside = sum(town.probability for town in candidate.towns)
            assert inside <= candidate.probability + 1e-6
    assert all(one.candidates == () for one in answers(network, recipe, top_k=0))


@PARAMETERS
def test_weights_saved_and_read_again_give_the_same_answers(trained, tmp_path, name):
    recipe, network, _, _ = trained(name)
    save_weights(network, tmp_path / "model.safetensors")
    facts = system_class(recipe).facts(recipe, train_pictures(recipe))
    again = build_system(recipe, facts).eval()
    put_weights(again, tmp_path / "model.safetensors")
    assert answers(again, recipe) == answers(network, recipe)


@PARAMETERS
def test_a_card_says_what_is_the_papers_and_what_is_ours(samples, tmp_path, name):
    card = system_class(recipe_of(samples, tmp_path, name)).card
    assert card.papers and card.ours
    assert re.search(r"(19|20)\d\d", card.paper), "which paper, and of when"


def test_a_system_is_about_two_hundred_lines():
    """The contract of the room: each system is read in one sitting."""
    for file in Path(room.__file__).parent.rglob("*.py"):
        assert len(file.read_text().splitlines()) <= 220, file.name


def test_pictures_of_cells_with_too_few_others_teach_nothing_and_break_nothing(samples, tmp_path):
    crowded = {"min_pictures": 3, "max_pictures": 8}
    recipe = recipe_of(
        samples,
        tmp_path,
        "planet",
        system={
            "name": "planet",
            "backbone": {"small": {"kind": "resnet", "width": 64}},
            "partition": crowded,
        },
    )
    pictures = train_pictures(recipe)
    facts = system_class(recipe).facts(recipe, pictures)
    kept = sum(facts["partition"]["num_pictures"])
    assert 0 < kept < len(pictures)
    assert facts["notes"] == [
        f"{len(pictures) - kept} of {len(pictures)} pictures lie in cells with fewer than 3, "
        "which are no classes: nothing is learnt from them"
    ]
    network, first, last = learnt_by_heart(recipe)
    assert last < first and torch.isfinite(torch.tensor(last)) and network is not None
