"""What a full disk, a failed select or damage leaves behind: the old result, or work to go on with.

On a real cluster of this machine; the full disk is a real one where this user may mount a small
file system.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from georay.cli import main
from georay.config.curate import CurateRecipe
from georay.config.load import parse_recipe
from georay.core.manifest import file_sha256
from georay.curation import curate as run_module
from georay.curation.curate import curate, reselect

NUM_PICTURES = 12
WORKERS = {"num_actors": 1, "batch_size": 4, "rows_per_block": 4, "cpus_per_actor": 0.25}
pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for number in range(NUM_PICTURES):
        pixels = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((640, 480)).save(folder / f"{number}.jpg", quality=95)
    return folder


def recipe_of(photos, out, **changes):
    content = {"inputs": [str(photos)], "output": str(out), "workers": WORKERS}
    return parse_recipe(content | changes, CurateRecipe, "test")


@pytest.fixture(scope="module")
def finished(photos, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "finished"
    curate(recipe_of(photos, out))
    return out


@pytest.fixture
def run(finished, photos, tmp_path):
    """A copy of a finished run, and its recipe."""
    out = shutil.copytree(finished, tmp_path / "run")
    return out, recipe_of(photos, out)


def published(out):
    """Hashes of all that a run shows."""
    files = [path for path in out.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(out)): file_sha256(path) for path in files}


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_threshold_outside_0_to_1_is_refused_and_changes_nothing(run, threshold):
    out, recipe = run
    before = published(out)
    with pytest.raises(ValueError, match="threshold"):
        reselect(out, threshold)
    with pytest.raises(ValueError, match="threshold"):
        recipe_of("photos", out, threshold=threshold)
    assert published(out) == before
    assert curate(recipe).finished_before


@pytest.mark.parametrize("failing", ["select", "summarize", "render_report", "fingerprints"])
def test_a_select_that_fails_half_way_leaves_the_old_selection(run, monkeypatch, failing):
    out, recipe = run
    before = published(out)
    whole = getattr(run_module, failing)

    def fail(*arguments, **options):
        whole(*arguments, **options)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(run_module, failing, fail)
        with pytest.raises(OSError, match="No space left"):
            reselect(out, 0.0)
    assert published(out) == before
    asked = recipe.model_copy(update={"threshold": 0.0})
    summary = curate(asked)
    assert not summary.finished_before
    assert summary.num_kept == NUM_PICTURES == pq.read_table(out / "curated").num_rows
    assert curate(asked).finished_before


DAMAGE = {
    "selection of another threshold": lambda out: (out / "curated/part-00000.parquet").write_bytes(
        (out / "curated/part-00000.parquet").read_bytes()[:-1]
    ),
    "report half-written": lambda out: (out / "report.html").write_text("<html>"),
    "manifest empty": lambda out: (out / "manifest.json").write_text(""),
    "weights empty": lambda out: (out / "weights.json").write_text(""),
    "an older manifest": lambda out: (out / "manifest.json").write_text(
        json.dumps(
            {
                k: v
                for k, v in json.loads((out / "manifest.json").read_text()).items()
                if k != "files"
            }
        )
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_run_is_not_called_finished_and_the_same_command_mends_it(run, damage):
    out, recipe = run
    DAMAGE[damage](out)
    summary = curate(recipe)
    assert not summary.finished_before
    assert (summary.num_scored, summary.num_lost) == (NUM_PICTURES, 0)
    assert curate(recipe).finished_before


def test_damaged_scores_are_named_and_done_again(run):
    out, recipe = run
    scores = out / "scores" / "part-00000.parquet"
    scores.write_bytes(scores.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"is damaged.* again"):
        reselect(out, 0.1)
    summary = curate(recipe)
    assert (summary.num_scored, summary.num_lost) == (NUM_PICTURES, 0)
    assert not list(out.glob("scores/*.damaged")), "it went when the whole table took its place"
    assert curate(recipe).finished_before


@pytest.mark.parametrize("leave", [0, 30], ids=["empty", "half"])
def test_examples_that_a_full_disk_left_broken_are_made_again(run, leave):
    out, _ = run
    for picture in (out / "examples").iterdir():
        picture.write_bytes(picture.read_bytes()[:leave])
    reselect(out, 0.1)
    for picture in (out / "examples").iterdir():
        with Image.open(picture) as image:
            image.load()
    assert (out / "report.html").read_text().count("data:image/") >= NUM_PICTURES


def test_a_driver_without_a_gpu_makes_the_examples_on_its_cpu(run, monkeypatch):
    out, recipe = run
    shutil.rmtree(out / "examples")
    loaded = []
    whole = run_module.load_segmenter
    monkeypatch.setattr(
        run_module,
        "load_segmenter",
        lambda name, **how: (loaded.append(how["device"]), whole(name, **how))[1],
    )
    on_gpu = recipe.segmenter.model_copy(update={"device": "cuda"})
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    summary = curate(recipe.model_copy(update={"threshold": 0.2, "segmenter": on_gpu}))
    assert set(loaded) == {"cpu"}
    assert summary.notes == ()
    assert len(list((out / "examples").glob("*.png"))) == NUM_PICTURES


@pytest.mark.parametrize(
    "problem", [RuntimeError("CUDA out of memory"), OSError("no weights here")]
)
def test_a_segmenter_that_fails_in_the_driver_costs_the_examples_and_not_the_manifest(
    run, monkeypatch, problem
):
    out, recipe = run
    shutil.rmtree(out / "examples")
    (out / "manifest.json").unlink()

    def fail(*_, **__):
        raise problem

    monkeypatch.setattr(run_module, "load_segmenter", fail)
    summary = curate(recipe)
    (note,) = summary.notes
    assert "the report shows no examples" in note
    assert str(problem) in note
    assert note in summary.as_text()
    assert (out / "manifest.json").exists()
    assert curate(recipe).finished_before


@pytest.fixture
def small_disk(tmp_path):
    """A file system of so many KiB, whose size can be changed; skips where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode:
        pytest.skip("a full disk needs a small file system, and this user may not mount one")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def resize(folder, kib):
    command = ["mount", "-o", f"remount,size={kib}k", str(folder)]
    subprocess.run(command, check=True)


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    code: int
    said: str
    complained: str


