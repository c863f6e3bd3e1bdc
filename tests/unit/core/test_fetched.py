import pytest
from storage_server import serving_bucket

from georay.core import fetched
from georay.core.fetched import local_copy
from georay.core.manifest import write_atomic
from georay.core.paths import StoragePath, path_of


@pytest.fixture(scope="module")
def bucket():
    with serving_bucket() as served:
        yield served


@pytest.fixture
def model(bucket, request, tmp_path, monkeypatch):
    """A folder of two files in a storage, and a cache of its own."""
    monkeypatch.setenv(fetched.CACHE_VARIABLE, str(tmp_path / "cache"))
    folder = path_of(bucket.uri(request.node.name))
    write_atomic(folder / "config.json", "{}")
    write_atomic(folder / "deep" / "model.safetensors", "weights")
    return folder


@pytest.fixture
def reads(monkeypatch):
    """Names of the files whose content was fetched."""
    opened, whole = [], StoragePath.open_input

    def open_input(self):
        opened.append(self.name)
        return whole(self)

    monkeypatch.setattr(StoragePath, "open_input", open_input)
    return opened


def content(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_what_lies_here_is_used_where_it_is(tmp_path):
    assert local_copy(str(tmp_path)) == tmp_path


def test_a_folder_is_fetched_once_and_then_taken_from_the_copy(model, reads):
    copy = local_copy(str(model))
    assert content(copy) == {"config.json": "{}", "deep/model.safetensors": "weights"}
    assert sorted(reads) == ["config.json", "model.safetensors"]
    assert local_copy(str(model)) == copy
    assert len(reads) == 2


def test_a_file_is_fetched_under_its_own_name(model):
    file = local_copy(str(model / "deep" / "model.safetensors"))
    assert (file.name, file.read_text()) == ("model.safetensors", "weights")


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_copy_that_was_damaged_is_fetched_again(model, reads, damage):
    file = local_copy(str(model)) / "deep" / "model.safetensors"
    if damage == "gone":
        file.unlink()
    else:
        file.write_text("weig" if damage == "cut" else "weights!"[1:])
    assert content(local_copy(str(model)))["deep/model.safetensors"] == "weights"
    assert len(reads) == 4


def test_what_changed_in_the_storage_is_fetched_into_a_folder_of_its_own(model):
    before = local_copy(str(model))
    write_atomic(model / "config.json", '{"a": 1}')
    after = local_copy(str(model))
    assert after != before
    assert content(after)["config.json"] == '{"a": 1}'
    assert content(before)["config.json"] == "{}"


def test_equal_content_is_kept_once(model):
    other = model.parent / "elsewhere" / model.name
    for name, text in content(local_copy(str(model))).items():
        write_atomic(other / name, text)
    assert local_copy(str(other)) == local_copy(str(model))


def test_a_file_that_changes_while_it_is_fetched_is_fetched_anew(model, monkeypatch):
    whole, times = StoragePath.open_input, []

    def open_input(self):
        stream = whole(self)
        if self.name == "config.json" and not times:
            times.append(1)
            write_atomic(self, '{"newer": 1}')
        return stream

    monkeypatch.setattr(StoragePath, "open_input", open_input)
    assert content(local_copy(str(model)))["config.json"] == '{"newer": 1}'


def test_what_is_absent_is_said_to_be_that(model):
    with pytest.raises(ValueError, match="there is nothing at s3://"):
        local_copy(str(model / "absent"))
