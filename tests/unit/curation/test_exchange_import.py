"""Conversations of other tools become samples: ours as they were, others by what they say."""

import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exchange_room import (
    FORMS,
    picture_bytes,
    read_samples,
    rows_about,
    said,
    view_row,
    write_samples,
)
from samples_room import PICTURES, write_run

from georay.config.samples import SamplesRecipe, SplitRecipe
from georay.core.images import content_id
from georay.core.paths import copy_folder, path_of
from georay.core.prompts import LOCATION, REASONING
from georay.core.splits import split_of
from georay.core.storage import read_bytes
from georay.curation.exchange import export_samples
from georay.curation.inputs import list_inputs
from georay.curation.samples import make_samples

REASONS = '{"country": "Italy", "reasons": "A yellow rear plate."}'
TOWN = '{"country": "Italy", "city": "Rome"}'


@pytest.fixture
def take(tmp_path):
    """Takes conversations over; the samples, and what was left out by its kind."""

    def take(*paths, **changes):
        out = tmp_path / "taken"
        content = {"output": str(out), "conversations": tuple(map(str, paths))}
        make_samples(SamplesRecipe(**content | changes))
        left_out = pq.read_table(out / "samples_left_out").to_pylist()
        return list(read_samples(out).values()), {row["kind"]: row for row in left_out}

    return take


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(picture_bytes(1, "photo.jpg"))
    return path


def turns(question, answer, user="human", assistant="gpt"):
    return [{"from": user, "value": question}, {"from": assistant, "value": answer}]


def row_of(photo, answer=REASONS, **more):
    told = turns("<image>\nWhere is this?", answer)
    return {"conversations": told, "images": [photo.name], **more}


def write_json(path, *rows):
    path.write_text(json.dumps(rows))
    return path


@pytest.mark.parametrize("pictures", ["packed", "uri"])
@pytest.mark.parametrize("form", FORMS)
def test_what_was_exported_comes_back_as_it_was(take, tmp_path, form, pictures):
    rows = rows_about(tmp_path / "pictures")
    root = write_samples(tmp_path / "run", rows)
    export_samples(root, form, root, pictures)
    back, left_out = take(root / form)
    assert left_out == {}
    before = read_samples(root)
    assert {row["sample_id"] for row in back} == set(before)
    for row in back:
        was = before[row["sample_id"]]
        assert row | {"uri": ""} == was | {"uri": ""}
        assert pictures == "packed" or row["uri"] == was["uri"]
        assert content_id(read_bytes(row["uri"], 1 << 20)) == row["image_id"]


@pytest.mark.parametrize("form", FORMS)
def test_a_view_comes_back_as_a_picture_of_its_own(take, tmp_path, form):
    row = view_row(tmp_path)
    root = write_samples(tmp_path / "run", [row])
    export_samples(root, form, root, "packed")
    ((back,), _) = take(root / form)
    assert said(back) == said(row)
    assert back["projection"] is None and back["uri"].endswith(".png")


@pytest.mark.parametrize("form", FORMS)
def test_licence_and_attribution_survive_a_second_export(take, tmp_path, form):
    root = write_samples(tmp_path / "run", rows_about(tmp_path / "pictures"))
    export_samples(root, form, root, "packed")
    take(root / form)
    again = export_samples(tmp_path / "taken", "webdataset", tmp_path / "again", "packed")
    assert again.picture_licences == {"unnamed: none stated": 10, "mapillary: CC BY-SA 4.0": 2}
    assert again.clue_licences == {"guide: CC BY-NC 4.0": 6}


@pytest.mark.parametrize(
    ("answer", "stage", "city"), [(REASONS, "reasoning", None), (TOWN, "location", "Rome")]
)
def test_a_strangers_answer_says_its_stage_country_and_town(
    take, tmp_path, photo, answer, stage, city
):
    ((row,), _) = take(write_json(tmp_path / "rows.json", row_of(photo, answer)))
    assert (row["stage"], row["country"], row["city"]) == (stage, "IT", city)
    assert (row["question"], row["answer"]) == ("Where is this?", answer)
    assert row["image_id"] == content_id(photo.read_bytes()) and row["uri"] == str(photo)


