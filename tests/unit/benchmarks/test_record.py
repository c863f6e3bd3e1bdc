import json
import subprocess

import pytest

from benchmarks import record


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A git checkout of one commit, in the place of this project's."""
    for name in ("code.py", "README.md", "benchmarks/records/one.json", "docs/figure.svg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("first")
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    monkeypatch.setattr(record, "_ROOT", tmp_path)
    monkeypatch.setattr(record, "FOLDER", tmp_path / "benchmarks" / "records")
    record.computing_commit.cache_clear()
    yield tmp_path
    record.computing_commit.cache_clear()


def git(folder, *arguments):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder):
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a state")


def test_a_record_names_the_commit_whose_code_computed_it(checkout):
    head = git(checkout, "rev-parse", "HEAD")
    begun = record.computing_commit()
    (checkout / "code.py").write_text("edited while the benchmark ran")
    commit(checkout)
    path = record.write_record("one", {}, {"figure": 1})
    assert json.loads(path.read_text())["commit"] == begun
    assert head.startswith(begun) and len(begun) == 12


@pytest.mark.parametrize("name", ["code.py", "new.py", "benchmarks/new.py"])
def test_a_checkout_with_other_code_gets_no_record_and_is_told_what_to_do(checkout, name):
    (checkout / name).write_text("changed")
    with pytest.raises(ValueError, match=r"Commit or stash these files, then run again") as told:
        record.write_record("one", {}, {})
    assert name in str(told.value)
    assert (checkout / "benchmarks/records/one.json").read_text() == "first"


@pytest.mark.parametrize("name", ["benchmarks/records/one.json", "docs/figure.svg", "README.md"])
def test_what_a_benchmark_wrote_before_does_not_stop_the_next_one(checkout, name):
    (checkout / name).write_text("changed")
    assert "dirty" not in json.loads(record.write_record("two", {}, {}).read_text())["commit"]


def test_outside_a_checkout_there_is_no_record(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "_ROOT", tmp_path)
    record.computing_commit.cache_clear()
    with pytest.raises(ValueError, match="no git checkout"):
        record.computing_commit()


@pytest.mark.parametrize("file", ["two.py", "two/__main__.py"])
def test_a_records_command_names_no_folder_of_the_machine(checkout, monkeypatch, file):
    script = checkout / "benchmarks" / file
    monkeypatch.setattr("sys.argv", [str(script), "--data", str(checkout.parent), "--times", "3"])
    command = json.loads(record.write_record("two", {}, {}).read_text())["command"]
    assert command == "python -m benchmarks.two --data .. --times 3"
