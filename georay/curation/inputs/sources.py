"""From the sources that a recipe names to the inputs of a run, each file once with its label."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import reduce
from os.path import normpath
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc

from georay.core.manifest import rows_digest
from georay.core.paths import AnyPath
from georay.core.storage import Address, LocalAddress, Matches, is_uri, parse_address
from georay.curation.inputs.lists import MENTIONS, read_list, shown
from georay.curation.inputs.mentions import Mentions, on_disk
from georay.curation.inputs.names import Names, is_respelt
from georay.curation.inputs.remarks import (
    IN_RUNS,
    RESPELT,
    UNMATCHED,
    Remark,
    Remarks,
)
from georay.curation.inputs.runs import files_outside_runs
from georay.curation.place_labels import LABEL

FOLDER_LABELS = "labels.csv"
NOT_PICTURES = frozenset(
    {".csv", ".htm", ".html", ".json", ".jsonl", ".md", ".parquet", ".safetensors", ".tsv", ".txt"}
    | {".yaml", ".yml"}
)


@dataclass(frozen=True)
class Listing:
    """What a run reads.

    table: schema INPUTS, each uri once; it lies on disk. remarks: what is to be said of it.
    labels: a digest of what the table says of its files.
    """

    table: pa.Table
    remarks: tuple[Remark, ...]
    labels: str


def labelled(inputs: pa.Table) -> pa.Table:
    """The inputs of which something is said, or of whose row in a list something is wrong."""
    known = [inputs.column(name).is_valid() for name in (*LABEL, "error")]
    return inputs.filter(reduce(pc.or_, known))


@dataclass(frozen=True)
class _Found:
    """What one source names, some mentions at a time. labels: the labels.csv beside the pictures.

    passed_over: files that are there and that a pattern does not name.
    """

    mentions: Iterable[pa.Table]
    labels: tuple[Address, ...] = ()
    passed_over: Set[str] = frozenset()


def list_inputs(sources: Sequence[str], output: AnyPath | None = None) -> Listing:
    """One row per file to read, in a stable order, with all that lists and labels say of it.

    A source is a folder, a pattern, a CSV or Parquet list (columns: see `columns.ALIASES`), or one
    file; a path, or a uri of a storage. A `labels.csv` beside pictures says where they were taken.
    output: the run's own folder, which is never an input. Raises ValueError if a source is absent
    or empty.
    """
    remarks = Remarks()
    with TemporaryDirectory(prefix="georay-inputs-") as name:
        folder = Path(name)
        with Mentions(folder / "mentions.arrow") as mentions:
            found = [_found(_door(source), output, remarks, mentions) for source in sources]
            for table in _labels(found, mentions.uris, remarks):
                mentions.add(table)
            table = on_disk(mentions.once_each(remarks), folder / "inputs.arrow")
    labels = rows_digest(labelled(rows) for rows in _pieces(table))
    return Listing(table, remarks.all(), labels)


def _found(
    source: Address, output: AnyPath | None, remarks: Remarks, mentions: Mentions
) -> "_Found":
    """What one source names, with its mentions put to the others."""
    found = _find(source, output, remarks)
    for table in found.mentions:
        mentions.add(table)
    return replace(found, mentions=())


def _pieces(table: pa.Table) -> Iterator[pa.Table]:
    return (pa.Table.from_batches([batch]) for batch in table.to_batches())


def _door(source: str) -> Address:
    """Workers may run in another folder, and one file must have one name."""
    if is_uri(source):
        return parse_address(source)
    address = LocalAddress(normpath(Path(source).expanduser().absolute()))
    if not address.is_text():
        raise ValueError(f"{address.uri}: the name is not UTF-8; rename it, or name its folder")
    return address


def _find(source: Address, output: AnyPath | None, remarks: Remarks) -> _Found:
    try:
        if source.is_pattern():
            return _matching(source, output, remarks)
        if PurePosixPath(source.name).suffix.lower() in {".csv", ".parquet"}:
            return _Found(read_list(source, remarks))
        if source.is_folder():
            everything = tuple(source.files())
            return _below(Matches(source, everything, everything), output, remarks)
    except OSError as problem:
        raise ValueError(f"cannot list {shown(source)}: {problem}") from problem
    if isinstance(source, LocalAddress) and not source.exists():
        raise ValueError(
            f"{source.uri} does not exist; give a folder, a glob, a .csv or a .parquet"
        )
    return _Found([_files([source])])


def _matching(pattern: Address, output: AnyPath | None, remarks: Remarks) -> _Found:
    matches = pattern.matches()
    if not matches.files:
        raise ValueError(f"no file matches {shown(pattern)}")
    found = _below(matches, output, remarks)
    folders = {folder for file in matches.files for folder in _up_to(matches.folder, file)}
    labels = tuple(file for file in found.labels if file.parent in folders)
    chosen = {file.uri for file in matches.files}
    return replace(found, labels=labels, passed_over={f.uri for f in matches.listed} - chosen)


def _up_to(folder: Address, file: Address) -> Iterator[Address]:
    """The folders that a file lies in, the last one being `folder`."""
    while file != folder:
        file = file.parent
        yield file


def _below(found: Matches, output: AnyPath | None, remarks: Remarks) -> _Found:
    pictures = [file for file in found.files if _may_be_picture(file)]
    apart = files_outside_runs(pictures, found.listed, found.folder, output)
    for run, count in apart.left_out.items():
        remarks.add(IN_RUNS, f"{run}: {count:,}", count)
    if not apart.files:
        raise ValueError(f"the folder {shown(found.folder)} holds no files that could be pictures")
    labels = [file for file in found.listed if file.name == FOLDER_LABELS]
    labels_apart = files_outside_runs(labels, found.listed, found.folder, output)
    return _Found([_files(apart.files)], labels_apart.files)


def _may_be_picture(file: Address) -> bool:
    return PurePosixPath(file.name).suffix.lower() not in NOT_PICTURES


def _files(files: Sequence[Address]) -> pa.Table:
    uris = pa.array([file.uri for file in files], pa.string())
    columns = [uris if f.name == "uri" else pa.nulls(len(uris), f.type) for f in MENTIONS]
    return pa.table(columns, schema=MENTIONS)


def _labels(
    found: Sequence[_Found], uris: Callable[[], pa.ChunkedArray], remarks: Remarks
) -> list[pa.Table]:
    """What every labels.csv says of the inputs; the rows about other files get a remark."""
    files = {file: one.passed_over for one in found for file in one.labels}
    known = uris() if files else pa.chunked_array([], pa.string())
    names: Names | None = None
    tables = []
    for file, passed_over in files.items():
        table = pa.concat_tables(read_list(file, remarks))
        exact = pc.is_in(table.column("uri"), value_set=known)
        tables.append(table.filter(exact))
        rest = table.filter(pc.invert(exact))
        if rest.num_rows:
            names = names or Names(known.to_pylist())
            tables.append(_spelt_otherwise(rest, names, passed_over, remarks))
    return tables


def _spelt_otherwise(
    rows: pa.Table, names: Names, passed_over: Set[str], remarks: Remarks
) -> pa.Table:
    meant = [names.find(uri) for uri in rows.column("uri").to_pylist()]
    for row, uri in zip(rows.to_pylist(), meant, strict=True):
        where = f"{row['origin']}, row {row['row']}: {row['entry']}"
        if uri is not None and is_respelt(row["uri"], uri):
            remarks.add(RESPELT, f"{where} is {uri}")
        elif uri is None and row["uri"] not in passed_over:
            remarks.add(UNMATCHED, where)
    column = pa.array(meant, pa.string())
    at = MENTIONS.get_field_index("uri")
    renamed = rows.set_column(at, MENTIONS.field("uri"), column)
    return renamed.filter(column.is_valid())
