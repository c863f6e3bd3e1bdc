"""Curation from files to report on a real Ray cluster of this machine, with the small segmenter."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pytest
from make_bad_images import FOLDER, READABLE, UNREADABLE
from PIL import Image

from georay.config.curate import CurateRecipe
from georay.config.load import load_recipe, parse_recipe
from georay.core.images import content_id
from georay.core.tables import SCORES
from georay.curation.curate import curate, reselect
from georay.curation.select import CURATED
from georay.errors import ModelUnavailable, ScoringStopped, TooManyErrors
from georay.locatability.weights import published_weights

COPIES = ("copy_of_cmyk.jpg", "deep/second_copy.jpg")
NUM_FILES = len(READABLE) + len(UNREADABLE) + len(COPIES)
WORKERS = {"num_actors": 1, "batch_size": 4, "rows_per_block": 4, "cpus_per_actor": 0.25}
SANTIAGO = (-33.449, -70.6505)
pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """The awkward pictures, two copies of one of them, and a list that places one."""
    folder = tmp_path_factory.mktemp("photos")
    shutil.copytree(FOLDER, folder, symlinks=True, dirs_exist_ok=True)
    for name in COPIES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(FOLDER / "cmyk.jpg", folder / name)
    return folder


def recipe_of(source, out, **changes) -> CurateRecipe:
    content = {"inputs": [str(source)], "output": str(out), "workers": WORKERS}
    return parse_recipe(content | {"max_error_share": 1.0} | changes, CurateRecipe, "test")


@pytest.fixture(scope="module")
def finished(photos, tmp_path_factory):
    """A finished run and its summary; tests that change it work on a copy."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    return out, curate(recipe_of(photos, out))


@pytest.fixture
def copied(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "run")


def table(folder: Path, schema: pa.Schema = SCORES) -> pa.Table:
    return pyarrow.dataset.dataset(folder, schema=schema, format="parquet").to_table()


def rows_by_name(run: Path) -> dict[str, dict]:
    return {Path(row["uri"]).name: row for row in table(run / "scores").to_pylist()}


def written_at(run: Path) -> dict[str, int]:
    names = ("manifest.json", "report.html", "weights.json", "recipe.yaml")
    files = [run / name for name in names] + sorted(run.glob("*/*.parquet"))
    return {str(path.relative_to(run)): path.stat().st_mtime_ns for path in files}


def drawn(path: Path, seed: int) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((96, 72)).save(path)
    return path


def test_every_file_is_scored_or_named_with_its_reason(finished, photos):
    _, summary = finished
    assert summary.num_listed == summary.num_files == NUM_FILES
    assert summary.num_lost == 0
    assert summary.num_scored == len(READABLE)
    assert summary.num_duplicates == len(COPIES)
    assert summary.errors_by_kind == Counter(UNREADABLE.values())
    named = {Path(failure.uri).name: failure.kind for failure in summary.failures}
    assert named == UNREADABLE
    text = summary.as_text()
    assert all(str(photos / name) in text for name in UNREADABLE)


def test_scores_hold_one_row_per_image_with_size_ratios_and_origin(finished, photos):
    run, _ = finished
    scores = table(run / "scores")
    assert len(set(scores.column("image_id").to_pylist())) == scores.num_rows
    for name, row in rows_by_name(run).items():
        if name in UNREADABLE:
            assert row["locatability"] is row["area_ratio"] is row["weights_id"] is None
            assert row["error"]
            continue
        assert row["image_id"] == content_id((photos / name).read_bytes())
        assert (row["width"], row["height"]) == (128, 96)
        assert sum(row["area_ratio"]) == pytest.approx(1, abs=1e-5)
        expected = np.array(row["area_ratio"]) @ published_weights().values
        assert row["locatability"] == pytest.approx(expected, abs=1e-9)
        assert row["segmenter"].startswith("small@")
        assert row["weights_id"] == published_weights().id
        assert row["error"] is row["error_kind"] is None


def test_exact_copies_are_one_row_that_names_them(finished, photos):
    rows = rows_by_name(finished[0])
    (row,) = (row for row in rows.values() if row["copies"] > 1)
    every = {str(photos / name) for name in (*COPIES, "cmyk.jpg")}
    assert row["copies"] == 3
    assert {row["uri"], *row["duplicate_uris"]} == every


