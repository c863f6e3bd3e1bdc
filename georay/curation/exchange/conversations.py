"""Conversations of the forms that other tools train with, found in files and folders, row by row.

The form is known by the file: dataset_info.json, .json and .jsonl (LLaMA-Factory, Qwen-VL, the
metadata of an image folder), .tar (WebDataset), .parquet (`datasets`).
"""

import json
import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import pyarrow as pa

from georay.core.images import ImageLimits
from georay.core.paths import (
    AnyPath,
    address_of,
    open_input,
    open_parquet,
    open_text,
    path_of,
    relative_name,
)
from georay.core.splits import Split, Unusable
from georay.curation.exchange.external_rows import (
    Columns,
    ExternalRow,
    Source,
    Unreadable,
    external_row,
)
from georay.curation.exchange.json_files import DATASET_INFO, IMAGES
from georay.curation.exchange.summary import LEFT_OUT_FILE, MANIFEST

_OF_EXPORT = frozenset({MANIFEST, LEFT_OUT_FILE})  # neither holds conversations
_ENDINGS = (".json", ".jsonl", ".tar", ".parquet")
_PICTURE_ENDINGS = frozenset({"jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"})
_SPLIT_NAMES: dict[str, Split] = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation",
    "val": "validation", "dev": "validation", "eval": "validation", "test": "test",
}  # fmt: skip
_ROWS_AT_ONCE = 64  # of pictures
_MAX_BYTES = ImageLimits().max_bytes

Found = Iterator[ExternalRow | Unreadable]


def read_conversations(paths: Iterable[str]) -> Found:
    """Every conversation of the files and folders, or why there is none in a row.

    Raises ValueError if a path is absent or holds no file of these forms.
    """
    sources = [source for path in paths for source in _sources(path_of(path))]
    for source in sources:
        yield from _read(source) if isinstance(source, Source) else [source]


def conversation_files(paths: Iterable[str]) -> list[AnyPath]:
    """The files that `read_conversations` reads. Raises ValueError as it does."""
    found = (source for path in paths for source in _sources(path_of(path)))
    return [source.file for source in found if isinstance(source, Source)]


def split_named(name: str) -> Split | None:
    """The split that a word of a file's name, or a column, means; None if it means none."""
    words = re.split(r"[^a-z]+", name.casefold())
    return next((_SPLIT_NAMES[word] for word in words if word in _SPLIT_NAMES), None)


def _sources(path: AnyPath) -> Iterator[Source | Unreadable]:
    if not path.exists():
        raise ValueError(f"no conversations at {path}: there is no such file or folder")
    info = path / DATASET_INFO if path.is_dir() else path
    if info.name == DATASET_INFO and info.is_file():
        yield from _listed(info)
        return
    is_folder = path.is_dir()
    files = _below(path) if is_folder else [path]
    files = [file for file in files if file.suffix.lower() in _ENDINGS]
    if not files:
        raise ValueError(
            f"{path} holds no conversations: give JSON, JSONL, tar or Parquet files, or a folder "
            "of them"
        )
    for file in files:
        above = relative_name(file, path).rpartition("/")[0] if is_folder else ""
        yield Source(file, file.parent, split=split_named(file.name) or split_named(above))


def _below(folder: AnyPath) -> list[AnyPath]:
    """The files below a folder, hidden ones and the pictures of an export left out."""
    root = address_of(folder.absolute())
    parts = sorted(root.relative(file).split("/") for file in root.files())
    exports = {tuple(one[:-1]) for one in parts if one[-1] == MANIFEST}
    return [
        folder / "/".join(one)
        for one in parts
        if one[-1] not in _OF_EXPORT and not _is_in_pictures(one, exports)
    ]


def _is_in_pictures(parts: list[str], exports: set[tuple[str, ...]]) -> bool:
    """Whether a file lies in the folder of pictures of one of the exports."""
    folders = parts[:-1]
    return any(
        name == IMAGES and tuple(folders[:number]) in exports for number, name in enumerate(folders)
    )


