import random
from hashlib import sha256

import pyarrow.parquet as pq
import pytest

from georay.core.tables import SAMPLES, rows_to_table
from georay.evaluation.datasets import read_split


def sample(number, stage="location", split="test", **facts):
    return {
        "sample_id": f"{stage}-{number}",
        "stage": stage,
        "split": split,
        "place": "FR/Lyon",
        "image_id": f"i{number:03}",
        "uri": f"{number}.jpg",
        "question": "Where?",
        "answer": "There.",
        "country": "FR",
        "city": "Lyon",
        "latitude": 45.76,
        "longitude": 4.84,
    } | facts


@pytest.fixture
def written(tmp_path):
    def written(rows, name="samples.parquet"):
        pq.write_table(rows_to_table(rows, SAMPLES), tmp_path / name)
        return str(tmp_path / name)

    return written


def ids(pictures):
    return [picture.image_id for picture in pictures]


def test_only_the_split_and_stage_asked_for_are_read_with_what_is_true_of_them(written):
    rows = [sample(2), sample(1), sample(3, split="train"), sample(4, stage="reasoning")]
    pictures = read_split((written(rows),), "test", "location")
    assert ids(pictures) == ["i001", "i002"]
    first = pictures[0]
    assert (first.uri, first.country, first.city) == ("1.jpg", "FR", "Lyon")
    assert (first.latitude, first.longitude) == (45.76, 4.84)


def test_a_picture_of_several_samples_and_files_is_there_once(written):
    rows = [sample(n, "reasoning", sample_id=f"s{k}", city=None) for n in (1, 2) for k in range(3)]
    locations = (written(rows), written(rows, "again.parquet"))
    assert ids(read_split(locations, "test", "reasoning")) == ["i001", "i002"]


def test_a_draw_depends_on_the_ids_alone_and_smaller_ones_are_part_of_larger(written):
    rows = [sample(number) for number in range(50)]
    drawn = [ids(read_split((written(rows),), "test", "location", size)) for size in (10, 20)]
    random.Random(0).shuffle(rows)
    shuffled = (written(rows[:25], "a.parquet"), written(rows[25:], "b.parquet"))
    assert ids(read_split(shuffled, "test", "location", 10)) == drawn[0]
    assert [len(one) for one in drawn] == [10, 20]
    assert set(drawn[0]) < set(drawn[1])
    assert drawn[0] == sorted(drawn[0]) != [f"i{n:03}" for n in range(10)]


def test_a_picture_in_two_countries_is_refused(written):
    rows = [sample(1), sample(1, sample_id="other", country="JP", city="Kyoto")]
    with pytest.raises(ValueError, match="i001 lies in FR by one sample and in JP"):
        read_split((written(rows),), "test", "location")


def test_samples_that_are_absent_damaged_or_of_another_split_are_told(written, tmp_path):
    with pytest.raises(ValueError, match=r"no samples at .*absent"):
        read_split((str(tmp_path / "absent"),), "test", "location")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(ValueError, match=r"cannot read samples from .*damaged"):
        read_split((str(tmp_path / "damaged.parquet"),), "test", "location")
    with pytest.raises(ValueError, match="no picture of stage 'location' in split 'validation'"):
        read_split((written([sample(1)]),), "validation", "location")


def test_of_a_pictures_samples_the_first_by_id_says_what_is_true(written):
    rows = [sample(1, sample_id="b", city="Lyons"), sample(1, sample_id="a", city="Lyon")]
    (picture,) = read_split((written(rows),), "test", "location")
    assert picture.city == "Lyon"


def test_as_many_pictures_as_there_are_or_more_are_all_of_them(written):
    rows = [sample(number) for number in range(4)]
    everything = read_split((written(rows),), "test", "location")
    for size in (4, 5):
        assert read_split((written(rows),), "test", "location", size) == everything
    assert len(read_split((written(rows),), "test", "location", 3)) == 3


def test_a_draw_is_that_of_the_smallest_hashes(written):
    """Kept by runs of years ago, whose figures are compared with today's."""
    rows = [sample(number) for number in range(50)]
    by_hash = sorted(
        (row["image_id"] for row in rows), key=lambda name: sha256(name.encode()).digest()
    )
    found = read_split((written(rows),), "test", "location", 7)
    assert ids(found) == sorted(by_hash[:7])


def test_a_picture_may_stand_under_another_uri(written):
    (picture,) = read_split((written([sample(1)]),), "test", "location")
    moved = picture.at("s3://there/1.jpg")
    assert (picture.uri, moved.uri) == ("1.jpg", "s3://there/1.jpg")
    assert moved.at("1.jpg") == picture


def test_the_countries_that_disagree_are_both_named(written):
    rows = [sample(1), sample(1, sample_id="other", country="JP", city="Kyoto")]
    told = "^image i001 lies in FR by one sample and in JP by another; leave out one of them$"
    with pytest.raises(ValueError, match=told):
        read_split((written(rows),), "test", "location")
    names = ", ".join((written([sample(1)]), written([sample(2)], "b.parquet")))
    with pytest.raises(ValueError, match=f"^{names}: no picture of stage 'reasoning'"):
        read_split(tuple(names.split(", ")), "test", "reasoning")
