"""Where a folder's model goes and in which precision: decided from its config.json alone."""

import json

import pytest

from georay.models import loading
from georay.models.placement import choose_placement, folder_precision
from georay.models.registry import Machine
from georay.models.segmenter import usable_device

SAVED = {
    "bfloat16": ({"torch_dtype": "bfloat16"}, "bfloat16"),
    "float16, by its new name": ({"dtype": "float16"}, "float16"),
    "of the language part": ({"text_config": {"dtype": "bfloat16"}}, "bfloat16"),
    "float32": ({"dtype": "float32"}, "float32"),
    "unsaid": ({"model_type": "qwen"}, "bfloat16"),
    "unknown": ({"dtype": "float8_e4m3fn"}, "bfloat16"),
}


@pytest.fixture(params=SAVED)
def saved(request, tmp_path):
    """A model's folder, and the precision that it was saved in."""
    config, precision = SAVED[request.param]
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path, precision


def test_a_folder_goes_to_the_gpu_in_the_precision_that_it_was_saved_in(saved):
    folder, precision = saved
    chosen = choose_placement(str(folder), Machine(64, [80]))
    assert (chosen.device, chosen.precision) == ("cuda:0", precision)


def test_a_folder_on_the_cpu_is_float32(saved):
    folder, _ = saved
    chosen = choose_placement(str(folder), Machine(64, []))
    assert (chosen.device, chosen.precision) == ("cpu", "float32")


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_folder_whose_device_is_named_is_loaded_in_the_same_precision(saved, device, monkeypatch):
    folder, precision = saved
    given = []

    def record(source, revision, dtype):
        given.append(dtype)
        raise OSError("enough seen")

    monkeypatch.setattr(loading, "_known_type", lambda *_: "qwen")
    monkeypatch.setattr(loading.QwenVLFamily, "from_pretrained", record)
    with pytest.raises(loading.ModelUnavailable):
        loading.load_family(str(folder), device=device)
    assert [str(dtype) for dtype in given] == [f"torch.{precision}"]


def test_a_folder_without_a_readable_config_is_left_to_its_loader(tmp_path):
    assert folder_precision(tmp_path, "cuda") == "bfloat16"
    (tmp_path / "config.json").write_text("{")
    assert folder_precision(tmp_path, "cuda") == "bfloat16"


@pytest.mark.parametrize(
    ("wanted", "num_gpus", "used"),
    [
        ("cuda", 0, "cpu"),
        ("cuda", 1, "cuda"),
        ("cuda:3", 1, "cpu"),
        ("cuda:3", 4, "cuda:3"),
        ("cpu", 0, "cpu"),
    ],
)
def test_a_head_without_the_workers_gpu_uses_its_cpu(monkeypatch, wanted, num_gpus, used):
    monkeypatch.setattr("torch.cuda.device_count", lambda: num_gpus)
    assert usable_device(wanted) == used
