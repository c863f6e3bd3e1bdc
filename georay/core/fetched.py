"""Local copies of what lies in a storage, for libraries that read local files only: models,
adapters, clues.

A copy is kept under the hash of its content, and read whole before it is believed: what was fetched
before and damaged since is fetched again.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from georay.core.manifest import digest, write_json
from georay.core.paths import AnyPath, StoragePath, open_input, path_of
from georay.core.run_folder import are_whole, read_facts
from georay.core.storage import is_uri

CACHE_VARIABLE = "GEORAY_CACHE"
_CHUNK = 16 << 20
_TRIES = 3


def local_copy(location: str | AnyPath) -> Path:
    """A file or folder as a path of this machine: itself, or a copy of what a uri names.

    Copies lie below GEORAY_CACHE, by default ~/.cache/georay. Raises ValueError if nothing is
    there, or it changed whenever it was fetched.
    """
    path = path_of(location) if isinstance(location, str) else location
    return path if isinstance(path, Path) else _copy_of(path)


def name_here(name: str) -> str:
    """A model's id or folder as it is; of a uri the folder of its copy."""
    return str(local_copy(name)) if is_uri(name) else name


def _copy_of(path: StoragePath) -> Path:
    for _ in range(_TRIES):
        listed = _listing(path)
        known = _cache() / "listings" / f"{digest(str(path), listed)}.json"
        contents = _hashes(known)
        if contents is None or not are_whole(_folder_of(contents), contents):
            contents = _fetch(path, listed)
            if contents is None or _listing(path) != listed:
                continue
            write_json(known, contents)
        return _folder_of(contents) / path.name
    raise ValueError(f"{path} changed every time while it was fetched: is it still written?")


def _listing(path: StoragePath) -> dict[str, list[float | None]]:
    """Size and time of a file, or of all files below a folder, by names that begin with its own."""
    if path.is_file():  # asked first: fsspec's storages refuse to list a file
        return {path.name: [path.size(), path.modified()]}
    if listed := path.listed():
        return {f"{path.name}/{name}": [one.size, one.mtime_ns] for name, one in listed.items()}
    raise ValueError(f"there is nothing at {path}")


def _fetch(path: StoragePath, listed: Mapping[str, list[float | None]]) -> dict[str, str] | None:
    """Copies all files that are listed; None if one had another length than the list says."""
    folders = _cache() / "contents"
    folders.mkdir(parents=True, exist_ok=True)
    filling = Path(tempfile.mkdtemp(prefix=".filling-", dir=folders))
    try:
        contents = {name: _copied(path.with_name(name), filling / name) for name in listed}
        if any((filling / name).stat().st_size != listed[name][0] for name in listed):
            return None
        _put_in_place(filling, _folder_of(contents), contents)
    finally:
        shutil.rmtree(filling, ignore_errors=True)
    return contents


def _put_in_place(filling: Path, folder: Path, contents: Mapping[str, str]) -> None:
    """Where a whole copy is there meanwhile, it stays: another process may read it."""
    if are_whole(folder, dict(contents)):
        return
    shutil.rmtree(folder, ignore_errors=True)
    try:
        filling.rename(folder)
    except OSError:
        if not are_whole(folder, dict(contents)):
            raise


def _copied(source: StoragePath, target: Path) -> str:
    """Copies a file and returns the SHA-256 of what came."""
    seen = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_input(source) as stream, target.open("wb") as out:
        while chunk := stream.read(_CHUNK):
            seen.update(chunk)
            out.write(chunk)
    return seen.hexdigest()


def _hashes(known: Path) -> dict[str, str] | None:
    try:
        return read_facts(known)
    except ValueError:
        return None


def _folder_of(contents: Mapping[str, str]) -> Path:
    return _cache() / "contents" / digest(dict(contents))


def _cache() -> Path:
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "georay"