def _listed(info: AnyPath) -> Iterator[Source | Unreadable]:
    """The files that a dataset_info.json of LLaMA-Factory names."""
    try:
        entries = json.loads(info.read_bytes())
        named = {name: dict(entry) for name, entry in entries.items()}
    except (ValueError, TypeError, AttributeError) as problem:
        raise ValueError(f"{info} is no dataset_info.json of LLaMA-Factory: {problem}") from None
    for name, entry in named.items():
        where = f"{name} of {info}"
        file = info.parent / str(entry.get("file_name", ""))
        if not file.is_file():
            reason = "it names no file that is there"
            yield Unreadable(where, Unusable("no file", reason))
        elif entry.get("formatting", "alpaca") not in {"sharegpt", "openai"}:
            reason = "only the formattings sharegpt and openai are read"
            yield Unreadable(where, Unusable("other formatting", reason))
        else:
            split = split_named(name) or split_named(file.name)
            yield Source(file, info.parent, _columns(entry), split)


def _columns(entry: dict[str, Any]) -> Columns:
    columns, tags = entry.get("columns") or {}, entry.get("tags") or {}
    plain = Columns()
    roles = {
        tags.get("user_tag", "human"): "user",
        tags.get("assistant_tag", "gpt"): "assistant",
        tags.get("system_tag", "system"): "system",
    }
    return replace(
        plain,
        turns=(columns.get("messages", "conversations"),),
        pictures=(columns["images"],) if "images" in columns else plain.pictures,
        role=(tags.get("role_tag", "from"),),
        content=(tags.get("content_tag", "value"),),
        roles=roles,
    )


def _read(source: Source) -> Found:
    readers = {".json": _json, ".jsonl": _json_lines, ".tar": _tar, ".parquet": _parquet}
    is_empty = True
    try:
        for found in readers[source.file.suffix.lower()](source):
            is_empty = False
            yield found
    except (OSError, ValueError, RecursionError, tarfile.TarError, pa.ArrowException) as problem:
        reason = f"the rest of it cannot be read: {problem}"
        yield Unreadable(str(source.file), Unusable("damaged file", reason))
    else:
        if is_empty:
            yield Unreadable(str(source.file), Unusable("empty file", "it holds no rows"))


def _json(source: Source) -> Found:
    """A list of rows, one row alone, or one a line, which some tools call .json too."""
    text = source.file.read_text(encoding="utf-8-sig")
    try:
        told = json.loads(text)
    except ValueError:
        if text.lstrip()[:1] == "[":
            raise
        yield from _lines(text.splitlines(), source)
        return
    for number, row in enumerate(told if isinstance(told, list) else [told], 1):
        yield external_row(row, source.where(number), source)


def _json_lines(source: Source) -> Found:
    with open_text(source.file) as file:
        yield from _lines(file, source)


def _lines(lines: Iterable[str], source: Source) -> Found:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as problem:
            yield Unreadable(source.where(number), Unusable("no JSON", str(problem)))
            continue
        yield external_row(row, source.where(number), source)


def _parquet(source: Source) -> Found:
    number = 0
    for batch in open_parquet(source.file).iter_batches(_ROWS_AT_ONCE):
        for row in batch.to_pylist():
            number += 1
            yield external_row(row, source.where(number), source)


def _tar(source: Source) -> Found:
    with open_input(source.file) as stream, tarfile.open(fileobj=stream) as tar:
        files = (entry for entry in tar if entry.isfile())
        for key, entries in groupby(files, key=lambda entry: _key(entry.name)):
            yield _of_tar(f"{key} of {source.file}", tar, entries, source)
    _refuse_cut(source.file)


def _refuse_cut(tar: AnyPath) -> None:
    """Raises ReadError for a tar file without its end, where `tarfile` stops without a word."""
    with open_input(tar) as file:
        file.seek(-tarfile.BLOCKSIZE, os.SEEK_END)
        if any(file.read()):
            raise tarfile.ReadError("it was cut: its end is missing")


def _key(name: str) -> str:
    """What names a sample: all in front of the first dot of the file's own name."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


def _of_tar(
    where: str, tar: tarfile.TarFile, entries: Iterable[tarfile.TarInfo], source: Source
) -> ExternalRow | Unreadable:
    row: object = None
    picture: bytes | None = None
    problem: Unusable | None = None
    for entry in entries:
        ending = entry.name.rpartition(".")[2].lower()
        file = tar.extractfile(entry)
        if file is None or ending not in {"json", *_PICTURE_ENDINGS}:
            continue
        if entry.size > _MAX_BYTES:
            problem = Unusable("picture failed", f"{entry.name} has more than {_MAX_BYTES:,} bytes")
        elif ending == "json":
            try:
                row = json.loads(file.read())
            except (ValueError, RecursionError) as fault:
                problem = Unusable("no JSON", str(fault))
        else:
            picture = file.read()
    return Unreadable(where, problem) if problem else external_row(row, where, source, picture)