@pytest.mark.parametrize(
    ("said", "kept"), [("equirectangular", "equirectangular"), ("view", None), ("fisheye", None)]
)
def test_a_picture_is_no_view_whatever_its_row_says(take, tmp_path, photo, said, kept):
    ((row,), _) = take(write_json(tmp_path / "rows.json", row_of(photo, projection=said)))
    assert row["projection"] == kept


def test_a_strangers_licence_reaches_the_samples(take, tmp_path, photo):
    row = row_of(photo, licence="CC BY-NC 4.0", source="quiz")
    take(write_json(tmp_path / "rows.json", row))
    facts = json.loads((tmp_path / "taken" / "samples.json").read_text())
    assert facts["clue_licences"] == {"quiz: CC BY-NC 4.0": 1}
    assert facts["inputs"][0]["name"] == "rows.json"


@pytest.mark.parametrize(
    ("name", "more", "split"),
    [
        ("rows.json", {"split": "val"}, "validation"),
        ("rows.json", {"split": "dev"}, "validation"),
        ("quiz_test.json", {}, "test"),
        ("quiz-train-01.json", {}, "train"),
        ("contest.json", {}, None),
    ],
)
def test_a_split_is_the_rows_own_else_its_files_else_that_of_its_place(
    take, tmp_path, photo, name, more, split
):
    path = write_json(tmp_path / name, row_of(photo, **more))
    splits = SplitRecipe(test=0.9, validation=0.09, seed=3)
    ((row,), _) = take(path, splits=splits)
    assert row["split"] == (split or split_of(row["place"], splits))


def test_no_place_is_in_two_splits_whatever_others_say(take, tmp_path, photo):
    (tmp_path / "other.jpg").write_bytes(picture_bytes(2, "other.jpg"))
    here = {"latitude": 41.9, "longitude": 12.5}
    rows = [
        row_of(photo, split="train", **here),
        row_of(tmp_path / "other.jpg", split="test", **here),
    ]
    samples, left_out = take(write_json(tmp_path / "rows.json", *rows))
    assert [row["split"] for row in samples] == ["test"]
    assert left_out["place in two splits"]["image_id"] == content_id(photo.read_bytes())


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"conversations": turns("<image>Where?", "Italy") * 2}, "other turns"),
        ({"conversations": turns("<image>Where?", REASONS, assistant="tool")}, "other turns"),
        ({"conversations": [{"from": "system", "value": "Be brief."}]}, "other turns"),
        ({"conversations": "words"}, "no conversation"),
        ({"conversations": None}, "no conversation"),
        ({"images": []}, "no picture"),
        ({"images": [7]}, "no picture"),
        ({"images": ["photo.jpg", "other.jpg"]}, "several pictures"),
        ({"images": ["gone.jpg"]}, "picture absent"),
        ({"images": ["words.txt"]}, "picture failed"),
        ({"conversations": turns("<image>Where?", "")}, "no answer"),
        ({"conversations": turns("<image>Where?", "Somewhere nice.")}, "no stage"),
        ({"conversations": turns("<image>Where?", f"{TOWN}<|im_end|>")}, "control token"),
        ({"conversations": turns("<image>Where?", "\ud83d")}, "no Unicode"),
        ({"country": "Narnia"}, "no country"),
        ({"country": 39}, "bad value"),
        ({"latitude": "north"}, "bad value"),
        ({"latitude": 948.0, "longitude": 1.0}, "bad coordinates"),
        ({"split": "spare"}, "unknown split"),
        ({"stage": "third"}, "no stage"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_row_that_is_no_sample_is_left_out_by_file_and_number(
    take, tmp_path, photo, change, kind
):
    (tmp_path / "words.txt").write_text("no picture")
    path = write_json(tmp_path / "rows.json", row_of(photo), row_of(photo, TOWN) | change)
    samples, left_out = take(path)
    assert [row["stage"] for row in samples] == ["reasoning"]
    assert set(left_out) == {kind}
    assert f"row 2 of {path}: " in left_out[kind]["reason"]


@pytest.mark.parametrize("line", ["{", "[" * 100_000], ids=["cut", "deep"])
def test_a_row_that_is_no_object_and_a_line_that_is_no_json_are_left_out(
    take, tmp_path, photo, line
):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([json.dumps(row_of(photo)), "[1]", line, ""]))
    samples, left_out = take(path)
    assert len(samples) == 1
    assert left_out["no conversation"]["reason"].startswith(f"row 2 of {path}: ")
    assert left_out["no JSON"]["reason"].startswith(f"row 3 of {path}: ")


