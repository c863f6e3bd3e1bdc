import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from georay.clues.album import Album, Scored, training_pictures
from georay.clues.labels import Labeller
from georay.clues.pairing import NamePictures
from georay.config.clues import PairingRecipe
from georay.config.samples import SplitRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.splits import Spot, place_of, split_of
from georay.core.tables import SCORES, rows_to_table
from georay.locatability.labels import ADE20K_LABELS, LABEL_INDEX, NUM_LABELS

TREE, CAR = LABEL_INDEX["tree"], LABEL_INDEX["car"]


class WordEncoder:
    """A dimension for each label; a text points to the labels whose first word it contains."""

    id = "words"

    def encode(self, texts):
        words = [label.split(",")[0].split(";")[0] for label in ADE20K_LABELS]
        found = np.array(
            [[w in t.split() or t.startswith(w + ",") or t == w for w in words] for t in texts]
        )
        vectors = found.astype(np.float32) + 1e-6
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def recipe(**more):
    return PairingRecipe(curation="run", **more)


def picture(name, country, **areas):
    shares = np.zeros(NUM_LABELS, np.float32)
    for label, share in areas.items():
        shares[LABEL_INDEX[label]] = share
    return Scored(name, f"{name}.jpg", country, shares)


def clue(text, country="PL", **more):
    return {
        "clue_id": text,
        "text": text,
        "country": country,
        "image_id": None,
        "pairing": None,
    } | more


@pytest.fixture
def album():
    return Album(
        [
            picture("wood", "PL", tree=0.6),
            picture("street", "PL", tree=0.02, car=0.3),
            picture("field", "PL", sky=0.9),
            picture("abroad", "NO", tree=0.9),
        ],
        recipe(),
    )


def test_a_clue_gets_a_picture_of_its_country_in_which_its_class_is_large(album):
    rows = NamePictures(Labeller(WordEncoder(), 0.3), album)(
        [clue("a car by the road"), clue("the tree")]
    )
    assert rows[0]["label"] in {"car", "road"}
    assert {row["pairing"] for row in rows if row["image_id"]} == {"class"}
    assert rows[1]["image_id"] in {"wood", "street"}


def test_a_clue_without_a_class_or_a_country_gets_none(album):
    name = NamePictures(Labeller(WordEncoder(), 0.3), album)
    for row in name([clue("nothing here"), clue("the tree", "FR"), clue("the tree", None)]):
        assert (row["image_id"], row["pairing"]) == (None, None)


def test_a_pair_of_the_source_is_left_alone(album):
    given = clue("the tree", image_id="mine", pairing="source")
    (row,) = NamePictures(Labeller(WordEncoder(), 0.3), album)([given])
    assert (row["image_id"], row["pairing"], row["label"]) == ("mine", "source", "tree")


def test_an_album_holds_the_fullest_pictures_whatever_their_number():
    many = [picture(f"p{at}", "PL", tree=at / 1000) for at in range(600)]
    album = Album(many, recipe(most_pictures=4))
    chosen = {album.choose("PL", TREE, f"clue{at}") for at in range(100)}
    assert chosen == {"p599", "p598", "p597", "p596"}
    assert album.choose("PL", CAR, "clue") is None
    assert len(list(album.portraits())) == 64


class Clip:
    id = "clip"

    def encode_texts(self, texts):
        return np.array(
            [[1.0, 0.0] if "left" in text else [0.0, 1.0] for text in texts], np.float32
        )

    def encode_pictures(self, uris):
        raise AssertionError("the portraits are there")


def test_clip_chooses_where_no_class_does(album):
    portraits = {"PL": (["left", "right"], np.eye(2, dtype=np.float32))}
    rows = NamePictures(Labeller(WordEncoder(), 0.3), album, Clip(), portraits)(
        [clue("to the left"), clue("to the right"), clue("the tree"), clue("to the left", "NO")]
    )
    assert [row["pairing"] for row in rows] == ["clip", "clip", "class", None]
    assert [row["image_id"] for row in rows[:2]] == ["left", "right"]


def finished_run(root, rows):
    (root / "scores").mkdir(parents=True)
    (root / "manifest.json").write_text(json.dumps({"kind": "curation"}))
    pq.write_table(rows_to_table(rows, SCORES), root / "scores" / "a.parquet")


def test_no_picture_of_a_validation_or_test_place_is_offered(tmp_path):
    splits = SplitRecipe(validation=0.3, test=0.3)
    rows = [
        {
            "image_id": f"p{at}",
            "uri": f"p{at}.jpg",
            "copies": 1,
            "country": "Poland",
            "latitude": 50 + at / 10,
            "longitude": 20.0,
            "area_ratio": [1 / NUM_LABELS] * NUM_LABELS,
        }
        for at in range(30)
    ]
    rows.append(rows[0] | {"image_id": "broken", "area_ratio": None, "error": "truncated"})
    rows.append(rows[0] | {"image_id": "nowhere", "country": None})
    finished_run(tmp_path / "run", rows)
    settings = PairingRecipe(curation=str(tmp_path / "run"), splits=splits)
    found = {one.image_id for one in training_pictures(settings, Gazetteer.load())}
    places = {
        str(row["image_id"]): place_of(
            Spot(str(row["image_id"]), None, row["latitude"], row["longitude"]), splits
        )
        for row in rows[:30]
    }
    assert found == {name for name, place in places.items() if split_of(place, splits) == "train"}
    assert 0 < len(found) < 30


def test_a_folder_without_a_finished_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no finished curation run"):
        list(training_pictures(PairingRecipe(curation=str(tmp_path)), Gazetteer.load()))
