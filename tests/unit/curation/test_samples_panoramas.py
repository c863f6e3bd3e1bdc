"""Views of panoramas as samples: which picture a clue means, and one place for all views."""

import pyarrow.parquet as pq
import pytest
from panorama_room import write_panorama
from samples_room import PARIS, write_clues, write_run

from georay.config.load import parse_recipe
from georay.config.samples import SamplesRecipe
from georay.core.picture_files import PictureFile
from georay.core.splits import Unusable
from georay.curation.inputs import list_inputs
from georay.curation.samples.make_samples import make_samples
from georay.curation.samples.pictures import PictureIndex, read_pictures

HEADINGS = (0, 90, 180, 270)


@pytest.fixture
def run(tmp_path):
    """A curation run of a panorama in Paris; its views say where they are, or only the country."""
    pictures = {f"pano{heading}": PARIS | {"locatability": 0.9} for heading in HEADINGS}
    folder = write_run(tmp_path / "run", pictures)
    file = write_panorama(folder / "photos" / "pano.jpg")
    part = folder / "scores" / "part-00000.parquet"
    table = pq.read_table(part)
    rows = table.to_pylist()
    for row, heading in zip(rows, HEADINGS, strict=True):
        view = PictureFile(str(file), float(heading))
        row |= {"uri": view.uri, "projection": "view", "image_id": view.id_of(file.read_bytes())}
    pq.write_table(type(table).from_pylist(rows, table.schema), part)
    return folder


def samples_of(run, tmp_path, **changes):
    content = {"curation": str(run), "output": str(tmp_path / "out")}
    make_samples(parse_recipe(content | changes, SamplesRecipe, "test"))
    return pq.read_table(tmp_path / "out" / "samples").to_pylist()


def test_each_view_is_a_sample_that_says_it_is_one(run, tmp_path):
    rows = samples_of(run, tmp_path)
    assert len(rows) == 4
    assert {row["projection"] for row in rows} == {"view"}
    sources = [PictureFile.of_row(row["uri"], row["projection"]) for row in rows]
    assert sorted(source.heading for source in sources) == list(HEADINGS)


def test_views_of_one_panorama_are_never_in_two_splits(run, tmp_path):
    part = run / "scores" / "part-00000.parquet"
    table = pq.read_table(part)
    rows = [row | {"latitude": None, "longitude": None, "city": None} for row in table.to_pylist()]
    pq.write_table(type(table).from_pylist(rows, table.schema), part)
    clues = [(f"pano#heading={heading}", "France", "It says so.") for heading in HEADINGS]
    made = samples_of(run, tmp_path, clues=[write_clues(tmp_path / "clues.parquet", clues)])
    assert len(made) == 4
    assert len({(row["split"], row["place"]) for row in made}) == 1


def test_a_clue_may_mean_one_view_and_not_just_any(run, tmp_path):
    file = run / "photos" / "pano.jpg"
    listed = tmp_path / "list.csv"
    listed.write_text("uri\n" + "\n".join(f"{file}#heading={heading}" for heading in HEADINGS))
    pictures = list(read_pictures(list_inputs([str(listed)]).table))
    assert [picture.error for picture in pictures] == [None] * 4
    index = PictureIndex(pictures, ["pano", "pano#heading=90"])
    assert index.find("pano#heading=90").uri == f"{file}#heading=90"
    with pytest.raises(Unusable, match="4 different pictures"):
        index.find("pano")
