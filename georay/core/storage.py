"""Addresses of files: a path of this machine or an object in a storage, as two types.

`parse_address` is the one place where text becomes an address. An address is never parsed again:
folders, patterns and lists pass on addresses, and the `uri` column of the tables holds
`Address.uri`, which reads back to exactly the same address.
"""

import os
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from posixpath import normpath
from urllib.parse import quote

import fsspec
import pyarrow as pa
from fsspec.utils import glob_translate
from pyarrow.fs import FileSelector, FileSystem, FileType, FSSpecHandler, PyFileSystem

from georay.core.folders import each_once, walk, within_depth
from georay.core.patient_reads import open_patiently
from georay.core.retries import with_retries

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_OPTIONS = re.compile(r"\?([A-Za-z_][\w.\-]*=[^?]*)$")
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_VIEW = re.compile(r"#heading=[^/]*$")
_ODD = re.compile("[%?#\udc80-\udcff]")  # the last are bytes that are no UTF-8
_OF_ARROW = frozenset({"s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs"})
_OF_THE_WEB = frozenset({"http", "https"})
_SECRET = re.compile(r"secret|token|password|access_key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """A file or folder of this machine. path: absolute; bytes that are no UTF-8 as surrogates."""

    path: str

    @property
    def uri(self) -> str:
        """The path itself; as `file://` where it is no UTF-8 or would read as something else."""
        if self.is_text() and not _VIEW.search(self.path):
            return self.path
        return "file://" + _ODD.sub(lambda odd: f"%{ord(odd[0]) & 0xFF:02X}", self.path)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> "LocalAddress":
        return LocalAddress(self.path.rpartition("/")[0] or "/")

    def child(self, relative: str) -> "LocalAddress":
        """What this folder calls `relative`, taken as it is written: a name is no uri."""
        return LocalAddress(_joined(self.path, relative))

    def relative(self, file: "Address") -> str:
        """The name of a file below this folder, counted from the folder."""
        assert isinstance(file, LocalAddress)
        return file.path[len(self.path.rstrip("/")) + 1 :]

    def read(self, limit: int) -> bytes:
        """At most `limit` + 1 bytes, so that an oversized file is seen and not swallowed.

        Raises OSError if it cannot be read, ValueError if its name is not UTF-8.
        """
        if not self.is_text():
            raise ValueError("the name is not UTF-8; rename it")
        with open(self.path, "rb") as file:  # noqa: PTH123  # Path makes // of / and drops ./
            return file.read(limit + 1)

    def is_text(self) -> bool:
        """Whether the path is UTF-8, so that it can be printed and written."""
        try:
            self.path.encode()
        except UnicodeEncodeError:
            return False
        return True

    def open(self) -> pa.NativeFile:
        """The file, to be read from any place in it. Raises OSError."""
        return pa.OSFile(self.path)

    def files(self) -> "list[Address]":
        """Every file below this folder, sorted; hidden ones left out, broken links kept.

        Linked folders are followed, and each folder is entered once, however many links lead to it.
        """
        return [LocalAddress(path) for path in sorted(walk(self.path))]

    def exists(self) -> bool:
        return os.path.lexists(self.path)

    def is_folder(self) -> bool:
        return os.path.isdir(self.path)  # noqa: PTH112

    def is_pattern(self) -> bool:
        """Whether the name holds wildcards and is no file itself."""
        return any(sign in self.path for sign in "*?[") and not self.exists()

    def matches(self) -> "Matches":
        """The files that this pattern of *, **, ? and [...] names, each once."""
        base = self.path
        while not os.path.isdir(base):  # noqa: PTH112
            base = base.rpartition("/")[0] or "/"
        folder = LocalAddress(base)
        pattern = folder.relative(self)
        fits = re.compile(glob_translate(pattern)).match
        if "**" in pattern:
            everything = walk(base)
        else:
            everything = within_depth(base, pattern.count("/") + 1)
        listed = [LocalAddress(path) for path in sorted(everything)]
        found = {file.path for file in listed if fits(folder.relative(file))}
        chosen = [LocalAddress(path) for path in each_once(sorted(found))]
        return Matches(folder, tuple(chosen), tuple(listed))


@dataclass(frozen=True, slots=True)
class StorageAddress:
    """An object or a folder of a storage.

    key: exactly as the storage has it, nothing escaped. options: what configures the storage, as
    written behind the `?` (`endpoint_override=…&region=…`).
    """

    scheme: str
    authority: str
    key: str
    options: str = ""

    @property
    def uri(self) -> str:
        """The address as text; in the key only `%`, `?` and `#` are escaped."""
        options = f"?{self.options}" if self.options else ""
        return f"{self.scheme}://{self.authority}/{_escaped(self.key)}{options}"

    @property
    def name(self) -> str:
        """The last part of the key, or the bucket."""
        return self.key.rstrip("/").rpartition("/")[2] or self.authority

    @property
    def parent(self) -> "StorageAddress":
        return replace(self, key=self.key.rstrip("/").rpartition("/")[0])

    def child(self, relative: str) -> "StorageAddress":
        """What this folder calls `relative`, taken as it is written: a name is no uri."""
        return replace(self, key=_joined(self.key, relative).lstrip("/"))

    def relative(self, file: "Address") -> str:
        """The name of a file below this folder, counted from the folder."""
        assert isinstance(file, StorageAddress)
        folder = self.key.rstrip("/")
        return file.key[len(folder) + 1 :] if folder else file.key

    def read(self, limit: int) -> bytes:
        """As `LocalAddress.read`. Raises OSError, and ValueError if the scheme is unknown."""
        filesystem, path = self.found()

        def read() -> bytes:
            with filesystem.open_input_stream(path, compression=None) as remote:
                return bytes(remote.read(limit + 1))

        return with_retries(read)

    def open(self) -> pa.NativeFile:
        """The object, to be read from any place in it. Raises as `read` does."""
        return open_patiently(*self.found())

    def files(self) -> "list[Address]":
        """Every object below this folder, sorted, without hidden ones. Raises OSError if absent."""
        filesystem, path = self.found()
        everything = FileSelector(path, recursive=True)
        entries = with_retries(lambda: filesystem.get_file_info(everything))
        _, root = _filesystem(self.scheme, self.authority, self.options)
        skipped = len(root.strip("/"))
        keys = (
            entry.path.strip("/")[skipped:].lstrip("/")
            for entry in entries
            if entry.type != FileType.Directory
        )
        found = (replace(self, key=key) for key in sorted(keys))
        return [file for file in found if not _hidden(self.relative(file))]

    def exists(self) -> bool:
        return bool(self._type() != FileType.NotFound)

    def is_folder(self) -> bool:
        return bool(self._type() == FileType.Directory)

    def is_pattern(self) -> bool:
        """Whether the key holds wildcards and names nothing itself; ? is none here."""
        return any(sign in self.key for sign in "*[") and not self.exists()

    def matches(self) -> "Matches":
        """The objects that this pattern of *, ** and [...] names. Raises as `files` does."""
        folder = replace(self, key=re.split(r"[*\[]", self.key, maxsplit=1)[0].rpartition("/")[0])
        fits = re.compile(glob_translate(re.sub(r"\?", "[?]", folder.relative(self)))).match
        listed = folder.files()
        chosen = [file for file in listed if fits(folder.relative(file))]
        return Matches(folder, tuple(chosen), tuple(listed))

    def _type(self) -> FileType:
        filesystem, path = self.found()
        return with_retries(lambda: filesystem.get_file_info(path)).type

    def found(self) -> tuple[FileSystem, str]:
        """The filesystem and the path that it knows this address by."""
        filesystem, base = _filesystem(self.scheme, self.authority, self.options)
        if self.scheme in _OF_THE_WEB:
            options = f"?{self.options}" if self.options else ""
            return filesystem, f"{base}/{quote(self.key)}{options}"
        return filesystem, f"{base.rstrip('/')}/{self.key.rstrip('/')}" if self.key else base


Address = LocalAddress | StorageAddress


@dataclass(frozen=True)
class Matches:
    """What a pattern names. folder: in front of its first wildcard; listed: all that was seen."""

    folder: Address
    files: tuple[Address, ...]
    listed: tuple[Address, ...]


def is_uri(text: str) -> bool:
    """Whether the text has a scheme (`s3://…`) and so is no path."""
    return _SCHEME.match(text) is not None


def parse_address(text: str) -> Address:
    """The address that a path or a uri means; relative paths count from the working directory.

    In a uri %XX is an escape, as everywhere; what is no escape is taken as it is written, and a `?`
    begins options where `name=value` follows. Raises ValueError for a uri that holds a secret, and
    for one of a host's files.
    """
    if not is_uri(text):
        return LocalAddress(os.path.join(os.getcwd(), text))  # noqa: PTH118, PTH109
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme == "file":
        return _local(rest)
    rest, options = _split_options(rest, scheme)
    authority, _, key = rest.partition("/")
    _refuse_secrets(scheme, authority, options)
    return StorageAddress(scheme, authority, _unescaped(key), options)


def read_bytes(uri: str, limit: int) -> bytes:
    """At most `limit` + 1 bytes of the file that a table calls `uri`; raises as `Address.read`."""
    return parse_address(uri).read(limit)


def _local(rest: str) -> LocalAddress:
    host, slash, path = rest.partition("/")
    if host not in {"", "localhost"} or not slash:
        raise ValueError(f"file://{rest} needs a whole path: file:///folder/name")
    raw = _ESCAPES.sub(lambda found: os.fsdecode(bytes.fromhex(found[0].replace("%", ""))), path)
    return LocalAddress(f"/{raw}")


def _split_options(rest: str, scheme: str) -> tuple[str, str]:
    if scheme in _OF_THE_WEB:  # all behind the ? belongs to the file's own name there
        name, _, query = rest.partition("?")
        return name, query
    found = _OPTIONS.search(rest)
    return (rest[: found.start()], found[1]) if found else (rest, "")


def _refuse_secrets(scheme: str, authority: str, options: str) -> None:
    user, at, _ = authority.rpartition("@")
    names = [option.partition("=")[0] for option in options.split("&")]
    is_secret = any(_SECRET.search(name) for name in names) and scheme not in _OF_THE_WEB
    if is_secret or (at and ":" in user):
        raise ValueError(
            f"this {scheme}:// address holds a secret, which tables and reports would show: give "
            "it by the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY …)"
        )


def _unescaped(key: str) -> str:
    return _ESCAPES.sub(lambda found: _decoded(found[0]), key)


def _decoded(escapes: str) -> str:
    try:
        return bytes.fromhex(escapes.replace("%", "")).decode("utf-8")
    except UnicodeDecodeError:
        return escapes


def _escaped(key: str) -> str:
    return key.replace("%", "%25").replace("?", "%3F").replace("#", "%23")


def _joined(folder: str, relative: str) -> str:
    """One name below the other; `./` and `../` are worked off, all else stays as it is."""
    joined = f"{folder.rstrip('/')}/{relative}"
    return normpath(joined) if {".", ".."} & set(relative.split("/")) else joined


def _hidden(relative: str) -> bool:
    return any(part.startswith(".") for part in relative.split("/"))


def _in_one_request(options: str) -> str:
    """Options of S3 with which a small file is put by one request, where it would take three."""
    if "allow_delayed_open=" in options:
        return options
    return "&".join(filter(None, (options, "allow_delayed_open=true")))


@lru_cache(maxsize=64)
def _filesystem(scheme: str, authority: str, options: str) -> tuple[FileSystem, str]:
    """A storage, made once in a process, and the path of its root.

    Raises ValueError if the scheme or an option is unknown, or its package is missing.
    """
    root = f"{scheme}://{authority}"
    try:
        if scheme in _OF_ARROW:
            chosen = _in_one_request(options) if scheme == "s3" else options
            filesystem, path = FileSystem.from_uri(f"{root}?{chosen}" if chosen else root)
            return filesystem, str(path)
        given = dict(option.split("=", 1) for option in options.split("&") if "=" in option)
        spec, path = fsspec.url_to_fs(root, **({} if scheme in _OF_THE_WEB else given))
    except (ValueError, ImportError, TypeError) as problem:
        raise ValueError(f"cannot open {root}: {problem}") from problem
    return PyFileSystem(FSSpecHandler(spec)), str(path)
