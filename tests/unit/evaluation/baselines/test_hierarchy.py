"""Levels of cells: the finest answers with the coarser ones; kinds of scenes."""

import numpy as np
import pytest
import torch

from georay.config.baselines import SCENE_KINDS, PartitionRecipe
from georay.evaluation.baselines.geocells.hierarchy import Hierarchy
from georay.evaluation.baselines.geocells.scenes import kinds_of
from georay.evaluation.baselines.geocells.spots import UNKNOWN, cell_loss
from georay.evaluation.datasets import KnownPicture
from georay.locatability.labels import LABEL_INDEX


def picture(latitude, longitude):
    return KnownPicture("one", "one.jpg", "DE", None, latitude, longitude)


@pytest.fixture(scope="module")
def levels():
    """Rome and Naples in one coarse cell, Sydney far away."""
    places = [(41.9, 12.5), (40.85, 14.27), (-33.9, 151.2)]
    recipes = [PartitionRecipe(min_pictures=1, max_pictures=most) for most in (2, 1)]
    return Hierarchy.build([picture(*place) for place in places], recipes)


def test_a_fine_cells_probability_is_its_own_times_that_of_the_coarse_cell_around_it(levels):
    assert levels.sizes == [2, 3]
    coarse = torch.tensor([[0.7, 0.3]]).log()
    fine = torch.tensor([[0.2, 0.5, 0.3]]).log()
    parents = levels.finest.parents(levels.levels[0])
    products = np.array([0.2, 0.5, 0.3]) * np.array([0.7, 0.3])[parents]
    found = levels.joint([coarse, fine]).exp()[0].numpy()
    assert found == pytest.approx(products / products.sum())


def test_a_sure_coarse_level_overrules_an_undecided_fine_one(levels):
    sydney = levels.targets([picture(-33.9, 151.2)])
    coarse = torch.zeros(1, 2)
    coarse[0, sydney[0]] = 9.0
    (found,) = levels.locations([coarse, torch.zeros(1, 3)], top_k=1)
    assert (found.country, found.latitude) == ("AU", pytest.approx(-33.9))
    assert found.candidates[0].probability == pytest.approx(1, abs=1e-3)


def test_a_cells_town_is_that_of_most_of_its_training_pictures():
    towns = ["Munich", "Munich", "Dachau"]
    pictures = [KnownPicture("one", "one.jpg", "DE", town, 48.2, 11.5) for town in towns]
    recipes = [PartitionRecipe(min_pictures=1, max_pictures=most) for most in (20, 10)]
    found = Hierarchy.build(pictures, recipes)
    assert [town.name for town in found.towns] == ["Munich"]
    assert Hierarchy.from_json(found.to_json()).towns == found.towns


def test_pictures_outside_all_cells_add_nothing_to_the_loss():
    logits = torch.randn(3, 4, requires_grad=True)
    one = cell_loss(logits[:1], torch.tensor([2]))
    three = cell_loss(logits, torch.tensor([2, UNKNOWN, UNKNOWN]))
    assert three.item() == pytest.approx(one.item())
    nothing = cell_loss(logits, torch.full((3,), UNKNOWN))
    nothing.backward()
    assert nothing == 0 and (logits.grad == 0).all()


def test_kinds_of_scenes_go_by_the_largest_area():
    ids = torch.full((4, 4, 4), LABEL_INDEX["sky"])
    ids[0, :2], ids[0, 2] = LABEL_INDEX["tree"], LABEL_INDEX["road"]
    ids[1, 0], ids[1, 1:] = LABEL_INDEX["tree"], LABEL_INDEX["building"]
    ids[2] = LABEL_INDEX["bed"]
    ids[3] = 255  # not known to the segmenter
    named = [SCENE_KINDS[number] for number in kinds_of(ids).tolist()]
    assert named == ["natural", "urban", "indoor", "urban"]
