"""Training from a recipe to adapters on a real Ray cluster of this machine."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import ray
import yaml
from PIL import Image
from training_room import small_recipe, write_base, write_samples
from typer.testing import CliRunner

from georay.cli.app import app
from georay.core.prompts import INFERENCE, Conversation
from georay.errors import TrainingStopped
from georay.models.adapter_card import read_card, tensors_hash
from georay.models.adapters import STAGES, AdapterStack
from georay.models.families.base import Exchange, Sampling
from georay.models.loading import load_family
from georay.training.train import train
from georay.training.watch import read_steps

NUM_TRAIN, NUM_VALIDATION = 20, 6
pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    write_base(folder / "base")
    write_samples(folder / "data", NUM_TRAIN, NUM_VALIDATION)
    return folder


def recipe_of(folder, out, **changes):
    data = folder / "data" / "samples.parquet"
    return small_recipe(data, folder / "base", out, **({"checkpoints": {"every": 2}} | changes))


@pytest.fixture(scope="module")
def finished(folder):
    """A run of both stages and its summary; its worker leaves less than one CPU slot free."""
    out = folder / "finished"
    workers = {"cpus_per_worker": 1.2, "cpus_per_read": 0.3, "max_failures": 0}
    with ThreadPoolExecutor(1) as thread:
        training = thread.submit(train, recipe_of(folder, out, workers=workers))
        try:
            return out, training.result(timeout=300)
        except TimeoutError:
            ray.shutdown()  # or the thread would wait for ever
            raise


def test_both_adapters_are_plain_peft_folders_that_reload_and_answer(finished, folder):
    out, _ = finished
    for stage in STAGES:
        kept = {path.name for path in (out / "adapters" / stage).iterdir()}
        assert {"adapter_model.safetensors", "adapter_config.json", "card.json"} <= kept
    family = load_family(str(folder / "base"))
    AdapterStack.load(family.network, "base", out / "adapters")
    asked = Exchange((Image.new("RGB", (64, 48)),), Conversation(INFERENCE.question))
    (answer,) = family.generate(family.encode([asked]), Sampling(max_new_tokens=4))
    assert isinstance(answer, str)


def test_stage_two_leaves_the_weights_of_stage_one_bit_unchanged(finished, folder):
    out, _ = finished
    after_stage_one = json.loads((out / "adapters" / "reasoning" / "training.json").read_text())
    network = load_family(str(folder / "base")).network
    stack = AdapterStack.load(network, "base", out / "adapters")
    assert tensors_hash(stack.weights("reasoning")) == after_stage_one["weights"]
    card = read_card(out / "adapters" / "location")
    assert card.stacked_on == {"reasoning": after_stage_one["weights"]}


def test_the_run_says_what_it_did(finished):
    out, summary = finished
    manifest = json.loads((out / "manifest.json").read_text())
    for stage in STAGES:
        facts, steps = manifest["stages"][stage], read_steps(out / "stages" / stage / "steps.jsonl")
        assert [one.step for one in steps] == list(range(facts["num_steps"])) == [0, 1, 2]
        assert facts["num_samples"] == sum(one.num_samples for one in steps) == NUM_TRAIN
        assert facts["num_validation"] == NUM_VALIDATION
        assert facts["train_loss"] == steps[-1].loss < steps[0].loss
        assert facts["left_out"] == {}
        assert 0 <= facts["padding_share"] < 0.2
        assert list((out / "tensorboard" / stage).glob("events.*"))
        card = (out / "adapters" / stage / "README.md").read_text()
        assert f"Adapter `{stage}`" in card
        assert f"{facts['validation_loss']:.4f}" in card
    assert "stage location: 20 samples, 3 steps" in summary.as_text()
    report = (out / "report.html").read_text()
    assert report.count("<svg") == 8, "four curves of each stage"
    assert f"{manifest['stages']['location']['train_loss']:.4f}" in report
    assert yaml.safe_load((out / "recipe.yaml").read_text())["lora"]["rank"] == 4


def test_a_finished_run_is_not_done_again_and_its_record_stays(finished, folder):
    out, summary = finished
    kept = [*(out / "adapters").rglob("*.*"), out / "manifest.json", out / "report.html"]
    before = {path: path.read_bytes() for path in [*kept, out / "recipe.yaml"]}
    again = recipe_of(folder, out, workers={"num_workers": 2}, zero={"stage": 2})
    assert train(again) == summary
    assert {path: path.read_bytes() for path in before} == before


def test_a_folder_is_held_to_its_settings(finished, folder):
    out, _ = finished
    with pytest.raises(ValueError, match="seed was 0, is 1"):
        train(recipe_of(folder, out, seed=1))


def test_without_a_stage_nothing_is_trained(folder):
    summary = train(recipe_of(folder, folder / "neither", stages=[]))
    assert summary.stages == {}
    assert "the base stays as it is" in summary.as_text()
    assert not (folder / "neither" / "adapters").exists()


def test_a_loss_that_is_not_a_number_stops_with_the_samples_named(folder):
    out = folder / "wild"
    wild = {"learning_rate": 1e30, "warmup_ratio": 0.0}
    stages = [{"adapter": "location"}]
    with pytest.raises(TrainingStopped, match=r"step \d: .*nan.*Samples of this step: \w{16}"):
        train(recipe_of(folder, out, optimizer=wild, stages=stages))
    assert not (out / "adapters" / "location").exists()
    page = (out / "report.html").read_text()
    assert "The run stopped." in page and "nan" in page


def test_more_workers_than_the_cluster_can_hold_are_refused_at_once(folder):
    workers = {"num_workers": 4, "cpus_per_worker": 0.5}
    with pytest.raises(TrainingStopped, match=r"need 2.25 CPU slots, and the cluster has 2"):
        train(recipe_of(folder, folder / "many", workers=workers))


@pytest.mark.slow
def test_pictures_that_come_back_are_learnt_when_the_run_is_started_again(folder, tmp_path):
    write_samples(tmp_path / "data", 9)
    pictures, away = tmp_path / "data" / "pictures", tmp_path / "away"
    pictures.rename(away)
    stages = [{"adapter": "location"}]
    recipe = small_recipe(
        tmp_path / "data" / "samples.parquet", folder / "base", tmp_path / "run", stages=stages
    )
    with pytest.raises(TrainingStopped, match="9 samples were left out"):
        train(recipe)
    away.rename(pictures)
    assert train(recipe).stages["location"]["num_samples"] == 9


@pytest.mark.slow
def test_a_base_that_one_machine_lacks_is_said_with_the_machine(folder, tmp_path):
    """On a cluster that was there before, whose nodes may hold what this process does not see."""
    recipe = small_recipe(
        folder / "data" / "samples.parquet", tmp_path / "absent", tmp_path / "run",
        cluster={"address": "auto"},
    )  # fmt: skip
    with pytest.raises(TrainingStopped, match=r"absent.*\(on "):
        train(recipe)


@pytest.mark.slow
def test_two_workers_and_the_command_line_give_the_same_run(finished, folder):
    """Without dropout, whose draws differ from worker to worker."""
    losses = []
    for workers in (1, 2):
        out = folder / f"workers-{workers}"
        recipe = recipe_of(
            folder,
            out,
            lora={"rank": 4, "alpha": 8, "dropout": 0.0},
            workers={"num_workers": workers, "cpus_per_worker": 0.5},
            stages=[{"adapter": "reasoning", "num_epochs": 2}],
            zero={"stage": workers},
            vision_cache=str(folder / "cache") if workers == 2 else None,
        )
        file = folder / f"{workers}.yaml"
        file.write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
        done = CliRunner().invoke(app, ["train", str(file), "--json"])
        assert done.exit_code == 0, done.output
        losses.append([one.loss for one in read_steps(out / "stages/reasoning/steps.jsonl")])
    assert len(losses[0]) == 6
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)


@pytest.mark.slow
def test_a_run_resumed_with_other_workers_goes_on_from_the_adapter_and_says_so(folder):
    out = folder / "fewer"
    stages = [{"adapter": "reasoning"}]
    short = recipe_of(
        folder, out, stages=stages, checkpoints={"every": 1}, workers={"num_workers": 2}
    )
    train(short)
    for left in ("stages/reasoning/outcome.json", "adapters"):
        path = out / left
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = read_steps(out / "stages/reasoning/steps.jsonl")
    summary = train(recipe_of(folder, out, stages=stages, workers={"num_workers": 1}))
    assert "resumed at step 2 with 1 worker" in summary.as_text()
    assert "the optimizer starts anew" in summary.as_text()
    after = read_steps(out / "stages/reasoning/steps.jsonl")
    assert after[:2] == before[:2]
    assert after[2].loss == pytest.approx(before[2].loss, abs=0.02)
