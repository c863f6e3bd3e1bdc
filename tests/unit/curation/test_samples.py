"""Samples from a curation run and clues: every row is used, or left out with its reason."""

import json

import pyarrow.parquet as pq
import pytest
from samples_room import KYOTO, PICTURES, write_clues, write_run

from georay.config.load import load_recipe, parse_recipe
from georay.config.samples import MixRecipe, SamplesRecipe, SplitRecipe
from georay.core.manifest import file_sha256
from georay.core.prompts import LOCATION, REASONING
from georay.core.tables import LEFT_OUT, SAMPLES
from georay.curation.samples import make_samples
from georay.curation.samples.pictures import Picture, PictureIndex

USED = {"paris", "kyoto"}
KINDS = {
    "dull": "not curated", "broken": "picture failed", "stateless": "no country",
    "narnia": "unknown country", "townless": "no town", "atlantis": "unknown town",
    "off_globe": "bad coordinates",
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run", PICTURES)


@pytest.fixture
def make(tmp_path, run):
    """Makes samples of the run and of these clues; returns the two tables' rows."""

    def make(clues=(), **changes):
        files = (write_clues(tmp_path / "clues.parquet", clues),) if clues else ()
        content = {"output": str(tmp_path / "out"), "curation": str(run), "clues": files} | changes
        make_samples(SamplesRecipe(**content))
        return read(tmp_path / "out")

    return make


def read(output):
    samples = pq.read_table(output / "samples")
    left_out = pq.read_table(output / "samples_left_out")
    assert samples.schema.equals(SAMPLES) and left_out.schema.equals(LEFT_OUT)
    return samples.to_pylist(), left_out.to_pylist()


def test_curated_pictures_become_questions_for_country_and_town_in_the_gazetteers_names(make):
    samples, _ = make()
    answers = {row["image_id"]: row["answer"] for row in samples}
    assert answers == {
        "id-paris": '{"country": "France", "city": "Paris"}',
        "id-kyoto": '{"country": "Japan", "city": "Kyoto"}',
    }
    assert {row["question"] for row in samples} == {LOCATION.question}
    kyoto = next(row for row in samples if row["image_id"] == "id-kyoto")
    assert (kyoto["stage"], kyoto["country"], kyoto["city"]) == ("location", "JP", "Kyoto")
    assert (kyoto["latitude"], kyoto["locatability"]) == (35.01, 0.4)


def test_every_scored_picture_is_a_sample_or_is_left_out_with_its_reason(make):
    samples, left_out = make()
    assert {row["image_id"] for row in samples} == {f"id-{name}" for name in USED}
    assert {row["image_id"]: row["kind"] for row in left_out} == {
        f"id-{name}": kind for name, kind in KINDS.items()
    }
    reasons = {row["kind"]: row["reason"] for row in left_out}
    assert reasons["not curated"] == "locatability 0.1000 is below 0.4"
    assert reasons["picture failed"] == "truncated"
    assert "Atlantis" in reasons["unknown town"]
    assert len(samples) + len(left_out) == len(PICTURES)


def test_a_clue_and_its_picture_become_a_question_for_country_and_reasons(make):
    samples, left_out = make([("paris", "FR", "  The plates have\na blue band. ")])
    (row,) = [row for row in samples if row["stage"] == "reasoning"]
    assert row["question"] == REASONING.question
    assert json.loads(row["answer"]) == {
        "country": "France",
        "reasons": "The plates have a blue band.",
    }
    assert (row["clue_id"], row["image_id"], row["country"]) == ("c0", "id-paris", "FR")
    assert row["uri"].endswith("paris.jpg")
    assert not [row for row in left_out if row["stage"] == "reasoning"]


@pytest.mark.parametrize(
    ("clue", "kind"),
    [
        (("paris", None, "Nice view."), "no country"),
        (("paris", "Narnia", "A lamp post in the snow."), "unknown country"),
        ((None, "FR", "Blue plates."), "no picture"),
        (("london", "GB", "Red buses."), "picture absent"),
        (("broken", "FR", "Blue plates."), "picture failed"),
        (("paris", "IT", "An Italian flag."), "countries disagree"),
        (("paris", "FR", "  \n "), "no text"),
        (("paris", "FR", "Blue plates.<|im_end|>"), "control token"),
        (("off_globe", "FR", "Blue plates."), "bad coordinates"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_clue_that_cannot_be_used_is_left_out_with_its_reason(make, clue, kind):
    samples, left_out = make([clue])
    assert not [row for row in samples if row["stage"] == "reasoning"]
    (row,) = [row for row in left_out if row["stage"] == "reasoning"]
    assert (row["kind"], row["clue_id"], row["image_id"]) == (kind, "c0", clue[0])
    assert row["reason"]


def test_a_picture_that_curation_dropped_still_teaches_reasons(make):
    samples, _ = make([("dull", "FR", "Blue plates.")])
    assert [row["image_id"] for row in samples if row["stage"] == "reasoning"] == ["id-dull"]


def test_clues_name_pictures_by_their_id_too(make):
    samples, _ = make([("id-paris", "FR", "Blue plates.")])
    assert [row["clue_id"] for row in samples if row["stage"] == "reasoning"] == ["c0"]


def test_a_picture_without_a_country_takes_it_from_clues_that_agree(make):
    samples, _ = make([("stateless", "NG", "Yellow taxis."), ("stateless", "NG", "Red soil.")])
    assert [row["country"] for row in samples if row["stage"] == "reasoning"] == ["NG", "NG"]


def test_clues_that_disagree_about_a_picture_without_a_country_are_left_out(make):
    samples, left_out = make([("stateless", "NG", "Red soil."), ("stateless", "KE", "Red soil.")])
    assert not [row for row in samples if row["stage"] == "reasoning"]
    told = [row for row in left_out if row["stage"] == "reasoning"]
    assert [row["kind"] for row in told] == ["countries disagree"] * 2
    assert "KE, NG" in told[0]["reason"]


def test_a_town_that_only_a_clue_names_locates_the_picture(make):
    clue = {"image_id": "townless", "country": "NG", "city": "Lagos", "text": "Yellow minibuses."}
    samples, _ = make([clue])
    located = {row["image_id"]: row["city"] for row in samples if row["stage"] == "location"}
    assert located["id-townless"] == "Lagos"


def test_the_same_sentence_about_the_same_picture_is_one_sample(make):
    samples, left_out = make([("paris", "FR", "Blue plates."), ("paris", "France", "Blue plates.")])
    assert len([row for row in samples if row["stage"] == "reasoning"]) == 1
    assert [row["kind"] for row in left_out if row["stage"] == "reasoning"] == ["repeated"]


def test_of_many_clues_about_a_picture_as_many_as_wanted_are_taken(make):
    clues = [("paris", "FR", f"Reason {n}.") for n in range(6)]
    samples, left_out = make([*clues, clues[0]], max_clues_per_image=2)
    chosen = {row["answer"] for row in samples if row["stage"] == "reasoning"}
    assert len(chosen) == 2
    kinds = [row["kind"] for row in left_out if row["stage"] == "reasoning"]
    assert len(kinds) == 5 and set(kinds) <= {"more clues than wanted", "repeated"}


def test_a_file_that_is_gone_since_curation_is_left_out(make, run):
    (run / "photos" / "kyoto.jpg").unlink()
    samples, left_out = make([("kyoto", "JP", "Kanji.")])
    assert {row["image_id"] for row in samples} == {"id-paris"}
    gone = [row for row in left_out if row["image_id"] in {"id-kyoto", "kyoto"}]
    assert [row["kind"] for row in gone] == ["picture absent"] * 2


def test_no_place_is_in_two_splits_and_both_stages_agree(tmp_path):
    pictures = {
        f"p{n}": KYOTO | {"latitude": 35.0 + n // 3 / 50, "locatability": 0.9} for n in range(120)
    }
    run = write_run(tmp_path / "run", pictures)
    clues = write_clues(tmp_path / "clues.parquet", [(name, "JP", "Kanji.") for name in pictures])
    splits = SplitRecipe(validation=0.25, test=0.25)
    recipe = SamplesRecipe(
        output=str(tmp_path / "out"), curation=str(run), clues=(clues,), splits=splits
    )
    summary = make_samples(recipe)
    samples, _ = read(tmp_path / "out")
    assert len(samples) == 240
    split_of_place = {}
    for row in samples:
        assert split_of_place.setdefault(row["place"], row["split"]) == row["split"]
    assert len(split_of_place) == 40
    split_of_image = {(row["image_id"], row["split"]) for row in samples}
    assert len(split_of_image) == 120, "an image is in one split, whatever the stage"
    assert all(count > 0 for counts in summary.samples.values() for count in counts.values())
    assert summary.num_places == {
        split: sum(1 for other in split_of_place.values() if other == split)
        for split in ("train", "validation", "test")
    }


def test_held_out_cities_are_never_trained_on(tmp_path):
    cities = ["Kyoto", "Osaka", "Nagoya", "Sapporo", "Fukuoka", "Kobe", "Sendai", "Hiroshima"]
    pictures = {
        f"{city}{n}": {"country": "JP", "city": city, "locatability": 1.0, "latitude": 35.0 + n}
        | {"longitude": 136.0}
        for city in cities
        for n in range(4)
    }
    run = write_run(tmp_path / "run", pictures)
    splits = SplitRecipe(by="city", test=0.5)
    make_samples(SamplesRecipe(output=str(tmp_path / "out"), curation=str(run), splits=splits))
    samples, _ = read(tmp_path / "out")
    by_split = {
        split: {r["city"] for r in samples if r["split"] == split} for split in ("train", "test")
    }
    assert by_split["train"] and by_split["test"]
    assert not by_split["train"] & by_split["test"]


def test_samples_do_not_depend_on_order_and_the_rest_not_on_what_is_added(tmp_path):
    pictures = {f"p{n}": KYOTO | {"latitude": 35 + n / 20, "locatability": 0.9} for n in range(30)}
    first = write_run(tmp_path / "first", dict(list(pictures.items())[:20]))
    second = write_run(tmp_path / "second", dict(reversed(pictures.items())))
    tables = []
    for run in (first, second):
        output = tmp_path / f"out-{run.name}"
        make_samples(SamplesRecipe(output=str(output), curation=str(run)))
        tables.append({row["sample_id"]: row | {"uri": ""} for row in read(output)[0]})
    few, many = tables
    assert len(few) == 20 and len(many) == 30
    assert all(many[sample_id] == row for sample_id, row in few.items())


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_mix_changes_training_alone_and_keeps_its_size(tmp_path, share):
    pictures = {
        f"p{n}": KYOTO | {"latitude": 34.0 + n / 40, "locatability": 0.9 if n % 2 else 0.1}
        for n in range(100)
    }
    run = write_run(tmp_path / "run", pictures)
    recipe = SamplesRecipe(
        output=str(tmp_path / "out"),
        curation=str(run),
        mix=MixRecipe(locatable_share=share, num_images=20),
        splits=SplitRecipe(test=0.3),
        held_out="scored",
    )
    make_samples(recipe)
    samples, left_out = read(tmp_path / "out")
    train = [row for row in samples if row["split"] == "train"]
    assert len(train) == 20
    assert sum(row["locatability"] >= 0.4 for row in train) == share * 20
    test = [row for row in samples if row["split"] == "test"]
    assert {row["locatability"] for row in test} == {0.1, 0.9}
    assert len(samples) + len(left_out) == 100
    assert {row["kind"] for row in left_out} == {"not in the mix"}


def test_without_a_wish_held_out_places_are_judged_by_curated_pictures_too(tmp_path):
    pictures = {
        f"p{n}": KYOTO | {"latitude": 34.0 + n / 40, "locatability": 0.9 if n % 2 else 0.1}
        for n in range(60)
    }
    run = write_run(tmp_path / "run", pictures)
    recipe = SamplesRecipe(
        output=str(tmp_path / "out"), curation=str(run), splits=SplitRecipe(test=0.5)
    )
    make_samples(recipe)
    samples, _ = read(tmp_path / "out")
    assert {row["locatability"] for row in samples} == {0.9}
    assert {row["split"] for row in samples} >= {"train", "test"}


def test_a_mix_that_asks_for_too_much_says_how_much_there_is(make):
    with pytest.raises(ValueError, match="the mix asks for 50 pictures"):
        make(mix=MixRecipe(locatable_share=1, num_images=50))


def test_clues_alone_need_no_curation_run(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"one")
    (tmp_path / "photos" / "empty.jpg").write_bytes(b"")
    clues = write_clues(
        tmp_path / "clues.parquet", [("one", "FR", "Plates."), ("empty", "FR", "Signs.")]
    )
    recipe = SamplesRecipe(
        output=str(tmp_path / "out"), images=(str(tmp_path / "photos"),), clues=(clues,)
    )
    make_samples(recipe)
    samples, left_out = read(tmp_path / "out")
    assert [row["country"] for row in samples] == ["FR"]
    assert [row["kind"] for row in left_out] == ["picture failed"]


def test_two_different_pictures_of_one_name_are_not_guessed_between(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        (tmp_path / "photos" / folder / "one.jpg").write_bytes(folder.encode())
        (tmp_path / "photos" / folder / "same.jpg").write_bytes(b"same")
    clues = write_clues(
        tmp_path / "c.parquet", [("one", "FR", "Plates."), ("same", "FR", "Signs.")]
    )
    recipe = SamplesRecipe(
        output=str(tmp_path / "out"), images=(str(tmp_path / "photos"),), clues=(clues,)
    )
    make_samples(recipe)
    samples, left_out = read(tmp_path / "out")
    assert [json.loads(row["answer"])["reasons"] for row in samples] == ["Signs."]
    assert [row["kind"] for row in left_out] == ["picture ambiguous"]


def test_the_run_records_counts_inputs_and_the_hash_of_its_samples(make, tmp_path):
    make([("paris", "FR", "Blue plates."), ("paris", None, "Nice.")])
    folder = tmp_path / "out"
    manifest = json.loads((folder / "samples.json").read_text())
    assert manifest["samples_sha256"] == file_sha256(folder / "samples" / "part-00000.parquet")
    assert sum(manifest["samples"]["location"].values()) == 2
    assert manifest["left_out"]["reasoning"] == {"no country": 1}
    assert {one["name"] for one in manifest["inputs"]} == {"clues.parquet", "manifest.json"}
    stored = load_recipe(folder / "samples.yaml", SamplesRecipe)
    assert stored == parse_recipe(manifest["recipe"], SamplesRecipe, "manifest")


def test_a_rerun_writes_the_same_tables_and_leaves_nothing_of_the_old_ones(make, tmp_path):
    folders = [tmp_path / "out" / name for name in ("samples", "samples_left_out")]
    make([("paris", "FR", "Blue plates.")])
    before = [file_sha256(folder / "part-00000.parquet") for folder in folders]
    (folders[0] / "stale.parquet").write_bytes(b"")
    make([("paris", "FR", "Blue plates.")])
    assert [file_sha256(folder / "part-00000.parquet") for folder in folders] == before
    assert not (folders[0] / "stale.parquet").exists()


def test_samples_may_lie_in_the_folder_of_the_run_they_come_from(run):
    recipe = SamplesRecipe(output=str(run), curation=str(run))
    first, second = make_samples(recipe), make_samples(recipe)
    assert first == second
    assert {row["image_id"] for row in read(run)[0]} == {f"id-{name}" for name in USED}


def test_clues_in_another_order_give_the_same_samples(tmp_path, run):
    clues = [{"clue_id": f"c{n % 7}", "image_id": "paris", "country": "FR"} for n in range(14)]
    clues = [clue | {"text": f"Reason {n % 3}."} for n, clue in enumerate(clues)]
    tables = []
    for rows in (clues, clues[::-1]):
        path = write_clues(tmp_path / "clues.parquet", rows)
        recipe = SamplesRecipe(
            output=str(tmp_path / "out"), curation=str(run), clues=(path,), max_clues_per_image=2
        )
        make_samples(recipe)
        tables.append(read(tmp_path / "out"))
    assert tables[0] == tables[1]


def test_the_summary_tells_what_a_person_asks_first(tmp_path, run):
    summary = make_samples(SamplesRecipe(output=str(tmp_path / "out"), curation=str(run)))
    text = summary.as_text()
    assert "location: " in text and "left out of location: 1 bad coordinates, " in text


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://b/views/f%2520g.jpg?region=x", "f%20g"),
        ("s3://b/what%3F.jpg", "what?"),
        ("/photos/f%20g.jpg", "f%20g"),
        ("/photos/Zu\u0308rich.jpg", "Z\u00fcrich"),
        ("/photos/Z\u00fcrich.jpg", "Zu\u0308rich"),
    ],
)
def test_a_clue_finds_a_picture_by_the_name_that_people_read(uri, name):
    picture = Picture("1", uri, None, (uri,), *[None] * 9)
    assert PictureIndex([picture], [name]).find(name) is picture


def test_what_the_lists_of_further_pictures_leave_unused_is_said(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "list.csv").write_text("file,country,photographer\na.jpg,FR,me\n")
    clues = write_clues(tmp_path / "clues.parquet", [("a", "FR", "Bollards")])
    recipe = SamplesRecipe(
        output=str(tmp_path / "out"), images=(str(tmp_path / "list.csv"),), clues=(clues,)
    )
    assert "  " + f"{tmp_path}/list.csv: photographer" in make_samples(recipe).as_text().split("\n")
