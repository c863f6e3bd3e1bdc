"""Steps of training: whole epochs, a rate that falls, and a state that is taken up as it was."""

import pytest
import torch
from baseline_room import recipe_of, train_pictures

from georay.evaluation.baselines.learner import Learner, num_steps, rate
from georay.evaluation.baselines.pictures import LearntPictures, Viewer
from georay.evaluation.baselines.systems import build_system, system_class


@pytest.fixture
def room(samples, tmp_path):
    recipe = recipe_of(samples, tmp_path, "planet")
    pictures = train_pictures(recipe)
    facts = system_class(recipe).facts(recipe, pictures)
    seen = LearntPictures(Viewer(recipe.image_size, None), pictures, 2**30)

    def start():
        torch.manual_seed(0)
        network = build_system(recipe, facts)
        return network, Learner(network, recipe.learning, seen, seed=0)

    return start


def test_every_epoch_shows_all_pictures_once_in_another_order(room):
    _, learner = room()
    first = [one for step in (0, 1) for one in learner._chosen(step)]
    second = [one for step in (2, 3) for one in learner._chosen(step)]
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second


def test_a_restored_training_ends_on_the_weights_of_one_that_never_stopped(room, tmp_path):
    straight, learner = room()
    for step in range(6):
        learner.step(step, step / 6)
    _, before = room()
    for step in range(3):
        before.step(step, step / 6)
    before.save(tmp_path, 3, 1.5)
    torch.manual_seed(99)
    resumed, after = room()
    assert after.restore(tmp_path) == (3, 1.5)
    for step in range(3, 6):
        after.step(step, step / 6)
    for name, value in straight.state_dict().items():
        assert torch.allclose(resumed.state_dict()[name], value, atol=1e-6), name


def test_the_rate_rises_in_a_line_and_falls_in_a_cosine():
    assert rate(0.05, 0.1) == pytest.approx(0.5)
    assert rate(0.1, 0.1) == pytest.approx(1.0)
    assert rate(0.55, 0.1) == pytest.approx(0.5)
    assert rate(1.0, 0.1) == pytest.approx(0.0, abs=1e-9)
    assert rate(0.0, 0.1) > 0, "the first step must learn something"


@pytest.mark.parametrize(
    ("pictures", "epochs", "batch", "steps"), [(20, 3, 10, 6), (21, 1, 10, 3), (1, 1, 9, 1)]
)
def test_steps_are_whole_batches(samples, tmp_path, pictures, epochs, batch, steps):
    learning = recipe_of(samples, tmp_path, "planet").learning
    changed = learning.model_copy(update={"num_epochs": epochs, "batch_size": batch})
    assert num_steps(pictures, changed) == steps
