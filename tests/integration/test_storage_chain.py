"""From pictures to a served answer, each step by uri on a real S3 server of this machine."""

import json

import pytest
from baseline_room import asked_of
from baseline_room import recipe_of as baseline_of
from baseline_room import write_samples as drawn_samples
from PIL import Image
from storage_server import serving_bucket
from training_room import PLACES, jpeg, small_recipe, write_base

from georay.config.curate import CurateRecipe
from georay.config.evaluate import EvaluateRecipe
from georay.config.load import parse_recipe
from georay.config.predict import PredictRecipe
from georay.config.samples import SamplesRecipe
from georay.config.serve import ServeRecipe
from georay.core.fetched import local_copy
from georay.core.manifest import write_atomic, write_table
from georay.core.paths import copy_folder, files_in, open_parquet, path_of
from georay.core.run_folder import only_writer
from georay.core.tables import CLUES, read_samples, rows_to_table
from georay.curation.curate import curate, reselect
from georay.curation.samples.make_samples import make_samples
from georay.evaluation.baselines.make_baseline import make_baseline
from georay.evaluation.predict import predict
from georay.evaluation.written import evaluate_by_recipe
from georay.models.adapters import STAGES, AdapterStack
from georay.models.loading import load_family
from georay.models.locator import Locator
from georay.serving.messages import LocateOptions
from georay.serving.replica.engines.load import load_engine
from georay.training.train import train
from georay.training.watch import read_steps

NUM_PICTURES = 12
WORKERS = {"num_actors": 1, "batch_size": 4, "rows_per_block": 4, "cpus_per_actor": 0.25}


@pytest.fixture(scope="module")
def bucket(cluster):
    """A bucket whose key all processes of the cluster know."""
    with serving_bucket() as served:
        yield served


