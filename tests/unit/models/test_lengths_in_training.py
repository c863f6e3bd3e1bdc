"""What training measures without pixels must be what each family's tensors then are."""

from pathlib import Path

import pytest
from PIL import Image

from georay.core.images import content_id
from georay.core.prompts import LOCATION, target_answer
from georay.models.families.base import IGNORED
from georay.training.collate import MeasureLengths, Sample, collate

WIDE = "4,000×12 pixels"
SIZES = ((224, 160), (300, 300), (640, 200))


def sample_of(folder: Path, size: tuple[int, int]) -> Sample:
    path = folder / f"{size[0]}.jpg"
    Image.new("RGB", size, "green").save(path)
    answer = target_answer(LOCATION, country="Chile", city="Santiago")
    name = content_id(path.read_bytes())
    return Sample(name, name, str(path), LOCATION.question, answer)


@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "qwen3_vl", "llava"])
def test_lengths_are_those_of_pictures_of_any_size(small_chat_family, tmp_path, model_type):
    family = small_chat_family(model_type, 0)
    samples = [sample_of(tmp_path, size) for size in SIZES]
    pictures = [Path(sample.uri).read_bytes() for sample in samples]
    measured = MeasureLengths(family)(samples)
    batch = collate(family, samples, pictures)
    assert measured["num_tokens"].to_pylist() == batch["attention_mask"].sum(dim=1).tolist()
    assert measured["num_learnt"].to_pylist() == (batch["labels"] != IGNORED).sum(dim=1).tolist()


@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "qwen3_vl", "llava"])
def test_a_picture_that_no_processor_takes_is_left_out_by_name_and_alone(
    small_chat_family, tmp_path, model_type
):
    samples = [sample_of(tmp_path, size) for size in ((4000, 12), (224, 160))]
    refused, taken = MeasureLengths(small_chat_family(model_type, 0))(samples)["error"].to_pylist()
    assert WIDE in refused
    assert taken is None


def test_a_picture_larger_than_any_model_looks_at_has_the_length_of_its_tensors(
    small_chat_family, tmp_path, monkeypatch
):
    monkeypatch.setattr("georay.core.images.MAX_DECODED_PIXELS", 100_000)
    family, sample = small_chat_family("qwen2_5_vl", 0), sample_of(tmp_path, (900, 500))
    (measured,) = MeasureLengths(family)([sample])["num_tokens"].to_pylist()
    batch = collate(family, [sample], [Path(sample.uri).read_bytes()])
    assert measured == batch["input_ids"].shape[1] < 300
