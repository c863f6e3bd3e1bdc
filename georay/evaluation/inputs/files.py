"""CSV, JSON and Parquet as tables, with every column that they have."""

import csv
import json
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from georay.core.paths import AnyPath, open_dataset, open_parquet, open_text

_SEPARATORS = ",;\t|"
_LONGEST_CELL = 1 << 26


def read_columns(path: AnyPath) -> pa.Table:
    """All rows of a CSV, TSV, JSON, JSON lines or Parquet file, or of a folder of Parquet files.

    Cells of a CSV stay text, so that the id "007" does. JSON keeps numbers and texts; what is
    neither, and a column with both, becomes text. What holds named parts is a column for each of
    them: `prediction.lat`, `image.path`.
    Raises ValueError, OSError or an error of Arrow where the file is none of these.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        return open_dataset(path).to_table().flatten()
    if suffix in {".csv", ".tsv", ".txt"}:
        return _csv(path)
    if suffix in {".json", ".jsonl", ".ndjson"}:
        return _json(path)
    return open_parquet(path).read().flatten()


def _csv(path: AnyPath) -> pa.Table:
    csv.field_size_limit(_LONGEST_CELL)
    with open_text(path) as lines:
        first = lines.readline()
        lines.seek(0)
        separator = max(_SEPARATORS, key=first.count)
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        names = [name.strip() for name in next(reader, [])]
        rows = [_cells(row, len(names), reader.line_num) for row in reader if any(row)]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return _table(names, [pa.array(column, pa.string()) for column in columns])


def _cells(row: list[str], width: int, line: int) -> list[str]:
    """The row with blank cells where it ends early. More cells than columns have no meaning."""
    if any(row[width:]):
        raise ValueError(f"line {line} has {len(row)} cells under {width} columns")
    return row[:width] + [""] * (width - len(row))


def _json(path: AnyPath) -> pa.Table:
    text = path.read_text(encoding="utf-8-sig")
    rows: list[Any] = json.loads(text) if text.lstrip().startswith("[") else list(_objects(text))
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise ValueError(f"row {number} is no JSON object but {json.dumps(row)[:40]}")
    rows = [_parted(row) for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _table(names, [_array([row.get(name) for row in rows]) for name in names])


def _objects(text: str) -> Iterable[object]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except json.JSONDecodeError as problem:
            raise ValueError(f"line {number} is no JSON: {problem}") from None


def _parted(row: dict[str, Any]) -> dict[str, Any]:
    """The row with a column for each part of what has named parts."""
    parted: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            parted |= {f"{name}.{part}": one for part, one in value.items()}
        else:
            parted[name] = value
    return parted


def _array(values: Sequence[object]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return pa.array(values, pa.int64() if kinds == {int} else pa.float64(), safe=False)
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _table(names: Sequence[str], columns: Sequence[pa.Array]) -> pa.Table:
    """Not from a dictionary: two columns of one name are found out by whoever uses them."""
    return pa.Table.from_arrays(list(columns), names=list(names))