def test_the_same_conversation_twice_is_one_sample(take, tmp_path, photo):
    samples, left_out = take(write_json(tmp_path / "rows.json", row_of(photo), row_of(photo)))
    assert len(samples) == 1 and set(left_out) == {"repeated"}


@pytest.mark.parametrize("name", ["bad.json", "bad.tar", "bad.parquet"])
@pytest.mark.parametrize("content", [b"", b"[{ this is not what its name says", b"[" * 100_000])
def test_a_damaged_file_costs_itself_alone(take, tmp_path, photo, name, content):
    (tmp_path / name).write_bytes(content)
    good = write_json(tmp_path / "rows.json", row_of(photo))
    samples, left_out = take(tmp_path / name, good)
    assert len(samples) == 1
    (kind,) = left_out
    assert kind in {"damaged file", "empty file"}
    assert str(tmp_path / name) in left_out[kind]["reason"]


@pytest.mark.parametrize("size", [4_500, 5_000, 5_632, 6_000])
def test_a_tar_that_is_cut_gives_what_was_before_the_cut(take, tmp_path, size):
    root = write_samples(tmp_path / "run", rows_about(tmp_path / "pictures"))
    export_samples(root, "webdataset", root, "packed")
    shard = root / "webdataset" / "location-train-000000.tar"
    cut = tmp_path / "cut.tar"
    cut.write_bytes(shard.read_bytes()[:size])
    samples, left_out = take(cut)
    assert len(samples) == 1 and "damaged file" in left_out


def test_a_dataset_info_says_which_columns_and_roles_are_meant(take, tmp_path, photo):
    told = [{"who": "Q", "text": "<image>Where is this?"}, {"who": "A", "text": REASONS}]
    write_json(tmp_path / "mine.json", {"talk": told, "photos": ["photo.jpg"]})
    tags = {"role_tag": "who", "content_tag": "text", "user_tag": "Q", "assistant_tag": "A"}
    info = {
        "quiz_test": {
            "file_name": "mine.json",
            "formatting": "sharegpt",
            "columns": {"messages": "talk", "images": "photos"},
            "tags": tags,
        },
        "flat": {"file_name": "mine.json"},
        "far": {"hf_hub_url": "someone/something"},
    }
    (tmp_path / "dataset_info.json").write_text(json.dumps(info))
    samples, left_out = take(tmp_path)
    assert [(row["question"], row["split"]) for row in samples] == [("Where is this?", "test")]
    assert set(left_out) == {"other formatting", "no file"}


