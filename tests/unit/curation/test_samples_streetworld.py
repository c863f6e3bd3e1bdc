"""Samples of what `georay streetworld --files` writes: labels.csv, images and clues."""

import json

import pyarrow.parquet as pq
import pytest

from georay.config.curate import CurateRecipe
from georay.config.samples import SamplesRecipe, SplitRecipe
from georay.core.manifest import write_json
from georay.core.tables import SCORES, rows_to_table
from georay.curation.inputs import list_inputs
from georay.curation.samples import make_samples
from georay.curation.samples.pictures import read_pictures
from georay.streetworld.export.records import write_folder
from georay.streetworld.world import StreetWorld

NUM_SCENES = 24
THRESHOLD = 0.4


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A drawn world, and a curation run of it whose scores are made up."""
    root = tmp_path_factory.mktemp("world")
    write_folder(StreetWorld(seed=3, size=64), NUM_SCENES, root)
    listing = list_inputs([str(root / "labels.csv")])
    rows = [
        {
            "image_id": picture.image_id,
            "uri": picture.uri,
            "copies": 1,
            "country": picture.country,
            "city": picture.city,
            "latitude": picture.latitude,
            "longitude": picture.longitude,
            "locatability": number / NUM_SCENES,
        }
        for number, picture in enumerate(read_pictures(listing.table))
    ]
    (root / "run" / "scores").mkdir(parents=True)
    pq.write_table(rows_to_table(rows, SCORES), root / "run" / "scores" / "part-00000.parquet")
    recipe = CurateRecipe(inputs=("labels.csv",), output="run", threshold=THRESHOLD)
    manifest = {"kind": "curation", "recipe": recipe.model_dump(mode="json")}
    write_json(root / "run" / "manifest.json", manifest)
    return root


@pytest.fixture(scope="module")
def tables(world):
    make_samples(
        SamplesRecipe(
            output=str(world / "out"),
            curation=str(world / "run"),
            clues=(str(world / "clues.parquet"),),
            splits=SplitRecipe(validation=0.2, test=0.2),
        )
    )
    return [
        pq.read_table(world / "out" / name).to_pylist() for name in ("samples", "samples_left_out")
    ]


def test_every_sentence_and_every_scene_is_accounted_for(world, tables):
    samples, left_out = tables
    stages = [row["stage"] for row in samples + left_out]
    assert stages.count("reasoning") == pq.read_table(world / "clues.parquet").num_rows
    assert stages.count("location") == NUM_SCENES


def test_only_talk_that_names_no_place_and_scenes_below_the_threshold_are_left_out(tables):
    _, left_out = tables
    assert {(row["stage"], row["kind"]) for row in left_out} == {
        ("reasoning", "no country"),
        ("location", "not curated"),
    }


def test_a_sentence_is_paired_with_its_own_scene_and_country(world, tables):
    samples, _ = tables
    clues = {row["clue_id"]: row for row in pq.read_table(world / "clues.parquet").to_pylist()}
    reasoned = [row for row in samples if row["stage"] == "reasoning"]
    assert reasoned
    for row in reasoned:
        clue = clues[row["clue_id"]]
        assert row["uri"].endswith(f"{clue['image_id']}.jpg")
        assert row["country"] == clue["country"]
        assert json.loads(row["answer"])["reasons"] == clue["text"]
