"""An export is whole, loses nothing in silence, and says under which terms it may be used."""

import json
import shutil

import pyarrow.parquet as pq
import pytest
from exchange_room import (
    FORMS,
    picture_bytes,
    rows_about,
    sample,
    view_row,
    write_samples,
)

from georay.core.images import content_id
from georay.core.prompts import LOCATION, REASONING
from georay.core.tables import LEFT_OUT
from georay.curation.exchange import export_samples
from georay.curation.exchange import shards as of_shards
from georay.curation.inputs import list_inputs


@pytest.fixture
def one(tmp_path):
    """Makes a folder of samples of one good row and those given."""

    def make(*rows):
        folder = tmp_path / "one"
        folder.mkdir(exist_ok=True)
        raw = picture_bytes(1, "a.jpg")
        (folder / "a.jpg").write_bytes(raw)
        good = sample(0, folder / "a.jpg", content_id(raw), LOCATION)
        return write_samples(tmp_path / "run", [good, *rows])

    return make


def odd(uri, **changes):
    return sample(1, uri, "0" * 16, REASONING) | {"sample_id": "odd"} | changes


def left_out(folder):
    table = pq.read_table(folder / "left_out.parquet")
    assert table.schema.equals(LEFT_OUT)
    return {row["kind"]: row["reason"] for row in table.to_pylist()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("gone.jpg", None, "picture absent"),
        ("empty.jpg", b"", "picture failed"),
        ("words.jpg", b"no picture at all", "picture failed"),
    ],
)
def test_a_sample_whose_picture_cannot_be_packed_is_left_out_by_name(
    one, tmp_path, form, name, content, kind
):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    root = one(odd(tmp_path / name))
    summary = export_samples(root, form, root, "packed")
    assert summary.left_out == {kind: 1}
    assert name in left_out(root / form)[kind]
    assert f"1 {kind}" in summary.as_text()
    assert f"1 {kind}" in (root / form / "README.md").read_text()
    assert summary.samples == {"location": {"train": 1, "validation": 0, "test": 0}}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"answer": "A sign.<|im_end|>"}, "control token"),
        ({"question": "What is <image> here?"}, "control token"),
        ({"question": " "}, "control token"),
        ({"split": "holdout"}, "unknown split"),
        ({"stage": "third"}, "unknown split"),
    ],
)
def test_a_sample_that_would_be_read_as_something_else_is_left_out(one, tmp_path, changes, kind):
    root = one(odd(tmp_path / "one" / "a.jpg", **changes))
    assert export_samples(root, "llama-factory", root, "packed").left_out == {kind: 1}


@pytest.mark.parametrize("form", FORMS)
def test_a_view_is_left_out_where_pictures_are_only_named(one, tmp_path, form):
    root = one(view_row(tmp_path))
    assert export_samples(root, form, root, "uri").left_out == {"view of a panorama": 1}
    assert "pack the pictures" in left_out(root / form)["view of a panorama"]
    assert export_samples(root, form, root, "packed").left_out == {}


@pytest.mark.parametrize(
    ("uri", "form", "is_named"),
    [
        ("s3://b/a.jpg", "llama-factory", False),
        ("https://h/a.jpg", "llama-factory", False),
        ("s3://b/a.jpg", "qwen-vl", False),
        ("https://h/a.jpg", "qwen-vl", True),
        ("s3://b/a.jpg", "webdataset", True),
        ("s3://b/a.jpg", "hf-datasets", True),
    ],
)
def test_a_picture_in_storage_is_named_only_to_tools_that_open_it(one, uri, form, is_named):
    root = one(odd(uri))
    done = export_samples(root, form, root, "uri")
    assert done.left_out == ({} if is_named else {"picture in storage": 1})


