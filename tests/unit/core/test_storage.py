import os

import fsspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_server import AWKWARD, serving_bucket

from georay.core import retries, storage
from georay.core.paths import as_parquet, open_parquet, path_of
from georay.core.storage import LocalAddress, StorageAddress, is_uri, parse_address, read_bytes


@pytest.fixture
def remote():
    """A folder of an in-memory filesystem, as a uri."""
    memory = fsspec.filesystem("memory")
    memory.pipe({"/photos/b.jpg": b"bb", "/photos/deep/a.jpg": b"a", "/photos/.hidden/c.jpg": b"c"})
    yield "memory://photos"
    memory.rm("/photos", recursive=True)


@pytest.fixture(scope="module")
def bucket():
    """Every awkward name with itself as content, below the folder `street views`."""
    with serving_bucket() as served:
        for name in AWKWARD:
            served.put(f"street views/{name}", name.encode())
        yield served


def names(*addresses):
    return [address.name for address in addresses]


def touch(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


# Round trips


PIECES = st.sampled_from(["%20", "%", "?a=b", "#", "#heading=90", "/", " ", "+", "ü", "u\u0308"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
KEYS = st.lists(PIECES | TEXT, max_size=6).map("".join)
OPTIONS = st.just("") | st.from_regex(r"[a-z_]+=[a-z0-9:/%.]*(&[a-z_]+=[a-z0-9]*)?", fullmatch=True)


@given(key=KEYS, options=OPTIONS, bucket=st.from_regex(r"[a-z0-9.\-]{1,9}", fullmatch=True))
def test_an_address_in_storage_reads_back_from_its_uri(key, options, bucket):
    if "secret" not in options and "token" not in options:
        address = StorageAddress("s3", bucket, key, options)
        assert parse_address(address.uri) == address


RAW = st.binary(min_size=1, max_size=5).filter(lambda raw: b"\0" not in raw)
NAMES = st.lists(PIECES.map(str.encode) | RAW, min_size=1, max_size=6).map(b"".join)


@given(NAMES)
def test_any_name_that_a_disk_can_hold_reads_back_from_its_uri_and_is_text(raw):
    address = LocalAddress("/photos/" + os.fsdecode(raw))
    assert parse_address(address.uri) == address
    address.uri.encode()


@pytest.mark.parametrize("name", AWKWARD)
def test_a_path_stays_a_path_whatever_it_holds(name):
    assert parse_address(f"/photos/{name}") == LocalAddress(f"/photos/{name}")
    if "#heading=" not in name:
        assert LocalAddress(f"/photos/{name}").uri == f"/photos/{name}"


def test_a_local_name_that_looks_like_a_view_of_a_panorama_is_written_as_a_file_uri():
    address = LocalAddress("/photos/a.jpg#heading=90")
    assert address.uri == "file:///photos/a.jpg%23heading=90"
    assert parse_address(address.uri) == address


def test_a_relative_path_counts_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parse_address("a b.jpg") == LocalAddress(f"{tmp_path}/a b.jpg")


@pytest.mark.parametrize(
    ("text", "key", "options"),
    [
        ("s3://b/a b.jpg", "a b.jpg", ""),
        ("s3://b/a%20b.jpg", "a b.jpg", ""),
        ("s3://b/100%.jpg", "100%.jpg", ""),
        ("s3://b/%FF.jpg", "%FF.jpg", ""),
        ("s3://b/what?.jpg", "what?.jpg", ""),
        ("s3://b/a.jpg?region=x&endpoint_override=http://h:1", "a.jpg",
         "region=x&endpoint_override=http://h:1"),
        ("S3://b", "", ""),
    ],
)  # fmt: skip
def test_a_uri_that_people_type_is_understood(text, key, options):
    assert parse_address(text) == StorageAddress("s3", "b", key, options)


@pytest.mark.parametrize(
    "uri", ["s3://me:pass@b/a.jpg", "s3://b/a.jpg?secret_key=x", "abfs://b/a?sas_token=x"]
)
def test_a_secret_in_a_uri_is_refused_and_not_repeated(uri):
    with pytest.raises(ValueError, match="holds a secret") as refused:
        parse_address(uri)
    assert "pass" not in str(refused.value) and "=x" not in str(refused.value)


def test_a_file_uri_of_another_host_is_refused():
    with pytest.raises(ValueError, match="file:///folder/name"):
        parse_address("file://elsewhere/a.jpg")


def test_only_a_scheme_in_front_makes_a_uri():
    assert is_uri("s3://b/a") and is_uri("file:///a")
    assert not is_uri("/photos/a://b.jpg") and not is_uri("a b://c")


# Folders


def test_a_folder_is_listed_with_its_subfolders_in_order_and_without_hidden_files(tmp_path):
    for name in ("b.jpg", "deep/a.jpg", ".hidden.jpg", ".cache/c.jpg"):
        touch(tmp_path / name)
    files = parse_address(str(tmp_path)).files()
    assert [file.uri for file in files] == [f"{tmp_path}/b.jpg", f"{tmp_path}/deep/a.jpg"]


def test_a_hidden_folder_that_was_asked_for_is_listed(tmp_path):
    touch(tmp_path / ".photos" / "a.jpg")
    for text in (f"{tmp_path}/.photos", f"file://{tmp_path}/.photos"):
        assert [file.uri for file in parse_address(text).files()] == [f"{tmp_path}/.photos/a.jpg"]


def test_a_broken_link_is_listed_because_someone_expects_its_picture(tmp_path):
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (gone,) = parse_address(str(tmp_path)).files()
    with pytest.raises(OSError):
        gone.read(100)


def test_a_linked_folder_is_followed_and_each_file_comes_once(tmp_path):
    outside = tmp_path / "outside"
    touch(outside / "far.jpg")
    photos = tmp_path / "photos"
    touch(photos / "z" / "near.jpg")
    (photos / "linked").symlink_to(outside)
    (photos / "again").symlink_to(outside)
    (photos / "a_link_to_z").symlink_to(photos / "z")
    files = parse_address(str(photos)).files()
    assert [file.uri.removeprefix(f"{photos}/") for file in files] == [
        "again/far.jpg",
        "z/near.jpg",
    ]


@pytest.mark.parametrize("pattern", ["", "/**/*.jpg"])
def test_links_in_a_circle_end(tmp_path, pattern):
    touch(tmp_path / "a" / "b.jpg")
    for number in range(3):
        (tmp_path / "a" / f"up{number}").symlink_to(tmp_path)
    address = parse_address(f"{tmp_path}{pattern}")
    files = address.matches().files if pattern else address.files()
    assert [file.uri for file in files] == [f"{tmp_path}/a/b.jpg"]


def test_a_pattern_finds_a_linked_folder_by_its_own_name(tmp_path):
    touch(tmp_path / "real" / "a.jpg")
    (tmp_path / "2024").symlink_to(tmp_path / "real")
    found = parse_address(f"{tmp_path}/20*/*.jpg").matches().files
    assert [file.uri for file in found] == [f"{tmp_path}/2024/a.jpg"]
    both = parse_address(f"{tmp_path}/*/*.jpg").matches().files
    assert [file.uri for file in both] == [f"{tmp_path}/real/a.jpg"]


def test_a_folder_that_cannot_be_opened_fails_by_name(tmp_path, monkeypatch):
    touch(tmp_path / "locked" / "a.jpg")
    monkeypatch.setattr("georay.core.folders._can_be_opened", lambda folder: False)
    (locked,) = parse_address(str(tmp_path)).files()
    assert locked.uri == f"{tmp_path}/locked"
    with pytest.raises(OSError):
        locked.read(10)


def test_a_name_that_is_not_utf8_is_listed_as_text_and_refused_by_name(tmp_path):
    touch(tmp_path / os.fsdecode(b"caf\xe9.jpg"))
    (cafe,) = parse_address(str(tmp_path)).files()
    assert cafe.uri == f"file://{tmp_path}/caf%E9.jpg"
    with pytest.raises(ValueError, match="not UTF-8; rename it"):
        read_bytes(cafe.uri, 10)


# Reading


def test_an_in_memory_filesystem_is_listed_and_read_like_a_folder(remote):
    listed = parse_address(remote).files()
    assert [file.uri for file in listed] == [f"{remote}/b.jpg", f"{remote}/deep/a.jpg"]
    assert [read_bytes(file.uri, 100) for file in listed] == [b"bb", b"a"]
    assert parse_address(remote).is_folder()
    assert not listed[0].is_folder()


def test_a_pattern_on_a_filesystem_matches_within_and_across_folders(remote):
    def found(pattern: str) -> list[str]:
        return [file.uri.rsplit("photos/", 1)[1] for file in parse_address(pattern).matches().files]

    assert found(f"{remote}/*.jpg") == ["b.jpg"]
    assert found(f"{remote}/**/*.jpg") == ["b.jpg", "deep/a.jpg"]
    assert found(f"{remote}/deep/[ab].jpg") == ["deep/a.jpg"]
    assert found(f"{remote}/*.png") == []


def test_names_below_a_file_uri_are_read_as_what_they_are(tmp_path):
    for name in AWKWARD:
        touch(tmp_path / name, name.encode())
    listed = parse_address(f"file://{tmp_path}").files()
    assert sorted(names(*listed)) == sorted(AWKWARD)
    assert [read_bytes(file.uri, 100).decode() for file in listed] == names(*listed)


def test_an_escape_in_a_file_uri_is_one(tmp_path):
    touch(tmp_path / "f g.jpg", b"blank")
    touch(tmp_path / "f%20g.jpg", b"escape")
    assert read_bytes(f"file://{tmp_path}/f%20g.jpg", 100) == b"blank"
    assert read_bytes(f"file://{tmp_path}/f%2520g.jpg", 100) == b"escape"


def test_keys_of_s3_are_read_as_what_they_are_with_the_options_of_their_folder(bucket):
    listed = parse_address(bucket.uri("street views")).files()
    assert sorted(names(*listed)) == sorted(AWKWARD)
    assert [read_bytes(file.uri, 100).decode() for file in listed] == names(*listed)
    assert all(file.uri.endswith(f"?{bucket.options}") for file in listed)


def test_a_pattern_on_s3_takes_question_marks_as_they_are(bucket):
    found = parse_address(bucket.uri("street views/w*.jpg")).matches().files
    assert sorted(names(*found)) == ["what?.jpg", "what?a=b.jpg"]
    exact = parse_address(bucket.uri("street views/[2020] *.jpg"))
    assert exact.exists() and not exact.is_pattern()


def test_an_s3_address_knows_folders_and_what_is_absent(bucket):
    assert parse_address(bucket.uri("street views/")).is_folder()
    assert parse_address(bucket.uri("")).is_folder()
    absent = parse_address(bucket.uri("absent.jpg"))
    assert not absent.exists()
    with pytest.raises(FileNotFoundError):
        absent.read(10)
    with pytest.raises(OSError):
        parse_address(bucket.uri("absent")).files()


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_an_oversized_file_is_read_only_one_byte_past_the_limit(tmp_path, prefix):
    (tmp_path / "big.jpg").write_bytes(b"x" * 1000)
    assert len(read_bytes(f"{prefix}{tmp_path}/big.jpg", 99)) == 100


def test_an_unknown_scheme_is_named():
    with pytest.raises(ValueError, match="nosuch://bucket"):
        read_bytes("nosuch://bucket/a.jpg", 10)


def test_an_option_that_the_storage_does_not_know_is_named():
    with pytest.raises(ValueError, match=r"cannot open s3://bucket: .*nonsense"):
        read_bytes("s3://bucket/a.jpg?nonsense=1", 10)


@pytest.mark.parametrize("location", ["{}/absent.jpg", "file://{}/absent.jpg", "memory://absent"])
def test_an_absent_file_is_an_os_error(tmp_path, location):
    with pytest.raises(OSError):
        read_bytes(location.format(tmp_path), 10)


class Flaky:
    """A filesystem of which the first reads fail."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def open_input_stream(self, path, compression):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return pa.BufferReader(answer)


def test_a_remote_read_that_fails_for_a_moment_is_tried_again(monkeypatch):
    flaky = Flaky(OSError("reset"), OSError("503 SlowDown"), b"bytes")
    monkeypatch.setattr(retries.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(storage, "_filesystem", lambda *_: (flaky, "bucket"))
    assert read_bytes("s3://bucket/a.jpg", 100) == b"bytes"
    flaky.answers[:] = [OSError("reset")] * retries.TRIES + [b"never"]
    with pytest.raises(OSError, match="reset"):
        read_bytes("s3://bucket/a.jpg", 100)
    flaky.answers[:] = [FileNotFoundError(2, "No such file"), b"never"]
    with pytest.raises(FileNotFoundError):
        read_bytes("s3://bucket/a.jpg", 100)
    assert flaky.answers == [b"never"], "an absent file does not come back"


class Overloaded(pa.BufferReader):
    """A file that refuses every other read."""

    num_asked = 0

    def read_at(self, number, offset):
        self.num_asked += 1
        if self.num_asked % 2:
            raise OSError("AWS Error INTERNAL_FAILURE: failed to flush response stream")
        return super().read_at(number, offset)


class OneFile:
    def __init__(self, content):
        self.open_input_file = lambda path: Overloaded(content)


def test_a_table_of_a_storage_is_read_although_reads_within_it_fail_for_a_moment(monkeypatch):
    table = pa.table({"number": range(1000)})
    filesystem = OneFile(as_parquet(table, row_group=100))
    monkeypatch.setattr(retries.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(storage, "_filesystem", lambda *_: (filesystem, "bucket"))
    found = open_parquet(path_of("s3://bucket/table.parquet"))
    assert found.read_row_group(7).equals(table.slice(700, 100))
    assert found.read().equals(table)


def test_a_file_of_a_storage_is_read_from_any_place_in_it(monkeypatch):
    monkeypatch.setattr(storage, "_filesystem", lambda *_: (OneFile(b"0123456789"), "bucket"))
    monkeypatch.setattr(retries.time, "sleep", lambda seconds: None)
    file = parse_address("s3://bucket/digits").open()
    assert (file.size(), file.read(3), file.read_at(2, 8)) == (10, b"012", b"89")
    file.seek(5)
    assert (file.read(), file.read(), file.tell()) == (b"56789", b"", 10)
    file.seek(-1, 2)
    assert file.read(5) == b"9"
    file.close()
    assert file.closed
