import pyarrow as pa
import pytest
from storage_server import AWKWARD, serving_bucket

from georay.core.manifest import file_sha256, write_atomic, write_json, write_table
from georay.core.paths import (
    StoragePath,
    copy_folder,
    files_below,
    open_output,
    open_parquet,
    path_of,
    relative_name,
    remove_tree,
    seen_from_elsewhere,
    size_of,
)


@pytest.fixture(scope="module")
def bucket():
    with serving_bucket() as served:
        yield served


@pytest.fixture(params=["disk", "s3", "memory"])
def folder(request, tmp_path):
    """An empty folder of each kind."""
    if request.param == "disk":
        return tmp_path / "run"
    if request.param == "memory":
        return path_of(f"memory://{request.node.originalname}/run")
    bucket = request.getfixturevalue("bucket")
    return path_of(bucket.uri(f"{request.node.name}/run"))


def test_a_place_is_a_path_here_or_one_in_a_storage(tmp_path):
    assert path_of(str(tmp_path)) == tmp_path
    assert path_of(f"file://{tmp_path}/a%20b") == tmp_path / "a b"
    assert isinstance(path_of("s3://bucket/run"), StoragePath)
    assert str(path_of("s3://bucket/run") / "a.txt") == "s3://bucket/run/a.txt"
    with pytest.raises(ValueError, match="holds a secret"):
        path_of("s3://name:key@bucket/run")


def test_names_are_those_that_a_path_has():
    file = path_of("s3://bucket/run/part.0.parquet?region=us-east-1")
    assert (file.name, file.stem, file.suffix) == ("part.0.parquet", "part.0", ".parquet")
    assert str(file.parent) == "s3://bucket/run?region=us-east-1"
    assert file.with_suffix(".json").name == "part.0.json"
    assert file.with_name("b").parent == file.parent
    assert seen_from_elsewhere("s3://bucket/run") == "s3://bucket/run"
    assert seen_from_elsewhere("run").startswith("/")


def test_what_is_written_whole_is_there_and_found(folder):
    assert not folder.exists() and not folder.is_dir()
    assert files_below(folder) == [] and list(folder.glob("*")) == []
    write_json(folder / "a.json", {"a": 1})
    write_atomic(folder / "deep" / "er" / "b.txt", "b")
    write_atomic(folder / "deep" / "c.txt", "cc")
    assert folder.is_dir() and (folder / "deep").is_dir() and not folder.is_file()
    assert (folder / "a.json").is_file() and not (folder / "a.json").is_dir()
    names = [relative_name(file, folder) for file in files_below(folder)]
    assert names == ["a.json", "deep/c.txt", "deep/er/b.txt"]
    assert [file.name for file in folder.glob("*.json")] == ["a.json"]
    assert [file.name for file in folder.glob("*/*.txt")] == ["c.txt"]
    assert sorted(one.name for one in folder.iterdir()) == ["a.json", "deep"]
    assert size_of(folder / "deep" / "c.txt") == 2
    write_atomic(folder / "deep" / "c.txt", "again")
    assert (folder / "deep" / "c.txt").read_text() == "again"


def test_a_hash_is_of_the_bytes_wherever_they_lie(folder, tmp_path):
    write_atomic(folder / "a", b"some bytes")
    (tmp_path / "b").write_bytes(b"some bytes")
    assert file_sha256(folder / "a") == file_sha256(tmp_path / "b")


def test_a_removed_folder_is_gone_and_removing_it_again_does_no_harm(folder):
    write_atomic(folder / "a" / "b", "b")
    write_atomic(folder / "c", "c")
    remove_tree(folder / "a")
    assert not (folder / "a").exists()
    (folder / "c").unlink()
    (folder / "c").unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        (folder / "c").unlink()
    remove_tree(folder)
    remove_tree(folder)
    assert not folder.exists()


def test_a_file_that_is_absent_is_said_to_be_that(folder):
    with pytest.raises(FileNotFoundError):
        (folder / "absent").read_bytes()
    with pytest.raises(FileNotFoundError):
        size_of(folder / "absent")


def test_tables_are_written_and_read_in_pieces(folder):
    table = pa.table({"number": list(range(10))})
    write_table(folder / "t.parquet", table, row_group=4)
    found = open_parquet(folder / "t.parquet")
    assert found.num_row_groups == 3
    assert found.read().equals(table)
    with open_output(folder / "streamed") as stream:
        stream.write(b"by")
        stream.write(b"tes")
    assert (folder / "streamed").read_bytes() == b"bytes"


def test_a_file_is_renamed(folder):
    write_atomic(folder / "a", "a")
    (folder / "a").rename(folder / "b")
    assert [file.name for file in files_below(folder)] == ["b"]


def test_a_folder_is_copied_with_all_that_lies_below_it(folder, tmp_path):
    for name in ("x/y.txt", "z.txt"):
        write_atomic(folder / name, name)
    copy_folder(folder, tmp_path / "copy")
    assert (tmp_path / "copy" / "x" / "y.txt").read_text() == "x/y.txt"
    copy_folder(tmp_path / "copy", folder / "back")
    assert (folder / "back" / "z.txt").read_text() == "z.txt"


def test_names_that_read_like_something_else_are_taken_as_they_are(bucket):
    folder = path_of(bucket.uri("awkward"))
    for name in AWKWARD:
        write_atomic(folder / name, name)
    assert sorted(file.name for file in folder.files()) == sorted(AWKWARD)
    assert {file.read_text() for file in folder.files()} == set(AWKWARD)
    assert {path_of(str(file)).read_text() for file in folder.files()} == set(AWKWARD)
