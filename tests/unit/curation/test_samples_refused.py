"""What cannot become samples is refused with what is wrong."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples_room import PICTURES, write_run

from georay.config.samples import SamplesRecipe
from georay.curation.samples import make_samples


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run", PICTURES)


def test_a_recipe_of_which_nothing_comes_is_an_error_that_says_why(tmp_path):
    run = write_run(tmp_path / "run", {"dull": PICTURES["dull"]})
    with pytest.raises(ValueError, match=r"no sample came of this recipe.*'not curated': 1"):
        make_samples(SamplesRecipe(output=str(tmp_path / "out"), curation=str(run)))
    assert not (tmp_path / "out" / "samples").exists()


def test_a_folder_without_a_finished_run_is_named(tmp_path, run):
    shutil.rmtree(run / "scores")
    (run / "manifest.json").unlink()
    with pytest.raises(ValueError, match="holds no finished curation run"):
        make_samples(SamplesRecipe(output=str(tmp_path / "out"), curation=str(run)))


@pytest.mark.parametrize("content", [None, b"", b"words"])
def test_clues_that_cannot_be_read_are_named(tmp_path, run, content):
    path = tmp_path / "odd.parquet"
    if content is not None:
        path.write_bytes(content)
    recipe = SamplesRecipe(output=str(tmp_path / "out"), curation=str(run), clues=(str(path),))
    with pytest.raises(ValueError, match=r"cannot read clues from .*odd\.parquet"):
        make_samples(recipe)


def test_clues_without_a_text_column_are_refused_by_its_name(tmp_path, run):
    path = tmp_path / "clues.parquet"
    pq.write_table(pa.table({"clue_id": ["c"]}), path)
    recipe = SamplesRecipe(output=str(tmp_path / "out"), curation=str(run), clues=(str(path),))
    with pytest.raises(ValueError, match="no column 'text'"):
        make_samples(recipe)
