"""Published .bin shards as safetensors, once: georay itself loads nothing else.

Qwen-VL-Chat was published before safetensors were the custom. Names, shapes and values stay.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from safetensors.torch import save_file

from georay.core.manifest import write_json
from georay.errors import ModelUnavailable
from georay.models.adapters import STAGES
from georay.models.registry import REGISTRY
from georay.models.saved_adapters import CONFIG, WEIGHTS, join_saved, read_saved

BIN = "pytorch_model"
SAFE = "model"
BESIDE_WEIGHTS = (
    *("*.json", "*.jinja"),  # configuration, chat templates
    *("*.tiktoken", "*.model", "*.spm", "*.bpe", "*.vocab", "*.txt"),  # vocabularies
    *("LICENSE*", "NOTICE*"),
)


def convert_shards(source: str, out: Path, revision: str | None = None) -> Iterator[str]:
    """Converts the .bin shards of a folder or of a hub id; yields the name of each new file.

    A hub id is fetched at `revision`, or at the registry's. Only tensors are read from a shard:
    torch refuses a file that holds any other object. Raises ValueError for a folder without
    shards, a hub id without revision or a shard that is not plain tensors, ModelUnavailable if
    the hub cannot be reached.
    """
    folder = Path(source) if Path(source).is_dir() else _fetched(source, revision)
    shards = sorted(folder.glob(f"{BIN}*.bin"))
    if not shards:
        raise ValueError(f"{source} holds no {BIN}*.bin: nothing needs converting")
    where: dict[str, str] = {}
    for shard in shards:
        name = shard.name.replace(BIN, SAFE).replace(".bin", ".safetensors")
        tensors = _tensors(shard)
        # Tied weights share memory, which safetensors does not express: each gets its own.
        whole = {key: value.contiguous().clone() for key, value in tensors.items()}
        out.mkdir(parents=True, exist_ok=True)
        partial = out / f".{name}.partial"
        save_file(whole, partial, metadata={"format": "pt"})
        partial.replace(out / name)
        where |= dict.fromkeys(tensors, name)
        yield name
    if len(shards) > 1:
        write_json(out / f"{SAFE}.safetensors.index.json", {"metadata": {}, "weight_map": where})
    _copy_the_rest(folder, out)


def join_adapters(folder: Path, out: Path) -> list[str]:
    """Writes the sum of both stages' adapters; the names of the files. Needs no base network.

    Raises ValueError where one is absent or damaged, or they adapt different places.
    """
    join_saved(read_saved(folder, STAGES), out)
    return [WEIGHTS, CONFIG]


def _tensors(shard: Path) -> dict[str, torch.Tensor]:
    try:
        tensors: dict[str, torch.Tensor] = torch.load(
            shard, map_location="cpu", weights_only=True, mmap=True
        )
    except Exception as problem:  # torch's refusals share no class that may be named here
        raise ValueError(f"{shard} is damaged, or holds more than tensors") from problem
    return tensors


def _fetched(name: str, revision: str | None) -> Path:
    spec = REGISTRY.get(name)
    revision = revision or (spec.revision if spec else None)
    if revision is None:
        raise ValueError(f"{name} is no folder; for a hub id, give --revision, a full commit id")
    try:
        wanted = [f"{BIN}*.bin", *BESIDE_WEIGHTS]
        return Path(snapshot_download(name, revision=revision, allow_patterns=wanted))
    except OSError as problem:
        reason = str(problem).strip().partition("\n")[0]
        raise ModelUnavailable(f"cannot fetch {name} at {revision}: {reason}") from problem


def _copy_the_rest(folder: Path, out: Path) -> None:
    """Configuration, templates and vocabulary; remote code and old weight maps stay behind."""
    for pattern in BESIDE_WEIGHTS:
        for file in folder.glob(pattern):
            if not file.name.startswith(BIN):
                shutil.copyfile(file, out / file.name)
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    config.pop("auto_map", None)
    write_json(out / "config.json", config)