def test_gps_of_exif_becomes_ground_truth_when_no_list_gives_any(finished):
    rows = rows_by_name(finished[0])
    place = rows["with_gps.jpg"]["latitude"], rows["with_gps.jpg"]["longitude"]
    assert place == pytest.approx(SANTIAGO, abs=1e-9)
    assert rows["cmyk.jpg" if "cmyk.jpg" in rows else COPIES[0]]["latitude"] is None


def test_coordinates_of_a_list_win_over_exif(photos, tmp_path):
    lines = f"{photos}/with_gps.jpg,10.5,20.5,FR\n{photos}/cmyk.jpg,,,NA\n"
    (tmp_path / "list.csv").write_text(f"file,latitude,longitude,country\n{lines}")
    curate(recipe_of(tmp_path / "list.csv", tmp_path / "run"))
    rows = rows_by_name(tmp_path / "run")
    assert (rows["with_gps.jpg"]["latitude"], rows["with_gps.jpg"]["longitude"]) == (10.5, 20.5)
    assert [rows[name]["country"] for name in ("with_gps.jpg", "cmyk.jpg")] == ["FR", "NA"]


def test_the_curated_table_is_the_scores_at_the_threshold(finished):
    run, summary = finished
    curated = table(run / "curated", CURATED)
    scores = table(run / "scores").to_pylist()
    kept = {r["image_id"] for r in scores if r["locatability"] and r["locatability"] >= 0.4}
    assert set(curated.column("image_id").to_pylist()) == kept
    assert curated.num_rows == summary.num_kept


def test_the_manifest_and_the_recipe_say_what_was_done(finished, photos):
    run, summary = finished
    manifest = json.loads((run / "manifest.json").read_text())
    counts = manifest["counts"]
    assert counts["files"] == counts["scored"] + counts["duplicates"] + counts["errors"]
    assert counts == json.loads(json.dumps(summary.counts()))
    assert manifest["weights_id"] == published_weights().id
    assert {"list", "score", "select", "report"} <= set(manifest["seconds"])
    assert {"python", "ray", "torch", "georay"} <= set(manifest["versions"])
    assert load_recipe(run / "recipe.yaml", CurateRecipe) == recipe_of(photos, run)
    stored = json.loads((run / "weights.json").read_text())
    assert len(stored["labels"]) == len(stored["weights"]) == 150
    assert not (run / "parts").exists()
    assert "<html" in (run / "report.html").read_text()


def test_a_finished_run_run_again_does_nothing_and_says_so(finished, photos):
    run, summary = finished
    before = written_at(run)
    again = curate(recipe_of(photos, run))
    assert again.finished_before
    assert not summary.finished_before
    assert again.counts() == summary.counts()
    assert written_at(run) == before


def test_only_new_files_are_scored_on_a_later_run(copied, photos, tmp_path, finished):
    more = shutil.copytree(photos, tmp_path / "more", symlinks=True)
    fresh = drawn(more / "new.png", 1)
    sources = [str(photos), str(fresh), str(more / "grey16.png")]
    before = rows_by_name(copied)
    # A row that was scored again would lose this mark.
    marked = table(copied / "scores").to_pylist()
    for row in marked:
        row["city"] = "scored earlier"
    shutil.rmtree(copied / "scores")
    (copied / "scores").mkdir()
    pa.parquet.write_table(
        pa.Table.from_pylist(marked, schema=SCORES), copied / "scores" / "part-00000.parquet"
    )
    summary = curate(recipe_of(photos, copied, inputs=sources))
    after = rows_by_name(copied)
    assert set(after) == {*before, "new.png"}
    assert after["new.png"]["city"] is None
    assert {
        row["city"] for name, row in after.items() if name not in {"new.png", "grey16.png"}
    } == {"scored earlier"}
    assert after["grey16.png"]["copies"] == 2
    assert summary.num_files == NUM_FILES + 2
    assert summary.num_lost == 0


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"segmenter": {"model": "small", "exact": True}}, "segmenter"),
        ({"limits": {"max_pixels": 1000}}, "limits"),
    ],
)
def test_other_settings_are_refused_in_a_folder_with_rows(copied, photos, changes, named):
    before = written_at(copied)
    with pytest.raises(ValueError, match=f"other settings .*{named}") as caught:
        curate(recipe_of(photos, copied, **changes))
    assert "choose another output" in str(caught.value)
    assert written_at(copied) == before


