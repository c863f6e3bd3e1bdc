"""The folder of a run, on any filesystem: held by one run, bound to its settings, published whole.

A verb that can be resumed does the same few things: it holds its folder (`only_writer`), refuses to
mix what other settings gave (`hold_to`), leaves work in parts that a rerun finds, and puts results
in place all at once (`publishing`), with a manifest that says how they came about (`manifest_of`).

What is published goes to a hidden folder first; when all of it is there, it is put in place, the
JSON that describes it last: by renames on a disk, by copies in a storage, which knows no renames. A
crash in between is ended by the next writer. What is found is checked before it is believed.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from georay.core.locks import only_writer as only_writer
from georay.core.manifest import PACKAGES, digest, file_sha256, machine, versions, write_json
from georay.core.paths import AnyPath, StoragePath, relative_name, remove_tree
from georay.core.paths import path_of as path_of

_FILLING, _READY, _OLD = ".filling", ".ready", ".old"
_READY_LIST = ".ready.json"  # in a storage: what of the filled folder is to be put in place

P = TypeVar("P", bound=AnyPath)


def hold_to(
    kept: AnyPath,
    before: Mapping[str, object] | None,
    settings: Mapping[str, object],
    holds: str,
) -> None:
    """Keeps the settings that decide a run's results, and refuses to go on with others.

    kept: the JSON file of the settings, in the run's folder. before: those that what lies there
    came about with (`read_facts(kept)`), None where nothing does. holds: what lies there, for the
    message ("a run", "views taken" …). Raises ValueError naming every setting that changed.
    """
    if before is not None:
        refuse_other_settings(kept.parent, before, settings, holds)
    write_json(kept, dict(settings))


def refuse_other_settings(
    folder: AnyPath, before: Mapping[str, object], settings: Mapping[str, object], holds: str
) -> None:
    """Raises ValueError, naming every setting of `settings` that was another one before."""
    changed = [name for name in settings if before.get(name) != settings[name]]
    if changed:
        facts = "; ".join(f"{name} was {before.get(name)}, is {settings[name]}" for name in changed)
        raise ValueError(
            f"{folder} holds {holds} with other settings ({facts}); choose another output, or "
            "remove it to begin anew"
        )


def manifest_of(
    kind: str,
    recipe: Mapping[str, Any],
    facts: Mapping[str, object],
    packages: Iterable[str] = PACKAGES,
) -> dict[str, object]:
    """What every manifest states: kind, recipe, when, where and with which versions it was made.

    recipe: as JSON has it. facts: what the verb adds.
    """
    return {
        "kind": kind,
        "recipe": dict(recipe),
        "recipe_hash": digest(dict(recipe)),
        **facts,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(packages),
    }


@contextmanager
def publishing(root: P) -> Iterator[P]:
    """Gives an empty folder to fill; then all of it takes the place of its namesakes in `root`.

    If filling fails nothing of `root` has changed, and what was written is removed: a full disk
    needs the room.
    """
    finish_publishing(root)
    filling = root / _FILLING
    filling.mkdir(parents=True)
    try:
        yield cast(P, filling)
        _make_ready(root, filling)
    except BaseException:
        remove_tree(filling)
        raise
    finish_publishing(root)


def finish_publishing(root: AnyPath) -> None:
    """Ends a publication that a crash cut short, or removes what it had not finished writing."""
    if isinstance(root, StoragePath):
        _finish_in_storage(root)
        return
    shutil.rmtree(root / _FILLING, ignore_errors=True)
    ready, old = root / _READY, root / _OLD
    if ready.is_dir():
        for fresh in sorted(ready.iterdir(), key=_facts_last):
            _put_in_place(fresh, root / fresh.name, old)
        ready.rmdir()
    shutil.rmtree(old, ignore_errors=True)


def _make_ready(root: AnyPath, filling: AnyPath) -> None:
    """The one step before which nothing was published, and after which all of it will be."""
    if isinstance(filling, Path) and isinstance(root, Path):
        filling.rename(root / _READY)
        return
    assert isinstance(filling, StoragePath)
    names = [filling.relative_name(file) for file in filling.files()]
    write_json(root / _READY_LIST, names)


def _finish_in_storage(root: StoragePath) -> None:
    """Every step may be done twice: that is how it goes on after a crash."""
    listed, filling = root / _READY_LIST, root / _FILLING
    if listed.is_file():
        names: list[str] = json.loads(listed.read_text())
        folders = {name.partition("/")[0] for name in names if "/" in name}
        there = [file for folder in sorted(folders) for file in (root / folder).files()]
        for stale in there:
            if root.relative_name(stale) not in names:
                stale.unlink(missing_ok=True)
        for name in sorted(names, key=lambda name: (name.endswith(".json"), name)):
            (filling / name).copy_to(root / name)
        listed.unlink()
    remove_tree(filling)


def _facts_last(path: Path) -> tuple[bool, str]:
    return path.suffix == ".json", path.name


def _put_in_place(fresh: Path, target: Path, old: Path) -> None:
    if target.is_dir():  # a rename replaces a file, and no folder that holds something
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    fresh.rename(target)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Gives an empty folder to fill, which then becomes `folder` as a whole.

    Raises ValueError if `folder` already holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: name a new folder, or remove what it holds")
    filling = folder.with_name(f".{folder.name}{_FILLING}")
    shutil.rmtree(filling, ignore_errors=True)
    filling.mkdir(parents=True)
    try:
        yield filling
        filling.rename(folder)
    except BaseException:
        shutil.rmtree(filling, ignore_errors=True)
        raise


def fingerprints(root: AnyPath, paths: Iterable[AnyPath]) -> dict[str, str]:
    """SHA-256 of files by their paths below `root`, for the JSON that describes them."""
    named = {relative_name(path, root): path for path in paths}
    return {name: file_sha256(named[name]) for name in sorted(named)}


def are_whole(root: AnyPath, expected: object) -> bool:
    """Whether every file is there with the SHA-256 of `fingerprints`; False where it is absent."""
    if not isinstance(expected, dict) or not expected:
        return False
    return all(
        (root / name).is_file() and file_sha256(root / name) == sha256
        for name, sha256 in expected.items()
    )


def read_facts(path: AnyPath) -> dict[str, Any] | None:
    """A file that holds one JSON object; None if there is no such file.

    Raises ValueError, naming the file, if it is damaged.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as problem:
        raise ValueError(f"{path} is damaged ({problem}): remove it") from None
    if not isinstance(facts, dict):
        raise ValueError(f"{path} is damaged (no JSON object): remove it")
    return facts