@pytest.fixture(scope="module")
def photos(bucket):
    folder = path_of(bucket.uri("photos"))
    lines = ["file,country,city"]
    for seed in range(NUM_PICTURES):
        (folder / f"{seed:05}.jpg").write_bytes(jpeg(seed))
        lines.append(f"{seed:05}.jpg,{','.join(PLACES[seed % len(PLACES)])}")
    write_atomic(folder / "labels.csv", "\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def curated(bucket, photos):
    content = {
        "inputs": [str(photos)],
        "output": bucket.uri("runs/photos"),
        "workers": WORKERS,
        "threshold": 0.0,
    }
    recipe = parse_recipe(content, CurateRecipe, "test")
    return recipe, curate(recipe)


@pytest.fixture(scope="module")
def samples(bucket, curated):
    recipe, _ = curated
    clues = path_of(bucket.uri("clues.parquet"))
    rows = [
        {
            "clue_id": f"c{seed}",
            "text": "the line is white",
            "country": PLACES[seed % len(PLACES)][0],
            "image_id": f"{seed:05}",
            "source": "a guide",
            "licence": "CC BY 4.0",
        }
        for seed in range(NUM_PICTURES)
    ]
    write_table(clues, rows_to_table(rows, CLUES))
    content = {
        "output": bucket.uri("runs/samples"),
        "curation": recipe.output,
        "clues": [str(clues)],
        "splits": {"validation": 0.0, "test": 0.0},
    }
    return make_samples(parse_recipe(content, SamplesRecipe, "test"))


@pytest.fixture(scope="module")
def tuned(bucket, samples, tmp_path_factory):
    base = path_of(bucket.uri("models/small"))
    copy_folder(write_base(tmp_path_factory.mktemp("base") / "small"), base)
    recipe = small_recipe(
        bucket.uri("runs/samples"),
        base,
        bucket.uri("runs/tuned"),
        batches={"global_batch": 4, "micro_batch": 2},
        checkpoints={"every": 2},
        vision_cache=bucket.uri("vision"),
    )
    return recipe, train(recipe)


def test_curation_scores_selects_and_reports_in_a_storage(bucket, curated):
    recipe, summary = curated
    folder = path_of(recipe.output)
    assert (summary.num_scored, summary.num_kept, summary.num_lost) == (NUM_PICTURES,) * 2 + (0,)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["counts"]["scored"] == NUM_PICTURES
    rows = [
        row
        for file in files_in(folder / "curated")
        for row in open_parquet(file).read().to_pylist()
    ]
    assert {row["uri"].partition("?")[0] for row in rows} == {
        f"s3://pictures/photos/{seed:05}.jpg" for seed in range(NUM_PICTURES)
    }
    assert {row["city"] for row in rows} == {city for _, city in PLACES}
    assert "<html" in (folder / "report.html").read_text()
    names = {folder.relative_name(file).partition("/")[0] for file in folder.files()}
    assert names == {
        *("curated", "scores", "examples"),
        *("manifest.json", "recipe.yaml", "report.html", "settings.json", "weights.json"),
    }


def test_a_finished_run_in_a_storage_is_not_done_again(curated):
    recipe, _ = curated
    assert curate(recipe).finished_before
    other = recipe.model_copy(update={"panoramas": "skip"})
    with pytest.raises(ValueError, match="panoramas was views, is skip"):
        curate(other)


def test_a_killed_run_in_a_storage_goes_on_with_what_is_missing(bucket, curated, photos):
    """What a kill between scoring and publishing leaves: parts, and no manifest."""
    recipe, _ = curated
    folder = path_of(bucket.uri("runs/killed"))
    for name in ("settings.json", "weights.json"):
        write_atomic(folder / name, (path_of(recipe.output) / name).read_bytes())
    (scores,) = files_in(path_of(recipe.output) / "scores")
    write_table(folder / "parts" / "a.parquet", open_parquet(scores).read().slice(0, 5))
    summary = curate(recipe.model_copy(update={"output": str(folder)}))
    assert (summary.num_scored, summary.num_lost) == (NUM_PICTURES, 0)
    assert not (folder / "parts").exists()


def test_another_threshold_is_selected_in_a_storage(bucket, curated):
    recipe, _ = curated
    summary = reselect(path_of(recipe.output), 1.0)
    assert summary.num_kept == 0
    assert reselect(path_of(recipe.output), 0.0).num_kept == NUM_PICTURES


def test_the_second_run_on_a_folder_of_a_storage_says_so_at_once(curated, samples, tuned):
    curation, training = curated[0], tuned[0]
    for run, recipe in ((curate, curation), (train, training)):
        refused = pytest.raises(ValueError, match="another run is writing to s3://")
        with only_writer(path_of(recipe.output)), refused:
            run(recipe)


def test_samples_are_made_of_a_run_and_clues_in_a_storage(bucket, samples):
    assert samples.samples["location"]["train"] == NUM_PICTURES
    assert samples.samples["reasoning"]["train"] == NUM_PICTURES
    table = read_samples([bucket.uri("runs/samples")])
    assert table.num_rows == 2 * NUM_PICTURES
    assert all(uri.startswith("s3://pictures/photos/") for uri in table["uri"].to_pylist())


def test_training_leaves_adapters_curves_and_a_report_in_a_storage(tuned):
    recipe, summary = tuned
    folder = path_of(recipe.output)
    assert set(summary.stages) == set(STAGES)
    for stage in STAGES:
        kept = {file.name for file in (folder / "adapters" / stage).files()}
        assert {"adapter_model.safetensors", "adapter_config.json", "card.json"} <= kept
        steps = read_steps(folder / "stages" / stage / "steps.jsonl")
        assert [one.step for one in steps] == [0, 1, 2]
        assert any((folder / "tensorboard" / stage).files())
        assert any("deepspeed" in str(file) for file in (folder / "checkpoints" / stage).files())
    assert json.loads((folder / "manifest.json").read_text())["kind"] == "training"
    assert files_in(path_of(recipe.vision_cache), "*/shard-*.safetensors")
    assert train(recipe).stages == summary.stages


@pytest.mark.slow
def test_a_training_goes_on_from_its_checkpoint_in_a_storage(bucket, tuned, tmp_path):
    """Without its last stage's outcome and adapter, the stage goes on behind step 2 of 3."""
    recipe, summary = tuned
    whole = path_of(recipe.output)
    copy_folder(whole, path_of(bucket.uri("runs/again")))
    folder = path_of(bucket.uri("runs/again"))
    for name in ("manifest.json", "stages/location/outcome.json", "adapters/location/card.json"):
        (folder / name).unlink()
    again = train(recipe.model_copy(update={"output": str(folder)}))
    assert again.stages["location"]["train_loss"] == summary.stages["location"]["train_loss"]
    steps = read_steps(folder / "stages" / "location" / "steps.jsonl")
    assert [one.step for one in steps] == [0, 1, 2]


def test_adapters_and_their_base_are_loaded_by_uri_and_answer(bucket, tuned, photos):
    recipe, _ = tuned
    adapters = f"{bucket.uri('runs/tuned/adapters')}"
    network = load_family(recipe.base.model).network
    AdapterStack.load(network, "base", local_copy(adapters))
    locator = Locator.from_pretrained(recipe.base.model, adapters, device="cpu")
    (found,) = locator.locate([str(photos / "00000.jpg")], top_k=0)
    assert found.status in {"answered", "unparseable", "refused"}
    assert found.error is None


def test_a_server_serves_the_adapters_of_a_storage(bucket, tuned):
    recipe, _ = tuned
    content = {
        "model": recipe.base.model,
        "adapters": bucket.uri("runs/tuned/adapters"),
        "device": "cpu",
        "answers": {"max_new_tokens": 128, "towns_per_country": 2},
    }
    engine = load_engine(parse_recipe(content, ServeRecipe, "test"))
    assert engine.card.choices() == (*STAGES, "both", "none")
    assert engine.card.id == "small"
    (found,) = engine.locate([Image.new("RGB", (64, 48))], LocateOptions(top_k=2, reasons=False))
    assert found.location.confidence is not None


def test_answers_of_workers_and_their_figures_are_written_to_a_storage(bucket, tuned):
    """Of 12 pictures that were learnt: what counts is that every step reads what the last wrote."""
    recipe, _ = tuned
    content = {
        "samples": [bucket.uri("runs/samples")],
        "split": "train",
        "max_images": 4,
        "model": recipe.base.model,
        "adapters": bucket.uri("runs/tuned/adapters"),
        "output": bucket.uri("runs/answers.parquet"),
        "answering": {"top_k": 0, "max_new_tokens": 128},
        "device": "cpu",
        "shard_size": 2,
        "workers": {"num_workers": 1},
    }
    asked = parse_recipe(content, PredictRecipe, "test")
    assert predict(asked).num_images == 4
    assert predict(asked).finished_before
    assert not any(path_of(bucket.uri("runs/answers.parts")).files())
    content = {"predictions": {"both": [asked.output]}, "output": bucket.uri("runs/evaluation")}
    found = evaluate_by_recipe(parse_recipe(content, EvaluateRecipe, "test")).found
    assert found.all[0].evaluation.num_images == 4
    assert "<html" in (path_of(bucket.uri("runs/evaluation")) / "report.html").read_text()


@pytest.mark.slow
def test_a_baseline_is_trained_into_a_storage_and_asked_from_it(bucket, tmp_path):
    samples = path_of(bucket.uri("drawn/samples.parquet"))
    write_atomic(samples, drawn_samples(tmp_path / "drawn").read_bytes())
    learning = {"num_epochs": 2, "batch_size": 10}
    output = path_of(bucket.uri("runs/planet"))
    recipe = baseline_of(samples, output, "planet", learning=learning, checkpoints={"every": 1})
    make_baseline(recipe)
    assert make_baseline(recipe).finished_before
    names = {output.relative_name(file) for file in output.files()}
    assert names == {"README.md", "baseline.json", "model.safetensors", "settings.json"}
    told = predict(asked_of(samples, output, tmp_path / "answers.parquet"))
    assert told.statuses == {"answered": told.num_images}
