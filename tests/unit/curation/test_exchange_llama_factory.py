"""LLaMA-Factory's own loader reads an export row by row.

It asks for older packages than ours, so it lives in an environment of its own:

    python -m venv /somewhere && /somewhere/bin/pip install llamafactory==0.9.5
    LLAMA_FACTORY_PYTHON=/somewhere/bin/python pytest -k its_loader tests/unit/curation
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from exchange_room import rows_about, said, write_samples

from georay.core.images import content_id
from georay.curation.exchange import export_samples

LOADER = Path(__file__).parents[2] / "support" / "load_with_llama_factory.py"


@pytest.fixture(scope="module")
def python() -> str:
    """A Python that has LLaMA-Factory."""
    if (named := os.environ.get("LLAMA_FACTORY_PYTHON")) is None:
        pytest.skip("LLaMA-Factory not here: name the Python that has it, LLAMA_FACTORY_PYTHON")
    return named


@pytest.mark.parametrize("pictures", ["packed", "uri"])
def test_its_loader_reads_every_conversation_picture_and_split(python, tmp_path, pictures):
    rows = rows_about(tmp_path / "pictures")
    root = write_samples(tmp_path / "run", rows)
    export_samples(root, "llama-factory", root, pictures)
    offline = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    offline |= {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    command = [python, str(LOADER), str(root / "llama-factory")]
    done = subprocess.run(command, env=offline, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    seen = []
    for row in json.loads(done.stdout.strip().rpartition("\n")[2]):
        _, stage, split = row["name"].split("_")
        (asked,), (answered,), (image,) = row["asked"], row["answered"], row["images"]
        assert (asked["role"], answered["role"]) == ("user", "assistant")
        assert row["sizes"] == [[36, 28]]  # it opened the picture; its Qwen asks for 28 pixels
        assert asked["content"].count("<image>") == 1
        question = asked["content"].removeprefix("<image>")
        content = content_id(Path(image).read_bytes())
        seen.append((stage, split, question, answered["content"], content))
    assert sorted(seen) == sorted(said(row) for row in rows)
