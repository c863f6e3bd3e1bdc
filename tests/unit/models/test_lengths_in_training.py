"""What training measures without pixels must be what each family's tensors then are."""

import pytest
from PIL import Image

from georay.core.images import content_id
from georay.core.prompts import LOCATION, target_answer
from georay.models.families.base import IGNORED
from georay.training.collate import Measure, Sample, collate

SIZES = ((224, 160), (300, 300), (640, 200))


@pytest.mark.parametrize("model_type", ["qwen2_5_vl", "qwen3_vl", "llava"])
def test_lengths_are_those_of_pictures_of_any_size(small_chat_family, tmp_path, model_type):
    family = small_chat_family(model_type, 0)
    samples, pictures = [], []
    for size in SIZES:
        path = tmp_path / f"{size[0]}.jpg"
        Image.new("RGB", size, "green").save(path)
        pictures.append(path.read_bytes())
        answer = target_answer(LOCATION, country="Chile", city="Santiago")
        name = content_id(pictures[-1])
        samples.append(Sample(name, name, str(path), LOCATION.question, answer))
    measured = Measure(family)(samples)
    batch = collate(family, samples, pictures)
    assert measured["num_tokens"].to_pylist() == batch["attention_mask"].sum(dim=1).tolist()
    assert measured["num_learnt"].to_pylist() == (batch["labels"] != IGNORED).sum(dim=1).tolist()
