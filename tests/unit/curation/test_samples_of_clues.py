"""What samples take over from the table of `georay clues`: terms, and pairs that it chose."""

import json
from functools import partial

import pyarrow.parquet as pq
import pytest
from samples_room import PICTURES, write_clues, write_run

from georay.config.samples import SamplesRecipe
from georay.curation.samples import make_samples


@pytest.fixture
def make_of(tmp_path):
    def make(pictures, clues):
        run = write_run(tmp_path / "run", pictures)
        files = (write_clues(tmp_path / "clues.parquet", clues),)
        out = tmp_path / "out"
        summary = make_samples(SamplesRecipe(output=str(out), curation=str(run), clues=files))
        return summary, pq.read_table(out / "samples").to_pylist(), out

    return make


@pytest.fixture
def make(make_of):
    return partial(make_of, PICTURES)


def clue(image, text, **more):
    return {"image_id": image, "country": "FR", "text": text} | more


def test_source_and_licence_of_a_clue_reach_samples_summary_and_manifest(make):
    summary, samples, out = make(
        [
            clue("paris", "Blue plates.", source="guide", licence="CC BY-NC 4.0"),
            clue("dull", "White lines.", source="games"),
        ]
    )
    terms = {
        (row["clue_source"], row["clue_licence"]) for row in samples if row["stage"] == "reasoning"
    }
    assert terms == {("guide", "CC BY-NC 4.0"), ("games", None)}
    expected = {"games: none stated": 1, "guide: CC BY-NC 4.0": 1}
    assert json.loads((out / "samples.json").read_text())["clue_licences"] == expected
    assert "clues of guide: CC BY-NC 4.0: 1" in summary.as_text()


@pytest.mark.parametrize(
    ("pairing", "city"), [("source", "Lagos"), ("class", None), ("clip", None)]
)
def test_a_pair_that_georay_chose_tells_nothing_of_its_pictures_town(make, pairing, city):
    told = clue("townless", "Yellow buses.", country="NG", city="Lagos", pairing=pairing)
    _, samples, _ = make([told])
    located = {row["image_id"]: row["city"] for row in samples if row["stage"] == "location"}
    assert located.get("id-townless") == city
    assert [row["clue_id"] for row in samples if row["stage"] == "reasoning"] == ["c0"]


def test_terms_of_a_picture_reach_samples_summary_and_manifest(make_of):
    terms = {"source": "mapillary", "licence": "CC BY-SA 4.0", "attribution": "Jo / Mapillary"}
    pictures = PICTURES | {"paris": PICTURES["paris"] | terms}
    summary, samples, out = make_of(pictures, [clue("paris", "Blue plates.")])
    told = {
        row["stage"]: [row[f"picture_{name}"] for name in terms]
        for row in samples
        if row["image_id"] == "id-paris"
    }
    assert told == {stage: list(terms.values()) for stage in ("reasoning", "location")}
    named = {"mapillary: CC BY-SA 4.0": 2}
    assert json.loads((out / "samples.json").read_text())["picture_licences"] == named
    assert "pictures of mapillary: CC BY-SA 4.0: 2" in summary.as_text()
