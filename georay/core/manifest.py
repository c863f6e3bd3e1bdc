"""Run records: atomic writes, content hashes, and the facts every manifest states."""

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pyarrow as pa

from georay.core.paths import AnyPath, StoragePath, as_parquet, open_input

_ROWS_AT_ONCE = 4096

PACKAGES = (
    "georay",
    "ray",
    "torch",
    "transformers",
    "sentence-transformers",
    "pyarrow",
    "pillow",
    "numpy",
)


def write_atomic(path: AnyPath, content: bytes | str) -> None:
    """Writes the file so that a reader sees the old content or the new, never a part of it."""
    data = content.encode() if isinstance(content, str) else content
    if isinstance(path, StoragePath):
        path.write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(".partial", f".{path.name}.", path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: AnyPath, content: object) -> None:
    """Writes indented JSON atomically."""
    write_atomic(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def write_table(path: AnyPath, table: pa.Table, row_group: int | None = None) -> None:
    """Writes Parquet atomically."""
    write_atomic(path, as_parquet(table, row_group))


def digest(*parts: object) -> str:
    """The first 16 hex digits of SHA-256 over the JSON of the parts: a short stable id."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def rows_digest(tables: Iterable[pa.Table]) -> str:
    """`digest` of all rows of tables as dictionaries, a few of them in memory at a time."""
    seen = hashlib.sha256(b"[[")
    is_first = True
    batches = (one for table in tables for one in table.to_batches(max_chunksize=_ROWS_AT_ONCE))
    for batch in batches:
        for row in batch.to_pylist():
            text = json.dumps(row, sort_keys=True, ensure_ascii=False, default=str)
            seen.update((text if is_first else f", {text}").encode())
            is_first = False
    seen.update(b"]]")
    return seen.hexdigest()[:16]


def file_sha256(path: AnyPath) -> str:
    """SHA-256 of a file's bytes, read in blocks."""
    with open_input(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Versions of the packages that matter to a result, and of Python."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine() -> dict[str, object]:
    """Hardware facts that a benchmark record states."""
    return {
        "processor": _processor(),
        "instructions": _instructions(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gib": _memory_gib(),
        "system": platform.system(),
    }


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _instructions() -> list[str]:
    """The vector instructions that decide how fast a network runs, and in which precision."""
    flags = _cpuinfo("flags").split()
    return [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]


def _cpuinfo(field: str) -> str:
    """The first value of a field of Linux's /proc/cpuinfo; empty elsewhere."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(field))
    return next(found, "")


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None
