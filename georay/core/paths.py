"""Paths that runs write to: of this machine, or of a storage, with pathlib's methods.

What makes or reads the folder of a run takes `AnyPath` and reads the same for both. Storages have
neither folders nor renames: a folder is there when a file lies below it, and a file appears whole.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import total_ordering
from io import BytesIO, TextIOWrapper
from pathlib import Path, PurePosixPath
from typing import TextIO

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType

from georay.core.retries import with_retries
from georay.core.storage import Address, LocalAddress, StorageAddress, is_uri, parse_address

_HAVE_NO_FOLDERS = frozenset({"s3", "gs", "gcs", "abfs", "abfss"})
_MOST_COPIED = 5 << 30  # S3 copies no larger object by itself
_CHUNK = 16 << 20


@total_ordering
@dataclass(frozen=True)
class StoragePath:
    """A file or a folder of a storage. Everything that asks the storage raises OSError."""

    address: StorageAddress

    def __str__(self) -> str:
        return self.address.uri

    def __truediv__(self, name: str) -> "StoragePath":
        return StoragePath(self.address.child(name))

    def __lt__(self, other: "StoragePath") -> bool:
        return self.address.key < other.address.key

    @property
    def name(self) -> str:
        return self.address.name

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def parent(self) -> "StoragePath":
        return StoragePath(self.address.parent)

    def with_name(self, name: str) -> "StoragePath":
        return self.parent / name

    def with_suffix(self, suffix: str) -> "StoragePath":
        return self.with_name(str(PurePosixPath(self.name).with_suffix(suffix)))

    def absolute(self) -> "StoragePath":
        return self

    def expanduser(self) -> "StoragePath":
        return self

    def relative_to(self, folder: "StoragePath") -> PurePosixPath:
        return PurePosixPath(folder.address.relative(self.address))

    def is_file(self) -> bool:
        return bool(self._info().type == FileType.File)

    def is_dir(self) -> bool:
        return self._info().type == FileType.Directory and any(True for _ in self.files())

    def exists(self) -> bool:
        return self.is_file() or self.is_dir()

    def size(self) -> int:
        """In bytes. Raises FileNotFoundError for what is no file."""
        return int(self._info_of_file().size)

    def modified(self) -> float | None:
        """When the file was written, in seconds by the storage's own clock; None if it has none."""
        written: int | None = self._info_of_file().mtime_ns
        return None if written is None else written / 1e9

    def files(self) -> list["StoragePath"]:
        """Every file below this folder, hidden ones too, sorted; none if there is no folder."""
        return [self._below(name) for name in self.listed()]

    def listed(self) -> dict[str, FileInfo]:
        """What the storage says of every file below this folder, by its name from here."""
        return self._listed("**")

    def glob(self, pattern: str) -> Iterator["StoragePath"]:
        """The files below this folder whose names fit, with as many parts as the pattern."""
        parts = len(PurePosixPath(pattern).parts)
        for name in self._listed(pattern):
            relative = PurePosixPath(name)
            if len(relative.parts) == parts and relative.match(pattern):
                yield self._below(name)

    def iterdir(self) -> Iterator["StoragePath"]:
        """The names in this folder, each once: of files and of folders that hold some."""
        names = dict.fromkeys(name.partition("/")[0] for name in self.listed())
        return (self._below(name) for name in names)

    def _listed(self, pattern: str) -> dict[str, FileInfo]:
        """All that a pattern may mean: in this folder, or also below it."""
        filesystem, path = self.address.found()
        is_deep = "/" in pattern or pattern == "**"
        selector = FileSelector(path, recursive=is_deep, allow_not_found=True)
        entries = with_retries(lambda: filesystem.get_file_info(selector))
        above = len(path.strip("/"))
        found = {
            entry.path.strip("/")[above:].lstrip("/"): entry
            for entry in entries
            if entry.type == FileType.File
        }
        return {name: found[name] for name in sorted(found)}

    def _below(self, name: str) -> "StoragePath":
        """A file by its name from here, taken as the storage has it."""
        key = self.address.key.rstrip("/")
        return StoragePath(replace(self.address, key=f"{key}/{name}".lstrip("/")))

    def relative_name(self, file: "StoragePath") -> str:
        return self.address.relative(file.address)

    def read_bytes(self) -> bytes:
        filesystem, path = self.address.found()

        def read() -> bytes:
            with filesystem.open_input_stream(path, compression=None) as stream:
                return bytes(stream.readall())

        return with_retries(read)

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def open_input(self) -> pa.NativeFile:
        """The file, to be read from any place in it."""
        return self.address.open()

    def open_output(self) -> pa.NativeFile:
        """A stream whose content is there when it is closed."""
        filesystem, path = self._to_be_written()
        return with_retries(lambda: filesystem.open_output_stream(path, compression=None))

    def write_bytes(self, content: bytes) -> None:
        """Puts the content there whole; what was there stays until it is."""

        def write() -> None:
            with self.open_output() as stream:
                stream.write(content)

        with_retries(write)

    def copy_to(self, target: "StoragePath") -> None:
        """Copies within the storage, in place of what is at the target."""
        filesystem, source = self.address.found()
        _, path = target._to_be_written()
        if self.size() <= _MOST_COPIED:
            with_retries(lambda: filesystem.copy_file(source, path))
            return
        with self.open_input() as stream, target.open_output() as out:
            while chunk := stream.read(_CHUNK):
                out.write(chunk)

    def rename(self, target: "StoragePath") -> "StoragePath":
        """Copies the file and removes it here; cut short in between, both are there."""
        self.copy_to(target)
        self.unlink()
        return target

    def unlink(self, missing_ok: bool = False) -> None:
        filesystem, path = self.address.found()
        try:
            with_retries(lambda: filesystem.delete_file(path))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: a folder is there when a file lies below it."""

    def _info(self) -> FileInfo:
        filesystem, path = self.address.found()
        return with_retries(lambda: filesystem.get_file_info(path))

    def _info_of_file(self) -> FileInfo:
        info = self._info()
        if info.type != FileType.File:
            raise FileNotFoundError(f"there is no file {self}")
        return info

    def _to_be_written(self) -> tuple[FileSystem, str]:
        """The filesystem and the path there, its folder made where the storage needs one."""
        filesystem, path = self.address.found()
        if self.address.scheme not in _HAVE_NO_FOLDERS:
            folder = path.rpartition("/")[0]
            with_retries(lambda: filesystem.create_dir(folder, recursive=True))
        return filesystem, path


AnyPath = Path | StoragePath


def path_of(location: str) -> AnyPath:
    """What a path or a uri means. Raises ValueError as `parse_address` does."""
    if not is_uri(location):
        return Path(location).expanduser()
    address = parse_address(location)
    return Path(address.path) if isinstance(address, LocalAddress) else StoragePath(address)


def address_of(path: AnyPath) -> Address:
    """The path as tables name it."""
    return path.address if isinstance(path, StoragePath) else LocalAddress(str(path))


def seen_from_elsewhere(location: str) -> str:
    """The location as it is called in any working directory: a path written out, a uri as it is."""
    return location if is_uri(location) else str(Path(location).expanduser().absolute())


def files_below(folder: AnyPath) -> list[AnyPath]:
    """Every file below a folder, hidden ones too, sorted; none if there is no folder."""
    if isinstance(folder, StoragePath):
        return list(folder.files())
    return sorted(path for path in folder.rglob("*") if path.is_file())


def files_in(folder: AnyPath, pattern: str = "*.parquet") -> list[AnyPath]:
    """The files in a folder whose names fit, sorted; none if there is no folder."""
    found: list[AnyPath] = [*folder.glob(pattern)]
    return sorted(found, key=str)


def relative_name(file: AnyPath, folder: AnyPath) -> str:
    """The name of a file, counted from a folder above it."""
    if isinstance(file, StoragePath) and isinstance(folder, StoragePath):
        return folder.relative_name(file)
    assert isinstance(file, Path) and isinstance(folder, Path)
    return file.relative_to(folder).as_posix()


def size_of(file: AnyPath) -> int:
    """In bytes. Raises OSError if there is no such file."""
    return file.size() if isinstance(file, StoragePath) else file.stat().st_size


def rename(file: AnyPath, target: AnyPath) -> None:
    """Gives a file another place in the same filesystem."""
    if isinstance(file, StoragePath) and isinstance(target, StoragePath):
        file.rename(target)
        return
    assert isinstance(file, Path) and isinstance(target, Path)
    file.rename(target)


def remove_tree(folder: AnyPath) -> None:
    """Removes a folder with all that lies below it, if it is there."""
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
        return
    for file in folder.files():
        file.unlink(missing_ok=True)


def copy_folder(source: AnyPath, target: AnyPath) -> None:
    """Copies every file below a folder to the same name below another, on any two filesystems."""
    for file in files_below(source):
        copy = target / relative_name(file, source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with open_input(file) as stream, open_output(copy) as out:
            while chunk := stream.read(_CHUNK):
                out.write(chunk)


def open_input(file: AnyPath) -> pa.NativeFile:
    """The file, to be read from any place in it. Raises OSError."""
    return file.open_input() if isinstance(file, StoragePath) else pa.OSFile(str(file))


def open_text(file: AnyPath) -> TextIO:
    """The file's lines in UTF-8, their ends as they are; a mark of byte order is passed over.

    Raises OSError.
    """
    if isinstance(file, Path):
        return file.open(encoding="utf-8-sig", newline="")
    return TextIOWrapper(file.open_input(), encoding="utf-8-sig", newline="")


def open_output(file: AnyPath) -> pa.NativeFile:
    """A stream into a file that is not read before it is closed. Raises OSError."""
    return file.open_output() if isinstance(file, StoragePath) else pa.OSFile(str(file), "wb")


def open_parquet(file: AnyPath) -> pq.ParquetFile:
    """A table to be read in pieces; pre-buffered, it would lie in memory whole."""
    return pq.ParquetFile(open_input(file), pre_buffer=False)


def open_dataset(path: AnyPath) -> pyarrow.dataset.Dataset:
    """The table in a Parquet file, or in all of them below a folder. Raises OSError."""
    if isinstance(path, Path):
        return pyarrow.dataset.dataset(path, format="parquet")
    filesystem, name = path.address.found()
    return pyarrow.dataset.dataset(name, filesystem=filesystem, format="parquet")


def write_text(file: AnyPath) -> TextIO:
    """A stream of text into a file, in UTF-8, the ends of lines as they are written."""
    return TextIOWrapper(open_output(file), encoding="utf-8", newline="")


@contextmanager
def parquet_writer(file: AnyPath, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Writes a table piece by piece; it is whole when the block ends."""
    with open_output(file) as out, pq.ParquetWriter(out, schema, compression="zstd") as writer:
        yield writer


@contextmanager
def whole_parquet(file: AnyPath, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """As `parquet_writer`; the file is there when all of it is, and not at all if writing fails."""
    partial = file.with_name(f".{file.name}.partial")
    with parquet_writer(partial, schema) as writer:
        yield writer
    rename(partial, file)


def as_parquet(table: pa.Table, row_group: int | None = None) -> bytes:
    """The bytes of a Parquet file."""
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd", row_group_size=row_group)
    return buffer.getvalue()
