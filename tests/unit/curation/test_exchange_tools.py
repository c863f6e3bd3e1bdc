"""What `datasets` and `webdataset` themselves load of an export, and the two forms of JSON."""

import csv
import json
import re
from io import BytesIO
from pathlib import Path

import datasets
import numpy as np
import pytest
import webdataset
from exchange_room import BY, PICTURES, SPLITS, rows_about, said, view_row, write_samples
from PIL import Image

from georay.core.images import ImageLimits, content_id
from georay.core.picture_files import PictureFile
from georay.core.prompts import QWEN_IMAGE_SLOT, Conversation, qwen_vl_text
from georay.curation.exchange import export_samples


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """A finished folder of samples, and its rows."""
    root = tmp_path_factory.mktemp("samples")
    rows = rows_about(root / "pictures")
    return write_samples(root, rows), rows


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Nothing is kept in the home folder, and no hub is asked."""
    patch = pytest.MonkeyPatch()
    patch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("hf"))
    patch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    yield
    patch.undo()


def export(samples, form, pictures="packed"):
    out = samples[0] / pictures
    export_samples(samples[0], form, out, pictures)
    return out / form


def loaded(folder, *config):
    """(split, row) of everything, pictures not decoded."""
    found = datasets.load_dataset(str(folder), *config)
    for split, rows in found.items():
        for row in rows.cast_column("image", datasets.Image(decode=False)):
            yield split, row


def told_by_messages(split, row, raw):
    question, answer = row["messages"]
    assert (question["role"], answer["role"]) == ("user", "assistant")
    assert split == row["split"]
    return row["stage"], split, question["content"], answer["content"], content_id(raw)


@pytest.mark.parametrize("pictures", ["packed", "uri"])
def test_datasets_loads_every_conversation_picture_and_split(samples, pictures):
    folder = export(samples, "hf-datasets", pictures)
    seen = []
    for split, row in loaded(folder):
        image = row["image"]
        raw = image["bytes"] or Path(image["path"]).read_bytes()
        seen.append(told_by_messages(split, row, raw))
    assert sorted(seen) == sorted(said(row) for row in samples[1])


def test_datasets_decodes_the_pictures_and_loads_a_stage_by_itself(samples):
    folder = export(samples, "hf-datasets")
    found = datasets.load_dataset(str(folder), "location", split="train")
    assert set(found["stage"]) == {"location"}
    assert {image.size for image in found["image"]} == {(36, 24)}


def test_every_fact_of_a_sample_and_the_terms_of_its_picture_go_along(samples):
    rows = {row["id"]: row for _, row in loaded(export(samples, "hf-datasets"))}
    for row in samples[1]:
        there = rows[row["sample_id"]]
        kept = {name: value for name, value in row.items() if name not in {"question", "answer"}}
        kept["id"] = kept.pop("sample_id")
        assert {name: there[name] for name in kept} == kept
        credited = row["uri"].endswith("/a.jpg")
        assert there["picture_attribution"] == (BY if credited else None)


def test_webdataset_reads_every_conversation_picture_and_split(samples):
    folder = export(samples, "webdataset")
    seen = []
    for shard in sorted(folder.glob("*.tar")):
        stage, split, _ = shard.stem.split("-")
        for entry in webdataset.WebDataset(str(shard), shardshuffle=False):
            row = json.loads(entry["json"])
            assert entry["__key__"] == row["id"] and row["stage"] == stage
            (raw,) = [entry[name] for name in ("jpg", "png", "webp") if name in entry]
            seen.append(told_by_messages(split, row, raw))
    assert sorted(seen) == sorted(said(row) for row in samples[1])


def test_webdataset_decodes_pictures_and_json(samples):
    folder = export(samples, "webdataset")
    shard = str(folder / "location-train-000000.tar")
    (first, *_) = webdataset.WebDataset(shard, shardshuffle=False).decode("pil")
    assert first["json"]["messages"][0]["role"] == "user"
    assert first["jpg"].size == (36, 24)


def test_named_pictures_stand_in_the_json_of_a_tar(samples):
    folder = export(samples, "webdataset", "uri")
    for entry in webdataset.WebDataset(
        str(folder / "location-train-000000.tar"), shardshuffle=False
    ):
        row = json.loads(entry["json"])
        assert content_id(Path(row["image"]).read_bytes()) == row["image_id"]
        assert not {"jpg", "png", "webp"} & set(entry)


@pytest.mark.parametrize("pictures", ["packed", "uri"])
def test_llama_factory_finds_files_roles_placeholders_and_pictures(samples, pictures):
    """As its data/README.md describes; test_exchange_llama_factory.py asks its own loader."""
    folder = export(samples, "llama-factory", pictures)
    info = json.loads((folder / "dataset_info.json").read_text("ascii"))
    assert set(info) == {
        f"georay_{s}_{split}" for s in ("reasoning", "location") for split in SPLITS
    }
    seen = []
    for name, entry in info.items():
        assert entry["formatting"] == "sharegpt"
        assert entry["columns"] == {"messages": "conversations", "images": "images"}
        split = name.rpartition("_")[2]
        for row in json.loads((folder / entry["file_name"]).read_text("ascii")):
            human, gpt = row["conversations"]
            assert (human["from"], gpt["from"]) == ("human", "gpt")
            assert human["value"].startswith("<image>")
            (path,) = row["images"]
            raw = (folder / path).read_bytes()
            question = human["value"].removeprefix("<image>")
            seen.append((row["stage"], split, question, gpt["value"], content_id(raw)))
    assert sorted(seen) == sorted(said(row) for row in samples[1])


@pytest.mark.parametrize("pictures", ["packed", "uri"])
def test_qwen_vl_finds_the_path_of_the_picture_in_the_question(samples, pictures):
    """As finetune.py of Qwen-VL reads it: a list, `from` user or assistant, a path in <img>."""
    folder = export(samples, "qwen-vl", pictures)
    seen = []
    for file in folder.glob("*_*.json"):
        stage, split = file.stem.split("_")
        for row in json.loads(file.read_text("ascii")):
            user, assistant = row["conversations"]
            assert (user["from"], assistant["from"]) == ("user", "assistant")
            head, question = user["value"].split("</img>\n")
            path = Path(head.removeprefix("Picture 1: <img>"))
            assert path.is_absolute()
            content = content_id(path.read_bytes())
            seen.append((stage, split, question, assistant["value"], content))
    assert sorted(seen) == sorted(said(row) for row in samples[1])


@pytest.mark.parametrize("form", ["llama-factory", "qwen-vl"])
def test_a_picture_of_several_samples_is_copied_once_beside_its_terms(samples, form):
    images = export(samples, form) / "images"
    assert len(list(images.glob("*/*"))) == len(PICTURES)
    (row,) = csv.DictReader((images / "labels.csv").read_text().splitlines())
    assert content_id((images / row["file"]).read_bytes()) in row["file"]
    assert (row["source"], row["licence"], row["attribution"]) == ("mapillary", "CC BY-SA 4.0", BY)


def test_qwen_vls_script_makes_the_text_that_georay_trains_on(samples):
    """finetune.py puts system and roles around `value`, each turn between its two tokens."""
    (file, *_) = (export(samples, "qwen-vl")).glob("reasoning_*.json")
    for row in json.loads(file.read_text()):
        user, assistant = (turn["value"] for turn in row["conversations"])
        told = (
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
            f"<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"
        )
        text = qwen_vl_text(Conversation(user.split("</img>\n")[1], answer=assistant))
        assert re.sub("<img>.*</img>", QWEN_IMAGE_SLOT, told) == text.context
        assert f"{assistant}<|im_end|>" == text.target


def test_a_view_is_packed_as_the_pixels_that_georay_sees(tmp_path):
    row = view_row(tmp_path)
    root = write_samples(tmp_path / "run", [row])
    export_samples(root, "hf-datasets", root, "packed")
    ((_, there),) = loaded(root / "hf-datasets")
    packed = np.asarray(Image.open(BytesIO(there["image"]["bytes"])))
    source = PictureFile.of_row(row["uri"], "view")
    raw = Path(source.file).read_bytes()
    assert np.array_equal(packed, np.asarray(source.decode(raw, ImageLimits()).image))
    assert there["projection"] is None
