"""The encoder's first lessons: what each patch and thing is, told without places, and learnt."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from georay.config.pretrain import EyesRecipe, PretrainRecipe
from georay.factory.pretrain.eyes import Eyes, open_eyes, sights, within
from georay.factory.pretrain.groups import slower
from georay.factory.pretrain.run import untrained
from georay.factory.pretrain.scenes import MASK_SIDE, held_out_scenes, training_scenes
from georay.factory.pretrain.targets import Choices, Vocabulary, closed, eye_batch
from georay.streetworld.words.questions_places import names_place
from georay.streetworld.words.things import located_things
from georay.streetworld.world import StreetWorld

MODEL = {
    "num_words": 700,
    "cities_per_country": 1,
    "hidden_size": 128,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "visual": {"image_size": 56, "width": 32, "layers": 1, "heads": 2, "n_queries": 4},
}
LESSONS = EyesRecipe(num_steps=30, batch_size=4, learning_rate=0.01, warmup_steps=2, at_least=2)
GRID = 4


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small tensors lose time to a second thread."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return tmp_path_factory.mktemp("scenes")


def recipe_in(out, drawn) -> PretrainRecipe:
    scenes = {"folder": drawn, "seed": 1, "num_scenes": 16, "test_seed": 2, "num_test_scenes": 4}
    return PretrainRecipe.model_validate(
        {
            "name": "test",
            "model": MODEL,
            "scenes": scenes | {"processes": 1},
            "out": out,
            "num_steps": 1,
            "forms": {"num_steps": 1},
            "checkpoint_every": 10,
            "log_every": 10,
            "threads": 1,
            "precision": "float32",
        }
    )


@pytest.fixture(scope="module")
def scenes(drawn):
    return training_scenes(recipe_in(drawn, drawn).scenes, 56, lambda line: None)


@pytest.fixture(scope="module")
def vocabulary(scenes):
    return Vocabulary.of(scenes, 2)


def test_things_lie_where_the_clues_are_and_name_no_place():
    scene = StreetWorld(seed=4).scene(5)  # a Portuguese suburb with a direction sign
    things = located_things(scene)
    by_kind = {thing.kind: thing for thing in things}
    assert by_kind["place name"].text == "blue direction sign"
    clue = next(clue for clue in scene.clues if clue.kind == "place name")
    assert by_kind["place name"].box == pytest.approx([edge / 448 for edge in clue.box])
    for index in range(20):
        for thing in located_things(StreetWorld(seed=4).scene(index)):
            assert not names_place(thing.text), thing
            assert thing.kind != "flag"


def test_a_patch_has_the_shares_of_the_classes_that_cover_it(scenes, vocabulary):
    shares = vocabulary.shares(scenes[0], GRID).reshape(GRID, GRID, -1).numpy()
    labels, cells = scenes[0].labels(), MASK_SIDE // GRID
    for row, column in ((0, 0), (1, 3), (3, 2)):
        patch = labels[row * cells : (row + 1) * cells, column * cells : (column + 1) * cells]
        for place, label in enumerate(vocabulary.classes):
            assert shares[row, column, place] == pytest.approx((patch == label).mean())
    assert shares.sum(axis=-1) == pytest.approx(np.ones((GRID, GRID)))


def test_a_box_gives_the_mean_of_what_lies_in_it():
    patches = torch.arange(32, dtype=torch.float32).reshape(2, 16, 1)  # two images of 4 x 4
    boxes = torch.tensor([[0, 0, 0.5, 0.25], [0.25, 0.25, 0.375, 0.3], [0, 0, 1, 1]])
    means = within(patches, torch.tensor([0, 1, 1]), boxes)
    assert means[:, 0].tolist() == pytest.approx([0.5, 16 + 5, 16 + 7.5])


def test_an_answer_is_chosen_among_those_to_its_question():
    seen = [("roof", "red"), ("roof", "grey"), ("taxi", "red")] * 2 + [("roof", "rare")]
    choices = Choices(seen, at_least=2)
    assert choices.groups == ["roof", "taxi"] and len(choices) == 3
    assert choices.find("roof", "rare") is None
    for group, choice in seen[:3]:
        number, place = choices.find(group, choice)
        assert choices.groups[number] == group
        assert choices.allowed[number, place]
    assert choices.allowed.sum(dim=1).tolist() == [2, 1]


def test_what_belongs_to_another_question_has_no_probability(drawn, scenes, vocabulary):
    family = untrained(recipe_in(drawn, drawn), scenes)
    eyes = Eyes(family.network.transformer.visual, vocabulary)
    pixels = family.processor.pixels([scene.picture() for scene in scenes[:3]])
    batch = eye_batch(vocabulary, scenes[:3], pixels, GRID)
    asked = sum(
        vocabulary.answers.find(*pair) is not None for scene in scenes[:3] for pair in closed(scene)
    )
    assert len(batch.topics.choice) == asked > 10
    for said, group, allowed in (
        (eyes(batch)[1], batch.things.group, vocabulary.looks.allowed),
        (eyes(batch)[2], batch.topics.group, vocabulary.answers.allowed),
    ):
        odds = said.detach().exp()
        assert odds.sum(dim=1).tolist() == pytest.approx([1] * len(odds), abs=1e-4)
        assert (odds[~allowed[group]] == 0).all()


def test_a_thing_is_told_by_its_own_place(drawn, scenes, vocabulary):
    family = untrained(recipe_in(drawn, drawn), scenes)
    eyes = Eyes(family.network.transformer.visual, vocabulary)
    scene = next(scene for scene in scenes if len(scene.things) > 2)
    pixels = family.processor.pixels([scene.picture()])
    moved = [replace(thing, box=(0.0, 0.0, 0.1, 0.1)) for thing in scene.things]
    there = replace(scene, things=tuple(moved))
    with torch.inference_mode():
        first, second = (
            eyes(eye_batch(vocabulary, [each], pixels, GRID))[1] for each in (scene, there)
        )
    assert not torch.allclose(first, second, atol=1e-3)


def test_the_encoder_learns_and_a_killed_run_ends_on_the_same_weights(
    drawn, scenes, vocabulary, tmp_path
):
    def lessons(out, say):
        recipe = recipe_in(out, drawn)
        family = untrained(recipe, scenes)
        held_out = held_out_scenes(recipe.scenes, 56, lambda line: None)
        open_eyes(recipe, LESSONS, family, scenes, held_out, say)
        return family

    lines = []
    family = lessons(tmp_path / "whole", lines.append)
    losses = [float(line.split("loss ")[1].split()[0]) for line in lines if "loss" in line]
    assert losses[-1] < 0.8 * losses[0]
    assert any("class of most of a patch" in line for line in lines)

    class Killed(Exception):
        pass

    def kill(line: str) -> None:
        if "step 20 " in line:
            raise Killed

    with pytest.raises(Killed):
        lessons(tmp_path / "broken", kill)
    pointer = tmp_path / "broken" / "eyes" / "checkpoint.json"
    assert json.loads(pointer.read_text())["step"] == 10
    again = lessons(tmp_path / "broken", lambda line: None)
    expected = family.network.transformer.visual.state_dict()
    for name, tensor in again.network.transformer.visual.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def test_what_has_learnt_learns_on_at_a_share_of_the_rate():
    network = nn.ModuleDict({"old": nn.Linear(2, 2), "new": nn.Linear(2, 2)})
    rates = {
        parameter: (group["lr"], group["weight_decay"])
        for group in slower(network, network["old"], rate=1.0, decay=0.1, share=0.25)
        for parameter in group["params"]
    }
    assert rates == {
        network["old"].weight: (0.25, 0.1),
        network["old"].bias: (0.25, 0.0),
        network["new"].weight: (1.0, 0.1),
        network["new"].bias: (1.0, 0.0),
    }


def test_sights_count_right_answers_by_question(drawn, scenes, vocabulary):
    family = untrained(recipe_in(drawn, drawn), scenes)
    eyes = Eyes(family.network.transformer.visual, vocabulary)
    with torch.no_grad():  # always the first answer to every question
        eyes.answers.weight.zero_()
        eyes.answers.bias.copy_(-torch.arange(len(vocabulary.answers), dtype=torch.float32))
    seen = sights(eyes, family, vocabulary, scenes)
    group = vocabulary.answers.groups.index("setting of place")
    first = int(vocabulary.answers.allowed[group].int().argmax())
    told = [
        vocabulary.answers.find(*pair)[1]
        for scene in scenes
        for pair in closed(scene)
        if pair[0] == "setting of place" and vocabulary.answers.find(*pair)
    ]
    assert seen.right["setting of place"] == (
        len(told),
        pytest.approx(np.mean(np.equal(told, first))),
    )
