"""Streams of clue sentences from files, so that any number fits in memory."""

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

TEXT_COLUMNS = ("clue", "text")
_BLOCK_BYTES = 1 << 18


def read_clue_texts(path: Path) -> Iterator[str]:
    """The non-empty sentences in the column `clue` or `text` of a CSV, JSONL or Parquet file.

    Where a list column `places` says which places a sentence names, those without any are left
    out (paper, section 3.1). Raises ValueError if the file cannot be read or has neither column.
    """
    try:
        for batch in _batches(path):
            batch = batch.rename_columns([name.strip() for name in batch.schema.names])
            column = _text_column(batch.schema.names, path)
            texts = _naming_a_place(batch).column(column).to_pylist()
            yield from (text.strip() for text in texts if _says(text))
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError) as problem:
        raise ValueError(f"cannot read clues from {path}: {problem}") from problem


def _text_column(names: list[str], path: Path) -> str:
    column = next((name for name in TEXT_COLUMNS if name in names), None)
    if column is None:
        raise ValueError(f"{path}: needs a column `clue` or `text`, found: {', '.join(names)}")
    for name in (column, "places"):
        if names.count(name) > 1:
            raise ValueError(f"{path}: two columns are called {name!r}; rename or remove one")
    return column


def _naming_a_place(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with at least one place, whichever of Arrow's kinds of lists holds them."""
    if "places" not in batch.schema.names:
        return batch
    named = [_names_any(places) for places in batch.column("places").to_pylist()]
    return batch.filter(pa.array(named, pa.bool_()))


def _names_any(places: object) -> bool:
    """Lists of a fixed size are filled up with nulls; CSV has a list as text."""
    if isinstance(places, str):
        return places.strip() not in {"", "[]"}
    if places is None or isinstance(places, list):
        return any(place is not None and str(place).strip() for place in places or ())
    raise ValueError(f"the column `places` holds {places!r}, not a list of names")


def _says(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip())


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        yield from pa.parquet.ParquetFile(path).iter_batches()
    elif suffix in {".jsonl", ".ndjson"}:
        yield from _json_batches(path)
    elif suffix in {".csv", ".tsv"}:
        parse = pa.csv.ParseOptions(
            delimiter="\t" if suffix == ".tsv" else ",", newlines_in_values=True
        )
        strings = pa.csv.ConvertOptions(column_types=dict.fromkeys(TEXT_COLUMNS, pa.string()))
        read = pa.csv.ReadOptions(block_size=_BLOCK_BYTES)  # reads 32 ahead
        yield from pa.csv.open_csv(path, read, parse, strings)
    else:
        raise ValueError(f"{path}: clues come as .csv, .tsv, .jsonl or .parquet")


def _json_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Arrow's JSON reader takes a file as a whole, so it is given some lines at a time."""
    with path.open("rb") as file:
        while lines := file.readlines(_BLOCK_BYTES):
            block = b"".join(lines)
            options = pa.json.ReadOptions(block_size=len(block) + 1)
            if block.strip():
                yield from pa.json.read_json(io.BytesIO(block), options).to_batches()