def test_other_weights_are_refused_in_a_folder_with_rows(copied, photos, tmp_path):
    content = published_weights().to_json()
    content["weights"] = content["weights"][::-1]
    (tmp_path / "other.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"other settings .*weights"):
        curate(recipe_of(photos, copied, weights={"source": str(tmp_path / "other.json")}))


def test_other_weights_under_the_same_segmenter_name_are_refused(copied, photos, monkeypatch):
    monkeypatch.setattr("georay.curation.curate.weights_digest", lambda name: "of an upgrade")
    with pytest.raises(ValueError, match=r"other settings .*of an upgrade"):
        curate(recipe_of(photos, copied))


def test_another_threshold_selects_again_without_scoring(copied, photos, finished):
    scores = {p: t for p, t in written_at(copied).items() if p.startswith("scores")}
    lowest = min(row["locatability"] or 1.0 for row in rows_by_name(copied).values())
    summary = curate(recipe_of(photos, copied, threshold=lowest))
    assert not summary.finished_before
    assert summary.num_kept == summary.num_scored > finished[1].num_kept
    assert {p: t for p, t in written_at(copied).items() if p.startswith("scores")} == scores


def test_too_many_errors_fail_the_run_at_its_end_with_everything_written(photos, tmp_path):
    sources = [f"{photos}/empty.jpg", f"{photos}/not_an_image.jpg", f"{photos}/cmyk.jpg"]
    recipe = recipe_of(photos, tmp_path / "run", inputs=sources, max_error_share=0.6)
    with pytest.raises(TooManyErrors, match=r"2 of 3 files failed, more than max_error_share 0\.6"):
        curate(recipe)
    assert table(tmp_path / "run" / "scores").num_rows == 3
    assert table(tmp_path / "run" / "curated", CURATED).num_rows <= 1
    assert (tmp_path / "run" / "report.html").exists()
    with pytest.raises(TooManyErrors):
        curate(recipe)
    allowed = recipe.model_copy(update={"max_error_share": 0.7})
    assert curate(allowed).finished_before


def test_selecting_again_updates_table_manifest_recipe_and_report(copied):
    scores = [r["locatability"] for r in rows_by_name(copied).values() if r["locatability"]]
    edge = sorted(scores)[len(scores) // 2]
    before = json.loads((copied / "manifest.json").read_text())
    report = (copied / "report.html").read_text()
    summary = reselect(copied, edge)
    expected = sum(score >= edge for score in scores)
    assert summary.num_kept == expected == table(copied / "curated", CURATED).num_rows
    after = json.loads((copied / "manifest.json").read_text())
    assert after["recipe"]["threshold"] == edge
    assert after["counts"] == before["counts"] | {
        "kept": expected,
        "dropped": len(scores) - expected,
    }
    assert after["seconds"]["score"] == before["seconds"]["score"]
    assert load_recipe(copied / "recipe.yaml", CurateRecipe).threshold == edge
    assert (copied / "report.html").read_text() != report


SELECT = """
import sys
from pathlib import Path
from georay.curation.curate import reselect
print(reselect(Path(sys.argv[1]), 0.99).num_kept)
print(sorted({"torch", "transformers", "ray"} & set(sys.modules)))
"""


def test_selecting_again_loads_no_model_and_no_engine(copied):
    command = [sys.executable, "-c", SELECT, str(copied)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["0", "[]"]


def test_selecting_in_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no finished run"):
        reselect(tmp_path / "nothing", 0.4)
    assert not (tmp_path / "nothing").exists()


def test_a_folder_without_weights_is_said_before_anything_runs(photos, tmp_path):
    (tmp_path / "model").mkdir()
    recipe = recipe_of(photos, tmp_path / "run", segmenter={"model": str(tmp_path / "model")})
    with pytest.raises(ModelUnavailable, match=r"holds no \.safetensors"):
        curate(recipe)


def test_a_model_that_cannot_be_loaded_is_one_message(photos, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"not weights")
    recipe = recipe_of(photos, tmp_path / "run", segmenter={"model": str(tmp_path / "model")})
    with pytest.raises(
        ScoringStopped, match=r"^scoring stopped: cannot load the segmenter"
    ) as stop:
        curate(recipe)
    assert "File " not in str(stop.value)
