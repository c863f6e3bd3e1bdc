import hashlib
import json
import os
import platform
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest

from georay.core.manifest import (
    PACKAGES,
    digest,
    file_sha256,
    machine,
    rows_digest,
    versions,
    write_atomic,
    write_json,
)


def test_an_atomic_write_replaces_the_content_and_leaves_nothing_else_behind(tmp_path):
    target = tmp_path / "deep" / "a.txt"
    write_atomic(target, "first")
    write_atomic(target, b"second")
    assert target.read_text() == "second"
    assert list(target.parent.iterdir()) == [target]


def test_a_write_that_fails_leaves_the_old_content(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    write_atomic(target, "old")

    def disk_full(self: Path, other: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", disk_full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_others_may_read_what_was_written(tmp_path):
    write_json(tmp_path / "a.json", {"ü": 1})
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o644
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"ü": 1}


def test_a_digest_depends_on_content_and_not_on_key_order():
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert digest("ab", "c") != digest("a", "bc")
    assert len(digest()) == 16


def test_file_hashes_are_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "a") == expected


def test_versions_name_what_is_installed_and_what_is_not():
    found = versions(["numpy", "no-such-package-here"])
    assert found["numpy"][0].isdigit()
    assert found["no-such-package-here"] == "not installed"
    assert found["python"].startswith("3.")


def test_the_machine_states_its_cores_and_memory():
    facts = machine()
    assert facts["cores"] >= 1
    assert facts["memory_gib"] > 0
    assert facts["processor"]


def test_json_is_written_with_an_indent_umlauts_and_a_last_line_end(tmp_path):
    write_json(tmp_path / "a.json", {"ü": [1]})
    assert (tmp_path / "a.json").read_bytes() == '{\n "ü": [\n  1\n ]\n}\n'.encode()


def test_a_half_written_file_lies_hidden_beside_its_place(tmp_path, monkeypatch):
    """On the same file system, or it could not be moved; hidden, or a folder of files grows."""
    seen = []

    def look(self: Path, other: Path) -> None:
        seen.append((self.parent, self.name[:7], Path(other)))
        raise OSError

    monkeypatch.setattr(Path, "replace", look)
    with pytest.raises(OSError):
        write_atomic(tmp_path / "new" / "a.txt", "x")
    assert seen == [(tmp_path / "new", ".a.txt.", tmp_path / "new" / "a.txt")]


def test_a_digest_is_the_same_in_every_version():
    """Image ids, sample ids and runs that resume hang on it."""
    assert digest("a", 1, {"b": None}) == "489279946cab9251"
    assert digest(Path("/x/ü")) == "0cf7e0457fc4f209"


def test_a_large_file_is_hashed_whole(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "a").write_bytes(content)
    assert file_sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_a_manifest_names_the_versions_that_results_hang_on():
    assert list(versions()) == ["python", *PACKAGES]
    assert versions()["python"] == platform.python_version()
    assert versions()["numpy"] == np.__version__


def test_the_machine_is_described_as_the_system_knows_it():
    facts = machine()
    assert list(facts) == ["processor", "instructions", "cores", "memory_gib", "system"]
    assert facts["cores"] == len(os.sched_getaffinity(0))
    assert facts["memory_gib"] == pytest.approx(psutil.virtual_memory().total / 2**30, abs=0.06)
    assert facts["memory_gib"] == round(facts["memory_gib"], 1)
    assert facts["system"] == platform.system()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("processor\t: 0\nmodel name\t: Chip: 3000 \nmodel name\t: Other\n", "Chip: 3000"),
        ("processor\t: 0\nnot the model name\t: x\n", "by platform"),
        (None, "by platform"),
    ],
)
def test_the_processor_has_the_name_that_linux_gives_it_or_else_platforms(
    tmp_path, monkeypatch, content, expected
):
    if content is not None:
        (tmp_path / "cpuinfo").write_text(content)
    monkeypatch.setattr("georay.core.manifest.Path", lambda path: tmp_path / Path(path).name)
    monkeypatch.setattr(platform, "processor", lambda: "by platform")
    assert machine()["processor"] == expected
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert machine()["processor"] == expected.replace("by platform", platform.machine())


def test_the_cores_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(97)), raising=False)
    assert machine()["cores"] == 97


def test_a_system_that_does_not_tell_its_memory_or_cores_stops_no_record(monkeypatch):
    monkeypatch.delattr(os, "sysconf", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    facts = machine()
    assert facts["memory_gib"] is None
    assert facts["cores"] == os.cpu_count()


@pytest.mark.parametrize("num_rows", [0, 1, 5, 9_000])
def test_rows_have_the_digest_that_they_have_as_a_list(num_rows):
    rows = [{"uri": f"Zü {n}", "latitude": n / 7 if n % 3 else None} for n in range(num_rows)]
    schema = pa.schema([("uri", pa.string()), ("latitude", pa.float64())])
    table = pa.Table.from_pylist(rows, schema)
    assert rows_digest([table]) == digest(table.to_pylist())
    assert rows_digest([table[:1], table[:0], table[1:]]) == rows_digest([table])
