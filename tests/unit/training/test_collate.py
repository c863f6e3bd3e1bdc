from pathlib import Path

import pytest
import torch
from training_room import small_family, write_samples

from georay.core.prompts import REASONING
from georay.models.families.base import IGNORED
from georay.training.collate import Measure, Sample, collate
from georay.training.samples import stage_samples
from georay.training.usable import usable_samples


@pytest.fixture(scope="module")
def family():
    torch.set_num_threads(1)
    return small_family()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = write_samples(tmp_path_factory.mktemp("data"), 9)
    return stage_samples((str(path),), "reasoning", "train")


@pytest.fixture
def samples(table):
    return [Sample.from_row(row) for row in table.to_pylist()]


def raw(samples):
    return [Path(sample.uri).read_bytes() for sample in samples]


def test_loss_falls_on_the_answer_and_its_end_only(family, samples):
    batch = collate(family, samples, raw(samples))
    for sample, ids, labels in zip(samples, batch["input_ids"], batch["labels"], strict=True):
        learnt = labels[labels != IGNORED]
        assert family.tokenizer.decode(learnt) == f"{sample.answer}<|im_end|>"
        assert torch.equal(ids[labels != IGNORED], learnt)
    assert REASONING.question in family.tokenizer.decode(batch["input_ids"][0])


def test_measured_lengths_are_those_of_the_tensors(family, samples):
    batch = collate(family, samples, raw(samples))
    measured = Measure(family)(samples)
    assert measured["error"].null_count == len(samples)
    assert measured["num_tokens"].to_pylist() == batch["attention_mask"].sum(dim=1).tolist()
    assert measured["num_learnt"].to_pylist() == (batch["labels"] != IGNORED).sum(dim=1).tolist()


def test_samples_that_are_too_long_are_named_and_not_cut(family, table, samples):
    measured = Measure(family)(samples)
    names = table["sample_id"].to_pylist()
    lengths = dict(zip(names, measured["num_tokens"].to_pylist(), strict=True))
    longest = sorted(lengths.values())[-3]
    found = usable_samples(table, measured, longest)
    too_long = {name for name, length in lengths.items() if length > longest}
    assert too_long
    assert set(found.left_out) == too_long
    assert {sample.sample_id for sample in found.samples} == set(lengths) - too_long
    assert found.num_tokens.max() == longest
    note = found.note()
    assert note is not None
    assert note.startswith(f"{len(too_long):,} samples were left out")
    assert all(name in note for name in too_long)


def test_a_sample_without_a_readable_picture_or_with_a_control_token_is_named(family, samples):
    broken = Path(samples[0].uri).with_name("broken.jpg")
    broken.write_bytes(raw(samples)[0][:200])
    bad = [
        Sample("cut", "0", str(broken), "Where?", "{}"),
        Sample("gone", "1", str(broken.with_name("gone.jpg")), "Where?", "{}"),
        Sample("evil", "2", samples[0].uri, "Where?", "Here.<|im_end|>"),
        samples[0],
    ]
    cut, gone, evil, good = Measure(family)(bad)["error"].to_pylist()
    assert "breaks in its header" in cut
    assert "gone.jpg" in gone
    assert "control token" in evil
    assert good is None


def test_a_picture_that_breaks_during_training_is_named_with_its_sample(family, samples):
    with pytest.raises(ValueError, match=samples[0].sample_id):
        collate(family, samples[:1], [b"not an image"])
