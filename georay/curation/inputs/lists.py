"""CSV and Parquet lists of pictures as mentions: a file, what is said of it, and in which row."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, zip_longest

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from georay.core.panoramas import VIEW, View, parse_view
from georay.core.storage import Address, LocalAddress, StorageAddress, is_uri, parse_address
from georay.core.tables import INPUTS, TERMS
from georay.curation.inputs.cells import is_number, is_text, numbers, texts
from georay.curation.inputs.columns import Columns, choose_columns
from georay.curation.inputs.names import LocalFiles, is_respelt
from georay.curation.inputs.remarks import HALF, NAMELESS, RESPELT, UNUSED, Remarks

MENTIONS = pa.schema(
    [
        *INPUTS,
        pa.field("origin", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("entry", pa.string()),
    ]
)
"""A file as a source names it: in which list, in which row, and how it is written there."""

BAD_ENTRY = "bad entry"
"""The `error_kind` of a file whose row in a list has a bad cell."""

_MAX_LIST_BYTES = 4 << 30
_ROWS_AT_ONCE = 1 << 16
_TEXTS, _NUMBERS = ("country", "city", *TERMS), ("latitude", "longitude", "heading")


@dataclass(frozen=True)
class _Rows:
    """Some rows of a list: its used columns, by what they say.

    numbers: what people call each row; in CSV the first below the header is row 2. faults: rows
    that do not have the columns.
    """

    columns: dict[str, pa.ChunkedArray]
    numbers: Sequence[int]
    faults: dict[int, str]

    @property
    def num_rows(self) -> int:
        return len(self.numbers)


def shown(address: Address) -> str:
    """An address for a person to read: without the options of its storage."""
    bare = replace(address, options="") if isinstance(address, StorageAddress) else address
    return bare.uri


def read_list(source: Address, remarks: Remarks) -> Iterator[pa.Table]:
    """The rows of a list (schema MENTIONS), some at a time; one with a bad cell has its `error`.

    Relative names count from the list's own folder. Raises ValueError if the list cannot be read,
    is empty, has no column that names files, or two columns of one name.
    """
    here = LocalFiles()
    is_empty = True
    for rows in _read(source, remarks):
        is_empty = False
        yield _mentions(rows, source, here, remarks)
    if is_empty:
        raise ValueError(f"{shown(source)} lists no files")


def _read(source: Address, remarks: Remarks) -> Iterator[_Rows]:
    """The rows, some at a time: as Python's objects they take ten times their bytes."""
    is_parquet = source.name.lower().endswith(".parquet")
    try:
        yield from (_read_parquet if is_parquet else _read_csv)(source, remarks)
    except (OSError, pa.ArrowInvalid, csv.Error, UnicodeDecodeError) as problem:
        raise ValueError(f"cannot read the list {shown(source)}: {problem}") from problem


def _used(chosen: Columns, source: Address, remarks: Remarks) -> dict[str, int]:
    """Where the used columns are; the others get a remark."""
    if chosen.unused:
        names = ", ".join(chosen.unused)
        remarks.add(UNUSED, f"{shown(source)}: {names}", len(chosen.unused))
    return chosen.used


def _mentions(rows: _Rows, source: Address, here: LocalFiles, remarks: Remarks) -> pa.Table:
    list_name = shown(source)
    entries = rows.columns["uri"].cast(pa.string()).to_pylist()
    uris = _uris(zip(rows.numbers, entries, strict=True), source, here, remarks)
    columns = _cells(rows, list_name) | {
        "uri": pa.array(uris, pa.string()),
        "projection": pa.array([VIEW if _is_view(uri) else None for uri in uris], pa.string()),
        "origin": pa.array([list_name] * rows.num_rows, pa.string()),
        "row": pa.array(rows.numbers, pa.int64()),
        "entry": pa.array(entries, pa.string()),
    }
    halves = pc.xor(columns["latitude"].is_null(), columns["longitude"].is_null())
    for row in pc.indices_nonzero(halves).to_pylist():
        remarks.add(HALF, f"{list_name}, row {rows.numbers[row]}: {entries[row]}")
    table = pa.table([columns[name] for name in MENTIONS.names], names=MENTIONS.names)
    return table.filter(table.column("uri").is_valid()).cast(MENTIONS)


