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


class SentenceFile:
    """The sentences of a file; `source` and `licence` are filled in where a row lacks them.

    CSV, TSV, JSON (a list, or an object with one), JSON lines, Parquet, Markdown and HTML are
    read; rows of tables are streamed. An empty row comes as a sentence without text, and one that
    cannot be read as a sentence with a `problem`, so that both can be counted.
    ignored: columns that were not used, known once all rows were read.
    Iterating raises ValueError if the file is of no such kind or cannot be read at all.
    """

    def __init__(self, path: Path, source: str | None = None, licence: str | None = None) -> None:
        self.path, self._source, self._licence = path, source or path.name, licence
        self.ignored: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Sentence]:
        try:
            for one in self._sentences(self.path.suffix.lower()):
                source, licence = one.source or self._source, one.licence or self._licence
                yield replace(one, source=source, licence=licence)
        except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError, pa.ArrowInvalid) as p:
            raise ValueError(f"cannot read clues from {self.path}: {p}") from p

    def _sentences(self, suffix: str) -> Iterator[Sentence]:
        if suffix in {".csv", ".tsv"}:
            yield from self._delimited("\t" if suffix == ".tsv" else ",")
        elif suffix in {".jsonl", ".ndjson"}:
            yield from self._json_lines()
        elif suffix == ".json":
            yield from self._rows(_listed(json.loads(self._text()), self.path))
        elif suffix == ".parquet":
            yield from self._parquet()
        elif suffix in {".md", ".markdown"}:
            yield from read_markdown(self._text(), Gazetteer.load())
        elif suffix in {".html", ".htm"}:
            yield from read_html(self._text(), Gazetteer.load())
        else:
            raise ValueError(f"{self.path}: clues come as {', '.join(SUFFIXES)}")

    def _text(self) -> str:
        return self.path.read_text("utf-8-sig")

    def _columns(self, names: list[str]) -> Columns:
        columns = Columns(names, str(self.path))
        self.ignored = tuple(dict.fromkeys((*self.ignored, *columns.unused)))
        return columns

    def _delimited(self, delimiter: str) -> Iterator[Sentence]:
        csv.field_size_limit(_LONGEST_FIELD)
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter, skipinitialspace=True)
            names = list(reader.fieldnames or ())
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(
                    f"{self.path}: two columns are called {', '.join(twice)}; rename one"
                )
            columns = self._columns(names)
            for number, row in enumerate(reader, 1):
                yield columns.sentence(row, number)

    def _json_lines(self) -> Iterator[Sentence]:
        known: dict[tuple[str, ...], Columns] = {}
        with self.path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    row = _json_object(line)
                    keys = tuple(row)
                    if keys not in known:
                        known[keys] = self._columns(list(keys))
                    yield known[keys].sentence(row, number)
                except ValueError as problem:
                    yield Sentence("", number, problem=str(problem))

    def _parquet(self) -> Iterator[Sentence]:
        file = pa.parquet.ParquetFile(self.path)
        columns = self._columns(file.schema_arrow.names)
        number = 0
        for batch in file.iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                number += 1
                yield columns.sentence(row, number)

    def _rows(self, rows: list[Mapping[str, object]]) -> Iterator[Sentence]:
        columns = self._columns(all_keys(rows))
        for number, row in enumerate(rows, 1):
            yield columns.sentence(row, number)


def _json_object(line: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as problem:
        raise ValueError(f"the line is not JSON: {problem}") from problem
    if not isinstance(row, dict):
        raise ValueError("the line is no JSON object")
    return row


def _listed(content: object, path: Path) -> list[Mapping[str, object]]:
    """The list of objects in a JSON document, itself or under its only list."""
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        content = lists[0] if len(lists) == 1 else content
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ValueError(f"{path}: a JSON source is a list of objects, one for each sentence")
    return content
