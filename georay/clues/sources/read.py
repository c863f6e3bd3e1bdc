"""From a file, by its ending, to a stream of sentences."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from georay.clues.sources.columns import Columns, all_keys
from georay.clues.sources.documents import read_html, read_markdown
from georay.clues.sources.sentence import Sentence
from georay.core.gazetteer import Gazetteer

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".md", ".markdown", ".html")
_LONGEST_FIELD = 1 << 24


def read_sentences(path: Path, licence: str | None = None) -> Iterator[Sentence]:
    """The sentences of a file, with `source` and `licence` filled in where a row lacks them.

    CSV, TSV, JSON (a list, or an object with one), JSON lines, Parquet, Markdown and HTML are
    read; rows of tables are streamed. An empty row comes as a sentence without text, so that it
    can be counted. Raises ValueError if the file is of no such kind or cannot be read.
    """
    suffix = path.suffix.lower()
    try:
        for sentence in _sentences(path, suffix):
            yield replace(
                sentence,
                source=sentence.source or path.name,
                licence=sentence.licence or licence,
            )
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, csv.Error, pa.ArrowInvalid) as why:
        raise ValueError(f"cannot read clues from {path}: {why}") from why


def _sentences(path: Path, suffix: str) -> Iterator[Sentence]:
    if suffix in {".csv", ".tsv"}:
        yield from _delimited(path, "\t" if suffix == ".tsv" else ",")
    elif suffix in {".jsonl", ".ndjson"}:
        yield from _json_lines(path)
    elif suffix == ".json":
        yield from _rows(_listed(json.loads(path.read_text("utf-8-sig")), path), path)
    elif suffix == ".parquet":
        yield from _parquet(path)
    elif suffix in {".md", ".markdown"}:
        yield from read_markdown(path.read_text("utf-8-sig"), Gazetteer.load())
    elif suffix in {".html", ".htm"}:
        yield from read_html(path.read_text("utf-8-sig"), Gazetteer.load())
    else:
        raise ValueError(f"{path}: clues come as {', '.join(SUFFIXES)}")


def _delimited(path: Path, delimiter: str) -> Iterator[Sentence]:
    csv.field_size_limit(_LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter, skipinitialspace=True)
        names = list(reader.fieldnames or ())
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{path}: two columns are called {', '.join(twice)}; rename one")
        columns = Columns(names, str(path))
        for number, row in enumerate(reader, 1):
            yield columns.sentence(row, number)


def _json_lines(path: Path) -> Iterator[Sentence]:
    columns: dict[tuple[str, ...], Columns] = {}
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError(f"{path}: line {number} is no JSON object")
            keys = tuple(row)
            if keys not in columns:
                columns[keys] = Columns(keys, f"{path}, line {number}")
            yield columns[keys].sentence(row, number)


def _parquet(path: Path) -> Iterator[Sentence]:
    file = pa.parquet.ParquetFile(path)
    columns = Columns(file.schema_arrow.names, str(path))
    number = 0
    for batch in file.iter_batches(batch_size=4096):
        for row in batch.to_pylist():
            number += 1
            yield columns.sentence(row, number)


def _rows(rows: list[Mapping[str, object]], path: Path) -> Iterator[Sentence]:
    columns = Columns(all_keys(rows), str(path))
    for number, row in enumerate(rows, 1):
        yield columns.sentence(row, number)


def _listed(content: object, path: Path) -> list[Mapping[str, object]]:
    """The list of objects in a JSON document, itself or under its only list."""
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        content = lists[0] if len(lists) == 1 else content
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ValueError(f"{path}: a JSON source is a list of objects, one for each sentence")
    return content