def _cells(rows: _Rows, list_name: str) -> dict[str, pa.Array]:
    """What the rows say, and their errors; a row with a bad cell says nothing else."""
    columns: dict[str, pa.Array] = {}
    faults: dict[int, str] = {}
    for name in _NUMBERS:
        given = rows.columns.get(name, pa.chunked_array([pa.nulls(rows.num_rows, pa.float64())]))
        read = numbers(given, name)
        columns[name] = read.values
        faults = read.faults | faults
    for name in _TEXTS:
        given = rows.columns.get(name, pa.chunked_array([pa.nulls(rows.num_rows, pa.string())]))
        columns[name] = texts(given)
    errors: list[str | None] = [None] * rows.num_rows
    for row, fault in (faults | rows.faults).items():
        errors[row] = f"{list_name}, row {rows.numbers[row]}: {fault}"
    error = pa.array(errors, pa.string())
    return {"error": error} | {
        name: pc.if_else(error.is_null(), column, pa.scalar(None, column.type))
        for name, column in columns.items()
    }


def _uris(
    entries: Iterable[tuple[int, str | None]],
    source: Address,
    here: LocalFiles,
    remarks: Remarks,
) -> list[str | None]:
    """The uri of every numbered entry; None, and a remark, where it names no file."""
    uris: list[str | None] = []
    for row, entry in entries:
        try:
            view = _view(entry, source)
            written = _address(entry if view is None else view.file, source)
            address = here.find(written) if isinstance(written, LocalAddress) else written
            uris.append(address.uri if view is None else replace(view, file=address.uri).uri)
            if is_respelt(written.uri, address.uri):
                remarks.add(RESPELT, f"{shown(source)}, row {row}: {entry} is {uris[-1]}")
        except ValueError as problem:
            remarks.add(NAMELESS, f"{shown(source)}, row {row}: {problem}")
            uris.append(None)
    return uris


def _view(entry: str | None, source: Address) -> View | None:
    """The view of a panorama that an entry names; a file of that very name comes first."""
    view = parse_view(entry or "")
    is_file = view is not None and not is_uri(view.file) and _address(entry, source).exists()
    return None if is_file else view


def _is_view(uri: str | None) -> bool:
    """Whether a uri of ours is a view's: that of a file never ends so."""
    return uri is not None and parse_view(uri) is not None


def _address(entry: str | None, source: Address) -> Address:
    if not entry or "\0" in entry:
        raise ValueError("the name is empty" if not entry else "a name holds no zero byte")
    if not is_uri(entry):
        return LocalAddress(entry) if entry.startswith("/") else source.parent.child(entry)
    address = parse_address(entry)
    return _reached_as(source, address) if isinstance(address, StorageAddress) else address


def _reached_as(source: Address, address: StorageAddress) -> StorageAddress:
    """The address with the options of the list's own storage, which a list need not repeat."""
    if address.options or isinstance(source, LocalAddress) or source.scheme != address.scheme:
        return address
    return replace(address, options=source.options)


def _read_parquet(source: Address, remarks: Remarks) -> Iterator[_Rows]:
    with source.open() as file:
        parquet = pa.parquet.ParquetFile(file)
        schema = parquet.schema_arrow

        def misfit(meaning: str, at: int) -> str | None:
            kind = schema.field(at).type
            fits = is_number(kind) if meaning in _NUMBERS else is_text(kind)
            return None if fits else str(kind)

        used = _used(choose_columns(schema.names, misfit, shown(source)), source, remarks)
        names = {meaning: schema.names[at] for meaning, at in used.items()}
        first = 1
        for batch in parquet.iter_batches(_ROWS_AT_ONCE, columns=list(names.values())):
            columns = {
                meaning: pa.chunked_array([batch.column(name)]) for meaning, name in names.items()
            }
            yield _Rows(columns, range(first, first + batch.num_rows), {})
            first += batch.num_rows


def _read_csv(source: Address, remarks: Remarks) -> Iterator[_Rows]:
    is_web = isinstance(source, StorageAddress) and source.scheme in {"http", "https"}
    raw = io.BytesIO(source.read(_MAX_LIST_BYTES)) if is_web else source.open()
    text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
    reader = csv.reader(text, skipinitialspace=True, strict=True)
    names = [name.strip() for name in next(reader, [])]
    used = _used(choose_columns(names, lambda *_: None, shown(source)), source, remarks)
    filled = ((number, row) for number, row in enumerate(reader, 2) if any(row))
    while rows := list(islice(filled, _ROWS_AT_ONCE)):
        cells = list(zip_longest(*(row for _, row in rows), fillvalue=""))
        columns = {}
        for meaning, at in used.items():
            column = cells[at] if at < len(cells) else [""] * len(rows)
            found = texts(pa.chunked_array([pa.array(column, pa.string())]))
            columns[meaning] = pa.chunked_array([found])
        faults = {
            at: f"has {len(given)} cells under {len(names)} columns"
            for at, (_, given) in enumerate(rows)
            if any(given[len(names) :])
        }
        yield _Rows(columns, [number for number, _ in rows], faults)
