"""Files wherever they lie: local paths and any filesystem uri (s3://, gs://, memory://, …)."""

import re
from pathlib import Path

import fsspec
import pyarrow as pa
from fsspec.utils import glob_translate
from pyarrow.fs import FileSelector, FileSystem, FileType, FSSpecHandler, PyFileSystem


def is_uri(location: str) -> bool:
    return "://" in location


def filesystem_of(uri: str) -> tuple[FileSystem, str, str]:
    """The filesystem of a location, its path there, and the prefix that makes a path a uri again.

    Raises ValueError if the scheme is unknown or its package is missing.
    """
    if not is_uri(uri):
        return FileSystem.from_uri(Path(uri).absolute().as_uri())[0], uri, ""
    scheme = uri.partition("://")[0]
    try:
        filesystem, path = FileSystem.from_uri(uri)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        try:
            spec, path = fsspec.url_to_fs(uri)
        except (ValueError, ImportError) as problem:
            raise ValueError(f"cannot open {uri}: {problem}") from problem
        filesystem = PyFileSystem(FSSpecHandler(spec))
    return filesystem, path, f"{scheme}://"


def read_bytes(location: str, limit: int) -> bytes:
    """At most `limit` + 1 bytes of a file, so that an oversized one is seen and not swallowed.

    Raises OSError if it cannot be read, ValueError for an unknown scheme.
    """
    if not is_uri(location):
        with Path(location).open("rb") as local:
            return local.read(limit + 1)
    filesystem, path, _ = filesystem_of(location)
    with filesystem.open_input_stream(path) as remote:
        return bytes(remote.read(limit + 1))


def list_files(folder: str) -> list[str]:
    """Every file below a folder, sorted; hidden ones left out, broken links kept.

    Raises OSError if a remote folder is absent.
    """
    if not is_uri(folder):
        found = (str(path) for path in Path(folder).rglob("*") if not path.is_dir())
        return sorted(path for path in found if not _hidden(path, folder))
    filesystem, path, prefix = filesystem_of(folder)
    entries = filesystem.get_file_info(FileSelector(path, recursive=True))
    return sorted(
        prefix + entry.path
        for entry in entries
        if entry.type != FileType.Directory and not _hidden(entry.path, path)
    )


def match_files(pattern: str) -> list[str]:
    """Files of a filesystem uri that match a pattern of *, ** and [...], sorted.

    A ? is no wildcard here: it begins a uri's options. Raises OSError if the folder in front of
    the first wildcard is absent.
    """
    folder = re.split(r"[*\[]", pattern, maxsplit=1)[0].rpartition("/")[0]
    matches = re.compile(glob_translate(_bare(pattern))).match
    return [file for file in list_files(folder) if matches(_bare(file))]


def _bare(uri: str) -> str:
    """A uri without its scheme; some filesystems put a / before what they list, some do not."""
    return uri.partition("://")[2].lstrip("/")


def exists(location: str) -> bool:
    filesystem, path, _ = filesystem_of(location)
    return bool(filesystem.get_file_info(path).type != FileType.NotFound)


def is_folder(location: str) -> bool:
    filesystem, path, _ = filesystem_of(location)
    return bool(filesystem.get_file_info(path).type == FileType.Directory)


def _hidden(path: str, root: str) -> bool:
    return any(part.startswith(".") for part in path.removeprefix(root).split("/"))
