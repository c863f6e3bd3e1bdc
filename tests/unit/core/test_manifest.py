import json
from pathlib import Path

import pytest

from georay.core.manifest import digest, file_sha256, machine, versions, write_atomic, write_json


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
