"""What a training run finds of an earlier one is checked before it is believed."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from baseline_room import recipe_of
from safetensors.torch import save_file

from georay.config.curate import CurateRecipe
from georay.config.load import parse_recipe
from georay.config.predict import PredictRecipe
from georay.config.pretrain import PretrainRecipe
from georay.config.samples import SamplesRecipe
from georay.config.segmenter import TrainSegmenterRecipe
from georay.config.train import TrainRecipe
from georay.core.run_folder import only_writer
from georay.factory.pretrain import scenes
from georay.models.registry import packaged_adapters
from georay.models.saved_adapters import is_whole
from georay.runtime.checkpoint_list import SNAPSHOT
from georay.training.checkpoints import set_damaged_aside
from georay.training.vision_cache import VisionShards
from georay.training.watch import read_steps

STACK = ("reasoning", "location")


@pytest.fixture
def adapters(tmp_path):
    found = packaged_adapters("tiny")
    assert found is not None
    return Path(shutil.copytree(found, tmp_path / "adapters"))


def test_finished_adapters_are_whole_by_themselves_and_as_a_stack(adapters):
    assert is_whole(adapters, STACK)
    assert is_whole(adapters, STACK[:1])
    assert is_whole(adapters, ())


@pytest.mark.parametrize("name", STACK)
@pytest.mark.parametrize("file", ["card.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("keep", [0, 50, -1])
def test_an_adapter_with_a_damaged_file_is_not_whole(adapters, name, file, keep):
    path = adapters / name / file
    path.write_bytes(path.read_bytes()[:keep])
    if file == "card.json" and keep == -1:  # its last line's end, which says nothing
        assert is_whole(adapters, STACK)
    else:
        assert not is_whole(adapters, STACK)


def test_an_adapter_above_another_one_than_it_was_trained_on_is_not_whole(adapters):
    card = adapters / "location" / "card.json"
    facts = json.loads(card.read_text())
    facts["stacked_on"]["reasoning"] = "0" * 64
    card.write_text(json.dumps(facts))
    assert is_whole(adapters, STACK[:1])
    assert not is_whole(adapters, STACK)


def checkpoint(storage, name):
    """A checkpoint as Ray Train's list names it."""
    (storage / name).mkdir(parents=True)
    facts = {"step": 5, "shape": {"num_workers": 1, "zero_stage": 0, "precision": "float32"}}
    (storage / name / "georay.json").write_text(json.dumps(facts))
    (storage / SNAPSHOT).write_text(
        json.dumps({"checkpoint_results": [{"checkpoint_dir_name": name, "metrics": {}}]})
    )


def test_whole_checkpoints_are_gone_on_from(tmp_path):
    assert set_damaged_aside(tmp_path) is None
    checkpoint(tmp_path, "checkpoint_1")
    assert set_damaged_aside(tmp_path) is None
    assert (tmp_path / SNAPSHOT).exists()


@pytest.mark.parametrize(
    "damage", ["list empty", "list cut", "checkpoint empty", "checkpoint gone"]
)
def test_checkpoints_that_cannot_be_read_do_not_stop_a_stage_for_ever(tmp_path, damage):
    checkpoint(tmp_path, "checkpoint_1")
    listed, facts = tmp_path / SNAPSHOT, tmp_path / "checkpoint_1" / "georay.json"
    if damage.startswith("list"):
        listed.write_text("" if damage == "list empty" else listed.read_text()[:-5])
    elif damage == "checkpoint empty":
        facts.write_text("")
    else:
        shutil.rmtree(tmp_path / "checkpoint_1")
    note = set_damaged_aside(tmp_path)
    assert note is not None and "starts anew" in note
    assert not listed.exists(), "Ray Train starts without a list"
    assert set_damaged_aside(tmp_path) is None


def test_lines_that_a_full_disk_cut_are_left_out_of_the_log(tmp_path):
    record = {"step": 0, "loss": 1.0, "learning_rate": 0.1, "grad_norm": None}
    record |= {"num_samples": 1, "num_tokens": 2, "seconds": 0.5}
    line = json.dumps(record)
    path = tmp_path / "steps.jsonl"
    path.write_bytes(
        f'{line}\n{line[:20]}\n{{"step": 1}}\n[]\n'.encode() + b"\xff\n" + line.encode()
    )
    assert [one.step for one in read_steps(path)] == [0]


def test_a_damaged_shard_of_the_vision_cache_is_computed_again(tmp_path):
    for name in ("a", "b"):
        save_file(
            {"features": torch.ones(1, 2, 3)},
            tmp_path / f"shard-{name}.safetensors",
            metadata={"image_ids": json.dumps([name])},
        )
    broken = tmp_path / "shard-b.safetensors"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-4])
    shards = VisionShards(tmp_path)
    assert shards.missing(["a", "b"]) == ["b"]
    broken.write_bytes(whole)
    shards.refresh()
    assert shards.missing(["a", "b"]) == []


def test_a_shard_of_scenes_without_its_end_is_drawn_again(tmp_path):
    shard = tmp_path / "00000000-00000001.parquet"
    assert not scenes._is_whole(shard)
    scenes._draw_shard(3, 28, shard)
    assert scenes._is_whole(shard)
    shard.write_bytes(shard.read_bytes()[:-8])
    assert not scenes._is_whole(shard)


def runs(folder):
    """Every kind of run that writes to a folder, as a call."""
    from georay.curation.curate import curate
    from georay.curation.samples import make_samples
    from georay.evaluation.baselines.make_baseline import make_baseline
    from georay.evaluation.predict import predict
    from georay.factory.pretrain.run import pretrain
    from georay.factory.segmenter.run import train_segmenter
    from georay.training.train import train

    scene = {"folder": str(folder), "seed": 0, "num_scenes": 1, "test_seed": 1}
    pretraining = {"name": "x", "scenes": scene | {"num_test_scenes": 1}, "out": str(folder)}
    pretraining |= {"num_steps": 1, "forms": {"num_steps": 1}}
    segmenting = {"name": "x", "architecture": "small", "camvid": "none", "num_steps": 1}
    learning = {"samples": ["none"], "output": str(folder), "base": {"model": "tiny"}}
    asking = {"samples": ["none"], "output": str(folder / "p.parquet"), "model": "tiny"}
    choosing = {"output": str(folder), "curation": "none"}
    scoring = {"output": str(folder), "inputs": ["none"]}
    return {
        "curate": lambda: curate(parse_recipe(scoring, CurateRecipe, "t")),
        "baseline": lambda: make_baseline(recipe_of(folder / "none", folder, "vit")),
        "train": lambda: train(parse_recipe(learning, TrainRecipe, "t")),
        "predict": lambda: predict(parse_recipe(asking, PredictRecipe, "t")),
        "samples": lambda: make_samples(parse_recipe(choosing, SamplesRecipe, "t")),
        "pretrain": lambda: pretrain(parse_recipe(pretraining, PretrainRecipe, "t"), print),
        "segmenter": lambda: train_segmenter(
            parse_recipe(segmenting | {"out": str(folder)}, TrainSegmenterRecipe, "t"), print
        ),
    }


@pytest.mark.parametrize(
    "name", ["curate", "train", "predict", "samples", "pretrain", "segmenter", "baseline"]
)
def test_the_second_run_on_a_folder_says_so_at_once(tmp_path, name):
    lock = ".p.parquet.lock" if name == "predict" else ".lock"
    with (
        only_writer(tmp_path, lock),
        pytest.raises(ValueError, match="another run is writing to"),
    ):
        runs(tmp_path)[name]()
