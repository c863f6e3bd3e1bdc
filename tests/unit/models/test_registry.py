"""The table of models, and what of it fits a machine."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from georay.cli import models as verb
from georay.models import registry
from georay.models.registry import DEFAULT, PAPER_BASE, REGISTRY, Machine, place_for

GIB = 2**30


def test_every_hub_model_is_pinned_to_a_full_commit_and_has_a_small_twin() -> None:
    hub = [spec for spec in REGISTRY.values() if spec.folder is None]
    assert len(hub) >= 4
    for spec in hub:
        assert re.fullmatch(r"[0-9a-f]{40}", spec.revision or "")
        twin = REGISTRY[spec.twin or ""]
        assert twin.folder is not None
        assert twin.num_parameters <= 11_000_000


def test_default_and_paper_base_are_one_line_apart() -> None:
    assert REGISTRY[DEFAULT].family == "qwen2_5_vl"
    assert REGISTRY[PAPER_BASE].family == "qwen_vl"
    assert {spec.family for spec in REGISTRY.values()} == {
        "qwen_vl",
        "qwen2_5_vl",
        "qwen3_vl",
        "llava",
    }


def test_memory_covers_the_weights_in_their_precision() -> None:
    spec = replace(REGISTRY[DEFAULT], num_parameters=GIB)
    assert replace(spec, precision="float32").memory_gib == pytest.approx(4 * 1.2 + 0.5, abs=0.1)
    assert replace(spec, precision="bfloat16").memory_gib == pytest.approx(2 * 1.2 + 0.5, abs=0.1)


def test_a_model_goes_on_a_gpu_else_in_main_memory_else_nowhere() -> None:
    spec = REGISTRY[DEFAULT]
    need = spec.memory_gib
    assert place_for(spec, Machine(2 * need, [0.5 * need, 1.1 * need])) == "GPU"
    assert place_for(spec, Machine(1.1 * need, [0.9 * need, 0.9 * need])) == "CPU"
    assert place_for(spec, Machine(0.9 * need, [])) is None


@pytest.mark.parametrize(("limit", "expected"), [("2147483648\n", 2.0), ("max\n", None)])
def test_a_containers_limit_counts_as_this_machines_memory(
    limit: str, expected: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.max").write_text(limit)
    monkeypatch.setattr(registry, "_CGROUP_LIMITS", (str(tmp_path / "memory.max"),))
    memory = registry.this_machine().memory_gib
    monkeypatch.setattr(registry, "_CGROUP_LIMITS", ())
    assert memory == (expected or registry.this_machine().memory_gib)


def listed(*options: str) -> str:
    app = Typer()
    app.command()(verb.models)
    result = CliRunner().invoke(app, list(options))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_verb_says_what_fits_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "this_machine", lambda: Machine(6.0, []))
    entries = dict(re.findall(r"^(\S+)\n((?:  .*\n)+)", listed(), re.MULTILINE))
    assert entries.keys() == REGISTRY.keys()
    assert "too large for here" in entries[DEFAULT]
    assert "fits, on the CPU only" in entries["Qwen/Qwen3-VL-2B-Instruct"]
    monkeypatch.setattr(registry, "this_machine", lambda: Machine(6.0, [24.0]))
    assert (
        "fits the GPU"
        in dict(re.findall(r"^(\S+)\n((?:  .*\n)+)", listed(), re.MULTILINE))[DEFAULT]
    )


def test_verb_gives_scripts_every_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "this_machine", lambda: Machine(6.0, [24.0]))
    facts = {row["id"]: row for row in json.loads(listed("--json"))}
    assert facts[DEFAULT]["revision"] == REGISTRY[DEFAULT].revision
    assert facts[DEFAULT]["fits"] == "GPU"
    assert facts[DEFAULT]["num_parameters"] == 8_292_166_656
    assert facts["tiny"]["present"] == (registry.PACKAGED / "tiny").is_dir()


def test_the_table_is_read_without_loading_torch() -> None:
    code = "import georay.models.registry, georay.cli.models, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_that_has_seen_no_photograph_says_so_and_names_one_that_has() -> None:
    caveat = registry.caveat_of("tiny")
    assert caveat is not None and "drawn streets only" in caveat
    assert any(other in caveat for other in REGISTRY if other != "tiny")
    assert registry.caveat_of(registry.DEFAULT) is None
    assert registry.caveat_of("somebody/else") is None
