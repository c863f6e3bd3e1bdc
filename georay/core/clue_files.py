"""Streams of clue sentences from files, so that any number fits in memory."""

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
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
            column = next((name for name in TEXT_COLUMNS if name in batch.schema.names), None)
            if column is None:
                found = ", ".join(batch.schema.names)
                raise ValueError(f"{path}: needs a column `clue` or `text`, found: {found}")
            texts = _naming_a_place(batch).column(column).to_pylist()
            yield from (text.strip() for text in texts if _says(text))
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError) as problem:
        raise ValueError(f"cannot read clues from {path}: {problem}") from problem


def _naming_a_place(batch: pa.RecordBatch) -> pa.RecordBatch:
    if "places" not in batch.schema.names or not pa.types.is_list(
        batch.schema.field("places").type
    ):
        return batch
    return batch.filter(pc.greater(pc.list_value_length(batch.column("places")), 0))


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