def test_openai_parts_and_the_silent_system_turn_are_understood(take, tmp_path, photo):
    told = [
        {"role": "system", "content": "You are a helpful assistant."},
        {
            "role": "user",
            "content": [
                {"type": "image", "image": "photo.jpg"},
                {"type": "text", "text": "Where?"},
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": REASONS}]},
    ]
    ((row,), _) = take(write_json(tmp_path / "rows.json", {"messages": told}))
    assert (row["question"], row["uri"]) == ("Where?", str(photo))


def test_a_table_with_a_question_and_an_answer_is_understood(take, tmp_path, photo):
    image = {"bytes": photo.read_bytes(), "path": "photo.jpg"}
    rows = [{"image": image, "question": LOCATION.question, "answer": TOWN}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "validation-0.parquet")
    ((row,), _) = take(tmp_path / "validation-0.parquet")
    assert (row["stage"], row["split"], row["city"]) == ("location", "validation", "Rome")
    assert row["uri"].startswith(str(tmp_path / "taken" / "samples_pictures"))


def test_the_metadata_of_an_image_folder_is_understood(take, tmp_path, photo):
    folder = tmp_path / "folder" / "images" / "test"
    folder.mkdir(parents=True)
    photo.rename(folder / "photo.jpg")
    row = {"file_name": "photo.jpg", "question": REASONING.question, "answer": REASONS}
    (folder / "metadata.jsonl").write_text(json.dumps(row))
    ((row,), _) = take(tmp_path / "folder")
    assert (row["uri"], row["split"]) == (str(folder / "photo.jpg"), "test")


@pytest.mark.parametrize("indent", [None, 1])
def test_json_that_is_one_row_or_one_a_line_is_read_too(take, tmp_path, photo, indent):
    rows = [row_of(photo), row_of(photo, TOWN)][: 1 if indent else 2]
    text = "\n".join(json.dumps(row, indent=indent) for row in rows)
    (tmp_path / "rows.json").write_text(text)
    assert len(take(tmp_path / "rows.json")[0]) == len(rows)


def test_a_tars_name_cannot_lead_out_of_the_folder(take, tmp_path, photo):
    facts = json.dumps({"messages": [{"role": "user", "content": "Where?"},
                                     {"role": "assistant", "content": REASONS}],
                        "image_id": "../../escaped"}).encode()  # fmt: skip
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for ending, raw in (("jpg", photo.read_bytes()), ("json", facts)):
            entry = tarfile.TarInfo(f"../../x.{ending}")
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    ((row,), _) = take(tmp_path / "a.tar")
    assert row["uri"].startswith(str(tmp_path / "taken" / "samples_pictures"))
    assert row["image_id"] == content_id(photo.read_bytes())


def test_conversations_join_the_samples_of_a_curation_run(take, tmp_path, photo):
    run = write_run(tmp_path / "run", {"paris": PICTURES["paris"]})
    samples, _ = take(write_json(tmp_path / "rows.json", row_of(photo)), curation=str(run))
    assert sorted(row["stage"] for row in samples) == ["location", "reasoning"]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_place_without_conversations_is_named(take, tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=f"conversations.*{name}|{name}.*conversations"):
        take(tmp_path / name)


def test_a_rerun_gives_the_same_samples(take, tmp_path):
    root = write_samples(tmp_path / "run", rows_about(tmp_path / "pictures"))
    export_samples(root, "hf-datasets", root, "packed")
    first, _ = take(root / "hf-datasets")
    second, _ = take(root / "hf-datasets")
    assert first == second


def test_unpacked_pictures_are_never_inputs_of_the_folder_that_they_were_unpacked_to(tmp_path):
    (tmp_path / "samples_pictures" / "ab").mkdir(parents=True)
    for name in ("a.jpg", "samples_pictures/ab/b.jpg"):
        (tmp_path / name).write_bytes(picture_bytes(1, "a.jpg"))
    uris = list_inputs([str(tmp_path)], output=tmp_path).table["uri"].to_pylist()
    assert uris == [str(tmp_path / "a.jpg")]


@pytest.mark.parametrize("form", FORMS)
def test_an_export_to_a_storage_comes_back_from_it(form, tmp_path, take):
    rows = rows_about(tmp_path / "photos")
    here = write_samples(tmp_path / "made", rows)
    away = path_of(f"memory://exchanged-{form}")
    copy_folder(here, away / "made")
    pictures = "uri" if form == "qwen-vl" else "packed"
    export_samples(away / "made", form, away / "out", pictures)
    taken, left_out = take(away / "out" / form)
    assert not left_out
    assert sorted(map(said, taken)) == sorted(map(said, rows))
    if form == "llama-factory":
        assert all(row["uri"].startswith("memory://") for row in taken)


def test_qwens_script_is_not_given_packed_pictures_that_it_cannot_open(tmp_path):
    made = write_samples(tmp_path / "made", rows_about(tmp_path / "photos"))
    away = path_of("memory://for-qwen")
    with pytest.raises(ValueError, match="--pictures uri"):
        export_samples(made, "qwen-vl", away, "packed")
    assert not any(away.files())
