import fsspec
import pytest

from georay.core.files import is_folder, list_files, match_files, read_bytes


@pytest.fixture
def remote():
    """A folder of an in-memory filesystem, as a uri."""
    memory = fsspec.filesystem("memory")
    memory.pipe({"/photos/b.jpg": b"bb", "/photos/deep/a.jpg": b"a", "/photos/.hidden/c.jpg": b"c"})
    yield "memory://photos"
    memory.rm("/photos", recursive=True)


def test_a_folder_is_listed_with_its_subfolders_in_order_and_without_hidden_files(tmp_path):
    for name in ("b.jpg", "deep/a.jpg", ".hidden.jpg", ".cache/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert list_files(str(tmp_path)) == [f"{tmp_path}/b.jpg", f"{tmp_path}/deep/a.jpg"]


def test_a_hidden_folder_that_was_asked_for_is_listed(tmp_path):
    (tmp_path / ".photos").mkdir()
    (tmp_path / ".photos" / "a.jpg").write_bytes(b"x")
    assert list_files(str(tmp_path / ".photos")) == [f"{tmp_path}/.photos/a.jpg"]
    uri = f"file://{tmp_path}/.photos"
    assert list_files(uri) == [f"{uri}/a.jpg"]


def test_a_broken_link_is_listed_because_someone_expects_its_picture(tmp_path):
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert list_files(str(tmp_path)) == [f"{tmp_path}/gone.jpg"]
    with pytest.raises(OSError):
        read_bytes(f"{tmp_path}/gone.jpg", 100)


def test_an_in_memory_filesystem_is_listed_and_read_like_a_folder(remote):
    listed = list_files(remote)
    assert [uri.rsplit("photos/", 1)[1] for uri in listed] == ["b.jpg", "deep/a.jpg"]
    assert [read_bytes(uri, 100) for uri in listed] == [b"bb", b"a"]
    assert is_folder(remote)
    assert not is_folder(listed[0])


def test_a_pattern_on_a_filesystem_matches_within_and_across_folders(remote):
    def names(pattern: str) -> list[str]:
        return [uri.rsplit("photos/", 1)[1] for uri in match_files(pattern)]

    assert names(f"{remote}/*.jpg") == ["b.jpg"]
    assert names(f"{remote}/**/*.jpg") == ["b.jpg", "deep/a.jpg"]
    assert names(f"{remote}/deep/[ab].jpg") == ["deep/a.jpg"]
    assert names(f"{remote}/*.png") == []


def test_a_file_uri_reads_what_the_path_reads(tmp_path):
    (tmp_path / "a b.jpg").write_bytes(b"picture")
    (listed,) = list_files(f"file://{tmp_path}")
    assert listed == f"file://{tmp_path}/a b.jpg"
    assert read_bytes(listed, 100) == b"picture"


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_an_oversized_file_is_read_only_one_byte_past_the_limit(tmp_path, prefix):
    (tmp_path / "big.jpg").write_bytes(b"x" * 1000)
    assert len(read_bytes(f"{prefix}{tmp_path}/big.jpg", 99)) == 100


def test_an_unknown_scheme_is_named():
    with pytest.raises(ValueError, match="nosuch://bucket"):
        read_bytes("nosuch://bucket/a.jpg", 10)


@pytest.mark.parametrize("location", ["{}/absent.jpg", "file://{}/absent.jpg", "memory://absent"])
def test_an_absent_file_is_an_os_error(tmp_path, location):
    with pytest.raises(OSError):
        read_bytes(location.format(tmp_path), 10)