@pytest.fixture
def georay(monkeypatch, capsys) -> Callable[..., Done]:
    """The command in this process, so that all of its calls share one cluster."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["georay", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return Done(end.value.code, *capsys.readouterr())

    return call


def test_a_run_goes_on_after_each_full_disk_by_the_same_command(small_disk, photos, georay):
    """The disk grows a little each time: it is full while weights, rows, examples are written."""
    recipe = small_disk.parent / "recipe.yaml"
    out = small_disk / "run"
    recipe.write_text(json.dumps({"inputs": [str(photos)], "output": str(out), "workers": WORKERS}))
    refused = []
    for kib in (24, 260, 420, 8_000):
        resize(small_disk, kib)
        done = georay("curate", recipe)
        if done.code == 0:
            break
        refused.append(done.complained)
        assert "already finished" not in done.said
        assert not (out / "manifest.json").exists()
    assert done.code == 0, done.complained
    assert len(refused) >= 2
    assert all("No space left" in text for text in refused), refused
    assert f"{NUM_PICTURES} images scored" in done.said
    assert "0 lost" in done.said
    assert "already finished" in georay("curate", recipe).said


def test_a_select_on_a_full_disk_leaves_the_old_selection(small_disk, finished, georay):
    resize(small_disk, 20_000)
    out = Path(shutil.copytree(finished, small_disk / "run"))
    before = published(out)
    used = shutil.disk_usage(small_disk).used >> 10
    resize(small_disk, used + 24)
    failed = georay("select", out, "--threshold", 0)
    assert failed.code == 1
    assert "No space left" in failed.complained
    assert published(out) == before
    resize(small_disk, 20_000)
    assert georay("select", out, "--threshold", 0).code == 0
    assert pq.read_table(out / "curated").num_rows == NUM_PICTURES
