"""What a run reads: folders, globs, CSV and Parquet lists become one table of inputs."""

import glob  # Path.glob cannot take an absolute pattern
import io
from collections.abc import Sequence
from os.path import normpath
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from georay.core.files import (
    exists,
    filesystem_of,
    is_folder,
    is_uri,
    list_files,
    match_files,
    read_bytes,
)
from georay.core.tables import INPUTS, conform

FILE_COLUMNS = ("uri", "file", "path", "image")
FOLDER_LABELS = "labels.csv"
TEXT_COLUMNS = (*FILE_COLUMNS, "country", "city")  # NA is a country, not an empty entry
NOT_PICTURES = frozenset({".csv", ".json", ".jsonl", ".md", ".parquet", ".txt", ".yaml", ".yml"})
_MAX_LIST_BYTES = 4 << 30


def list_inputs(sources: Sequence[str]) -> pa.Table:
    """One row per file to read (schema INPUTS), in a stable order, each uri once.

    A source is a folder, a glob, a CSV or Parquet list with a column `uri` or `file` and any of
    latitude, longitude, country, city, heading; local or as a filesystem uri. Relative entries of
    a list count from the list's own folder. Raises ValueError if a source is absent or empty.
    """
    tables = [_list_source(_absolute(source)) for source in sources]
    table = pa.concat_tables(tables)
    _, first = _first_of_each(table.column("uri"))
    return table.take(first).combine_chunks()


def _absolute(source: str) -> str:
    """Workers may run in another folder, and one file must have one name."""
    return source if is_uri(source) else normpath(Path(source).expanduser().absolute())


def _list_source(source: str) -> pa.Table:
    suffix = PurePosixPath(source).suffix.lower()
    if _is_glob(source):
        return _of_files(_matching(source), f"no file matches {source}")
    if suffix in {".csv", ".parquet"}:
        return _of_list(source, suffix)
    if not is_folder(source):
        if not is_uri(source) and not Path(source).exists():
            raise ValueError(
                f"{source} does not exist; give a folder, a glob, a .csv or a .parquet"
            )
        return _of_files([source], source)
    everything = list_files(source)
    pictures = _of_files(
        [file for file in everything if _may_be_picture(file)],
        f"the folder {source} holds no files that could be pictures",
    )
    labels = f"{source.rstrip('/')}/{FOLDER_LABELS}"
    return _with_labels(pictures, _of_list(labels, ".csv")) if labels in everything else pictures


def _is_glob(source: str) -> bool:
    wildcards = "*[" if is_uri(source) else "*?["  # in a uri, ? begins its options
    return any(sign in source for sign in wildcards) and not exists(source)


def _matching(pattern: str) -> list[str]:
    if is_uri(pattern):
        return match_files(pattern)
    return sorted(p for p in glob.glob(pattern, recursive=True) if Path(p).is_file())  # noqa: PTH207


def _with_labels(pictures: pa.Table, labels: pa.Table) -> pa.Table:
    """The listed pictures with what a labels.csv beside them says of place and heading."""
    joined = pictures.select(["uri"]).join(labels, "uri", join_type="left outer")
    return conform(joined.sort_by("uri"), INPUTS, FOLDER_LABELS)


def _may_be_picture(file: str) -> bool:
    return PurePosixPath(file).suffix.lower() not in NOT_PICTURES


def _of_files(files: Sequence[str], if_empty: str) -> pa.Table:
    if not files:
        raise ValueError(if_empty)
    return conform(pa.table({"uri": pa.array(files, pa.string())}), INPUTS, "inputs")


def _of_list(source: str, suffix: str) -> pa.Table:
    table = _read_list(source, suffix)
    column = next((name for name in FILE_COLUMNS if name in table.column_names), None)
    if column is None:
        raise ValueError(
            f"{source}: needs a column `uri` or `file`, found: {', '.join(table.column_names)}"
        )
    if not table.num_rows:
        raise ValueError(f"{source} lists no files")
    folder = source.rpartition("/")[0]
    uris = [_resolve(folder, entry) for entry in table.column(column).to_pylist()]
    table = table.drop_columns([c for c in table.column_names if c not in INPUTS.names])
    table = table.drop_columns(["uri"] if "uri" in table.column_names else [])
    listed = conform(table.append_column("uri", pa.array(uris, pa.string())), INPUTS, source)
    for name in ("country", "city"):
        given = listed.column(name)
        filled = pc.if_else(pc.equal(given, ""), pa.scalar(None, pa.string()), given)
        listed = listed.set_column(INPUTS.get_field_index(name), INPUTS.field(name), filled)
    return listed


def _resolve(folder: str, entry: object) -> str:
    text = "" if entry is None else str(entry)
    if not folder or is_uri(text) or text.startswith("/") or not text:
        return text
    return f"{folder}/{text}"


def _read_list(source: str, suffix: str) -> pa.Table:
    try:
        if suffix == ".parquet":
            filesystem, path, _ = filesystem_of(source)
            names = pa.parquet.read_schema(path, filesystem=filesystem).names
            wanted = [n for n in names if n in INPUTS.names or n in FILE_COLUMNS]
            return pa.parquet.read_table(path, filesystem=filesystem, columns=wanted)
        text = pa.csv.ConvertOptions(column_types=dict.fromkeys(TEXT_COLUMNS, pa.string()))
        raw = read_bytes(source, _MAX_LIST_BYTES)
        parse = pa.csv.ParseOptions(newlines_in_values=True)
        return pa.csv.read_csv(io.BytesIO(raw), parse_options=parse, convert_options=text)
    except (OSError, pa.ArrowInvalid) as problem:
        raise ValueError(f"cannot read the list {source}: {problem}") from problem


def _first_of_each(column: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Distinct values of a column and the row where each stands first, in row order."""
    rows = pa.table({"value": column, "row": pa.array(range(len(column)), pa.int64())})
    first = rows.group_by("value", use_threads=False).aggregate([("row", "min")])
    order = pc.sort_indices(first.column("row_min"))
    first = first.take(order)
    return first.column("value").combine_chunks(), first.column("row_min").combine_chunks()
