"""Pre-training the tiny base: packed like separate conversations, resumable, written whole."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from georay.config.load import load_recipe
from georay.config.pretrain import PretrainRecipe
from georay.config.tiny import TinyModelRecipe
from georay.core.prompts import Conversation
from georay.factory.pretrain.attention import PlainAttention
from georay.factory.pretrain.evaluate import commonest_answers, evaluate
from georay.factory.pretrain.forms import as_form, forget_unused_words, half_as_forms
from georay.factory.pretrain.packing import Packer, read_answers
from georay.factory.pretrain.run import loss_of, plain_questions, pretrain, train, untrained
from georay.factory.pretrain.scenes import AskedScene, held_out_scenes, training_scenes
from georay.models import registry
from georay.models.families.base import Exchange, Sampling
from georay.models.families.qwen_vl import QwenVLFamily
from georay.models.loading import load_family

RECIPES = Path(__file__).resolve().parents[3] / "jobs" / "recipes"
SMALL = {
    "num_words": 700,
    "cities_per_country": 1,
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 256,
    "visual": {"image_size": 56, "width": 32, "layers": 1, "heads": 2, "n_queries": 4},
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small tensors lose time to a second thread."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """Where all tests find their scenes: they are drawn once."""
    return tmp_path_factory.mktemp("scenes")


def recipe_in(out: Path, drawn: Path, **changes) -> PretrainRecipe:
    settings = {
        "name": "test",
        "model": SMALL,
        "scenes": {
            "folder": drawn,
            "seed": 1,
            "num_scenes": 12,
            "test_seed": 2,
            "num_test_scenes": 4,
            "processes": 1,
        },
        "out": out,
        "num_steps": 6,
        "forms": {"num_steps": 2, "warmup_steps": 1},
        "batch_size": 3,
        "questions_per_scene": 4,
        "warmup_steps": 2,
        "checkpoint_every": 3,
        "log_every": 2,
        "threads": 1,
        "precision": "float32",
    }
    return PretrainRecipe.model_validate(settings | changes)


def silent(line: str) -> None:
    """For those who do not listen."""


@pytest.fixture(scope="module")
def scenes(drawn) -> list[AskedScene]:
    return training_scenes(recipe_in(drawn, drawn).scenes, 56, silent)


@pytest.fixture(scope="module")
def taught(drawn, scenes, tmp_path_factory) -> tuple[QwenVLFamily, list[AskedScene]]:
    """A small model that knows some answers about two scenes by heart."""
    few = [replace(scene, questions=scene.questions[:8]) for scene in scenes[:2]]
    out = tmp_path_factory.mktemp("taught")
    settings = {"num_steps": 60, "learning_rate": 5e-3, "batch_size": 2, "questions_per_scene": 8}
    recipe = recipe_in(out, drawn, ema_decay=0.0, **settings)
    family = untrained(recipe, scenes)
    family.network = train(recipe, family, few, silent, plain_questions)
    return family, few


def exchanges(scene: AskedScene) -> list[Exchange]:
    picture = scene.picture()
    return [
        Exchange((picture,), Conversation(pair.question, answer=pair.answer))
        for pair in scene.questions
    ]


def packed(family: QwenVLFamily, scenes: list[AskedScene]):
    asked = [[(pair.question, pair.answer) for pair in scene.questions] for scene in scenes]
    return Packer(family).pack([scene.picture() for scene in scenes], asked)


def test_packed_questions_have_the_loss_of_separate_conversations(taught, scenes):
    family, _ = taught
    with torch.inference_mode():
        losses, _ = read_answers(family.network, packed(family, scenes[:3])).by_answer()
        alone = [
            family.network(**family.encode_for_training([exchange])).loss
            for scene in scenes[:3]
            for exchange in exchanges(scene)
        ]
    assert len(alone) > 40
    assert losses.tolist() == pytest.approx([loss.item() for loss in alone], abs=1e-4)


def test_a_question_does_not_see_its_neighbours(taught, scenes):
    family, _ = taught
    one = replace(scenes[0], questions=scenes[0].questions[:3])
    other = replace(scenes[0], questions=(scenes[0].questions[5], *scenes[0].questions[1:3]))
    with torch.inference_mode():
        first, second = (
            read_answers(family.network, packed(family, [scene])).by_answer()[0]
            for scene in (one, other)
        )
    assert first[0] != pytest.approx(second[0].item(), abs=1e-3)
    assert first[1:].tolist() == pytest.approx(second[1:].tolist(), abs=1e-4)


def test_an_exact_match_is_what_greedy_decoding_would_say(taught, scenes):
    family, few = taught
    asked = [few[0], replace(scenes[5], questions=scenes[5].questions[:6])]
    with torch.inference_mode():
        _, exact = read_answers(family.network, packed(family, asked)).by_answer()
    said = []
    for scene in asked:
        batch = family.encode(exchanges(scene))
        said += family.generate(batch, Sampling(max_new_tokens=80))
    true = [pair.answer for scene in asked for pair in scene.questions]
    assert exact.tolist() == [text == answer for text, answer in zip(said, true, strict=True)]
    assert 0 < exact.sum() < len(exact), "both outcomes must occur"


def test_long_answers_weigh_by_the_root_of_their_length(taught, scenes):
    family, _ = taught
    with torch.inference_mode():
        tokens = read_answers(family.network, packed(family, scenes[:1]))
    losses, _ = tokens.by_answer()
    roots = torch.bincount(tokens.answer).double().sqrt()
    expected = (losses * roots).sum() / roots.sum()
    assert tokens.weighted_loss().item() == pytest.approx(expected.item(), rel=1e-5)


def test_plain_attention_gives_torchs_loss_and_gradients(taught, scenes):
    family, _ = taught
    batch = packed(family, scenes[:2])

    def learnt(loss):
        family.network.zero_grad()
        loss.backward()
        return loss.item(), [p.grad for p in family.network.parameters() if p.grad is not None]

    loss, gradients = learnt(read_answers(family.network, batch).weighted_loss())
    plain_loss, plain_gradients = learnt(loss_of(family, batch))
    assert plain_loss == pytest.approx(loss, abs=1e-4)
    for plain, gradient in zip(plain_gradients, gradients, strict=True):
        assert torch.allclose(plain, gradient, atol=1e-4)


def test_plain_attention_takes_the_place_of_torchs_own(taught):
    family, _ = taught
    with PlainAttention(), pytest.raises(AssertionError, match="bring their mask"):
        family.network(input_ids=torch.zeros(1, 3, dtype=torch.long))


def test_each_query_begins_with_its_own_part_of_the_picture(drawn, scenes):
    visual = untrained(recipe_in(drawn, drawn), scenes).network.transformer.visual
    noise = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before = visual(noise)
        moved = []
        for row, column in ((0, 0), (0, 28), (28, 0), (28, 28)):
            changed = noise.clone()
            changed[:, :, row : row + 28, column : column + 28] *= -1
            moved.append((visual(changed) - before).norm(dim=-1)[0])
    assert torch.stack(moved).argmax(dim=1).tolist() == [0, 1, 2, 3]


def test_a_killed_run_ends_on_the_weights_of_an_uninterrupted_one(drawn, scenes, tmp_path):
    whole = recipe_in(tmp_path / "whole", drawn)
    expected = train(whole, untrained(whole, scenes), scenes, silent, plain_questions).state_dict()

    class Killed(Exception):
        pass

    def kill(line: str) -> None:
        if line.startswith("step 4 "):
            raise Killed

    broken = recipe_in(tmp_path / "broken", drawn)
    with pytest.raises(Killed):
        train(broken, untrained(broken, scenes), scenes, kill, plain_questions)
    assert json.loads((broken.out / "checkpoint.json").read_text())["step"] == 3
    resumed = train(broken, untrained(broken, scenes), scenes, silent, plain_questions).state_dict()
    assert all(torch.equal(resumed[name], tensor) for name, tensor in expected.items())
    assert len(list(broken.out.glob("checkpoint-*.safetensors"))) == 1, "older ones are removed"


def test_a_run_ends_in_a_folder_that_ships_as_tiny_and_scores_as_its_card_says(
    drawn, tmp_path, monkeypatch
):
    recipe, lines = recipe_in(tmp_path, drawn), []
    folder = pretrain(recipe, lines.append)
    monkeypatch.setattr(registry, "PACKAGED", folder.parent)
    weights = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    family = load_family("tiny")
    held_out = held_out_scenes(recipe.scenes, 56, silent)
    usual = commonest_answers(
        pair for scene in training_scenes(recipe.scenes, 56, silent) for pair in scene.questions
    )
    scores = evaluate(family, held_out, usual)
    written = json.loads((folder / "scores.json").read_text())
    assert scores.all.num_questions == sum(len(scene.questions) for scene in held_out)
    assert written["all"]["loss"] == pytest.approx(scores.all.loss, abs=1e-6)
    assert written["all"]["exact"] == scores.all.exact
    card = (folder / "README.md").read_text()
    assert scores.as_text() in card and "seed 2" in card
    assert any("samples/s" in line and "min left" in line for line in lines)


def test_half_of_the_lessons_at_the_end_are_forms_of_the_same_facts(scenes):
    pairs = scenes[0].questions[:8]
    asked = half_as_forms(pairs)
    assert asked[:4] == [(pair.question, pair.answer) for pair in pairs[:4]]
    assert [list(json.loads(answer).items()) for _, answer in asked[4:]] == [
        [(pair.topic, pair.answer) for pair in pairs[first : first + 2]] for first in (4, 6)
    ]
    assert all(pair.topic in as_form(pairs)[0] for pair in pairs)


def test_words_of_no_lesson_get_neither_favour_nor_prejudice(drawn, scenes):
    family = untrained(recipe_in(drawn, drawn), scenes)
    answers = ["a residential street", "rain"]
    used = {token for answer in answers for token in family.tokenizer(answer)["input_ids"]}
    used.add(family.tokenizer.eos_token_id)
    before = family.network.lm_head.weight.detach().clone()
    with torch.no_grad():
        family.network.lm_head.weight[[row for row in range(len(before)) if row not in used]] -= 9
    forget_unused_words(family, answers, seed=0)
    after = family.network.lm_head.weight.detach()
    mean, spread = before[sorted(used)].mean(dim=0), before[sorted(used)].std(dim=0)
    others = torch.stack([row for place, row in enumerate(after) if place not in used])
    assert torch.equal(after[sorted(used)], before[sorted(used)])
    assert ((others.mean(dim=0) - mean).abs() < 0.1 * spread + 1e-6).all()
    assert (others.std(dim=0) / spread).mean().item() == pytest.approx(0.5, abs=0.05)


def test_another_recipe_does_not_go_on_with_a_run(drawn, tmp_path):
    (tmp_path / "recipe.yaml").write_text("name: another\n")
    with pytest.raises(ValueError, match="another recipe"):
        pretrain(recipe_in(tmp_path, drawn), silent)


def test_a_loss_that_is_no_number_stops_the_run(drawn, scenes, tmp_path):
    recipe = recipe_in(tmp_path, drawn)
    family = untrained(recipe, scenes)
    with torch.no_grad():
        family.network.lm_head.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match="loss of step 0 is nan"):
        train(recipe, family, scenes, silent, plain_questions)


def test_scenes_are_drawn_once_and_a_lost_shard_is_drawn_again(drawn, scenes):
    settings = recipe_in(drawn, drawn).scenes
    (shard,) = (drawn / "seed-1-56").iterdir()
    before, made = pq.read_table(shard), shard.stat().st_mtime_ns
    assert training_scenes(settings, 56, silent) == scenes
    assert shard.stat().st_mtime_ns == made
    shard.unlink()
    training_scenes(settings, 56, silent)
    assert pq.read_table(shard).equals(before)
    assert {scene.picture().size for scene in scenes} == {(56, 56)}


def test_the_commonest_answer_is_found_for_every_topic(scenes):
    pairs = [pair for scene in scenes for pair in scene.questions]
    usual = commonest_answers(pairs)
    for pair in pairs:
        tally = [other.answer for other in pairs if other.topic == pair.topic]
        assert tally.count(usual[pair.topic]) >= tally.count(pair.answer)


def test_the_shipped_recipe_trains_the_model_of_the_tiny_recipe():
    recipe = load_recipe(RECIPES / "pretrain-tiny.yaml", PretrainRecipe)
    assert recipe.model == load_recipe(RECIPES / "tiny.yaml", TinyModelRecipe)


def test_held_out_scenes_need_a_seed_of_their_own(drawn):
    with pytest.raises(ValueError, match="another seed"):
        recipe_in(
            drawn,
            drawn,
            scenes={"folder": drawn, "seed": 3, "num_scenes": 1}
            | {"test_seed": 3, "num_test_scenes": 1},
        )