@pytest.mark.parametrize(
    "name", ["n" * 120 + "/" + "n" * 120 + ".jpg", "u\u0308.jpg", "a</img>.jpg".replace("/", "")]
)
def test_a_path_that_qwens_tokenizer_would_change_is_left_out(one, tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(picture_bytes(2, "a.jpg"))
    root = one(odd(file))
    assert export_samples(root, "qwen-vl", root, "uri").left_out == {"path does not fit": 1}
    assert export_samples(root, "qwen-vl", root, "packed").left_out == {}


def test_where_nothing_can_be_exported_nothing_changes(tmp_path):
    root = write_samples(tmp_path / "run", [odd(tmp_path / "gone.jpg")])
    with pytest.raises(ValueError, match=r"no sample of .* can be exported: .*picture absent"):
        export_samples(root, "webdataset", root, "packed")
    assert not (root / "webdataset").exists()


@pytest.mark.parametrize("form", FORMS)
def test_an_export_that_fails_half_way_leaves_the_old_one(one, form, monkeypatch):
    root = one()
    export_samples(root, form, root, "packed")
    before = {path: path.read_bytes() for path in (root / form).rglob("*") if path.is_file()}

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("georay.curation.exchange.export.card", full)
    with pytest.raises(OSError, match="No space"):
        export_samples(root, form, root, "uri")
    assert {p: p.read_bytes() for p in (root / form).rglob("*") if p.is_file()} == before
    assert not list(root.glob(".filling"))


def test_a_second_export_replaces_the_first_as_a_whole(one):
    root = one()
    export_samples(root, "llama-factory", root, "packed")
    export_samples(root, "llama-factory", root, "uri")
    assert not (root / "llama-factory" / "images").exists()


@pytest.mark.parametrize("form", ["webdataset", "hf-datasets"])
def test_shards_of_a_rerun_are_the_same_bytes(one, form):
    root = one()
    shards = []
    for _ in range(2):
        export_samples(root, form, root, "packed")
        folder = root / form
        found = sorted(folder.glob("*.tar")) + sorted(folder.rglob("data/**/*.parquet"))
        shards.append([path.read_bytes() for path in found])
    assert shards[0] == shards[1] and shards[0]


def test_what_is_no_export_is_never_replaced(one):
    root = one()
    (root / "qwen-vl").mkdir()
    (root / "qwen-vl" / "finetune.py").write_text("mine")
    with pytest.raises(ValueError, match="is no export of georay"):
        export_samples(root, "qwen-vl", root, "packed")
    assert (root / "qwen-vl" / "finetune.py").read_text() == "mine"


def test_a_folder_without_samples_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no finished samples"):
        export_samples(tmp_path, "qwen-vl", tmp_path, "packed")


@pytest.mark.parametrize("form", ["webdataset", "hf-datasets"])
def test_a_shard_that_is_full_is_followed_by_another(tmp_path, form, monkeypatch):
    rows = rows_about(tmp_path / "pictures")
    root = write_samples(tmp_path / "run", rows)
    monkeypatch.setattr(of_shards, "SHARD_BYTES", 1)
    export_samples(root, form, root, "packed")
    name = "location-train-00000[01].tar" if form == "webdataset" else "location/train-0000[01]*"
    assert len(list((root / form).rglob(name))) == 2


def test_the_card_names_every_licence_and_what_none_allows(tmp_path):
    root = write_samples(tmp_path / "run", rows_about(tmp_path / "pictures"))
    for form in FORMS:
        summary = export_samples(root, form, root, "packed")
        text = (root / form / "README.md").read_text()
        assert "Clues: guide: CC BY-NC 4.0 (6)" in text
        assert (
            "Pictures: mapillary: CC BY-SA 4.0 (2)" in text
            and "Pictures: unnamed: none stated" in text
        )
        assert "Not for commercial use" in text
        facts = json.loads((root / form / "export.json").read_text())
        assert facts["clue_licences"] == summary.clue_licences == {"guide: CC BY-NC 4.0": 6}


def test_pictures_that_exif_turns_are_counted_and_the_card_says_who_does_not_heed_it(tmp_path):
    root = write_samples(tmp_path / "run", rows_about(tmp_path / "pictures"))
    summary = export_samples(root, "llama-factory", root, "packed")
    assert summary.turned == 2 and "2 have a picture that its EXIF turns" in summary.as_text()
    assert (
        "The pictures of 2 samples are stored turned"
        in (root / "llama-factory/README.md").read_text()
    )
    export_samples(root, "hf-datasets", root, "packed")
    assert "turned" not in (root / "hf-datasets" / "README.md").read_text()


def test_samples_that_are_moved_away_can_be_exported_from_their_file(one, tmp_path):
    file = one() / "samples" / "part-00000.parquet"
    shutil.copy(file, tmp_path / "mine.parquet")
    summary = export_samples(tmp_path / "mine.parquet", "qwen-vl", tmp_path / "out", "uri")
    assert sum(summary.samples["location"].values()) == 1


def test_an_export_among_pictures_is_never_curated(one, tmp_path):
    root = one()
    export_samples(root, "llama-factory", tmp_path / "one", "packed")
    uris = list_inputs([str(tmp_path / "one")]).table["uri"].to_pylist()
    assert uris == [str(tmp_path / "one" / "a.jpg")]
