"""Where pictures were taken, apart from any answer: a table, or pictures that say it themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from georay.core.images import ImageLimits, content_id, image_format, position
from georay.core.paths import AnyPath, address_of
from georay.core.storage import Address, read_bytes
from georay.errors import UnreadableImage
from georay.evaluation.inputs.fields import Fields
from georay.evaluation.inputs.files import read_columns
from georay.evaluation.inputs.names import truth_only

_LIMITS = ImageLimits()
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class Truth:
    """One row per picture: `image_id` and those of the fields `true_…`, `kind`, `locatability`
    and `clues` of JUDGED that are known of any.

    folder: where names of files count from. files: such a name by image_id, where it is not that.
    unused, notes: as in OthersAnswers.
    """

    name: str
    table: pa.Table
    folder: AnyPath
    files: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def contents(self) -> dict[str, str]:
        """The image_id by the id of the picture's bytes, of those pictures that are here:
        predictions of ours are about bytes, whatever a file is called.
        """
        found: dict[str, str] = {}
        for name in self.table.column("image_id").to_pylist():
            file = str(self.folder / self.files.get(name, name))
            try:
                found[content_id(read_bytes(file, _LIMITS.max_bytes))] = name
            except (OSError, ValueError, UnreadableImage):
                continue  # an id that is no file's name
        return found


def read_truth(path: AnyPath) -> Truth:
    """The truth in a CSV, JSON or Parquet file, a folder of Parquet files, or one of photographs
    whose EXIF says where they were taken.

    A picture may be in several rows that agree. Raises ValueError if the file or folder cannot be
    read, says nothing of where pictures are, or has two truths about one.
    """
    files = address_of(path.absolute()).files() if path.is_dir() else []
    if any(file.name.lower().endswith(_PICTURES) for file in files):
        return _of_pictures(path, files)
    try:
        table = read_columns(path)
    except (OSError, ValueError, pa.ArrowException) as problem:
        raise ValueError(f"cannot read the truth from {path}: {problem}") from problem
    try:
        return _of_table(table, path)
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from problem


def _of_table(table: pa.Table, path: AnyPath) -> Truth:
    chosen = truth_only(table.column_names)
    fields = Fields(table, chosen.columns)
    columns = fields.ids() | fields.truth()
    if not any(name.startswith("true_") for name in columns):
        raise ValueError(
            "no column says where a picture was taken; call it country, city, latitude or "
            f"longitude (found: {', '.join(table.column_names)})"
        )
    return Truth(
        path.name,
        _once_each(pa.table(columns)),
        path if path.is_dir() else path.parent,
        fields.files(columns["image_id"]),
        chosen.unused,
        tuple(fields.notes),
    )


def _once_each(table: pa.Table) -> pa.Table:
    """Rows that say the same, as the samples of one picture do, are one."""
    ids = table.column("image_id").to_pylist()
    if len(set(ids)) == len(ids):
        return table
    rows: dict[str, dict[str, object]] = {}
    for row in table.to_pylist():
        if rows.setdefault(row["image_id"], row) != row:
            raise ValueError(f"image {row['image_id']!r} has two truths; leave out one of them")
    return pa.Table.from_pylist(list(rows.values()), schema=table.schema)


def _of_pictures(folder: AnyPath, files: Sequence[Address]) -> Truth:
    rows: list[dict[str, object]] = []
    others: list[str] = []
    for file in files:
        name = address_of(folder.absolute()).relative(file)
        latitude, longitude = None, None
        try:
            raw = file.read(_LIMITS.max_bytes)
            if image_format(raw) is None:
                others.append(name)
                continue
            latitude, longitude = position(raw, _LIMITS)
        except (OSError, ValueError, UnreadableImage):
            pass  # a picture that nobody can read has no known place, which is counted below
        rows.append({"image_id": name, "true_latitude": latitude, "true_longitude": longitude})
    return _geotagged(folder, rows, others)


def _geotagged(folder: AnyPath, rows: list[dict[str, object]], others: list[str]) -> Truth:
    num_placed = sum(row["true_latitude"] is not None for row in rows)
    if not num_placed:
        lists = [name for name in others if name.endswith((".csv", ".jsonl"))]
        instead = f"; give its list {lists[0]} instead" if lists else ""
        raise ValueError(
            f"{folder}: none of {len(rows):,} pictures says where it was taken{instead}"
        )
    notes = []
    if num_placed < len(rows):
        notes.append(f"{len(rows) - num_placed:,} pictures do not say where they were taken.")
    if others:
        notes.append(f"{len(others):,} files are no pictures, such as {others[0]}.")
    fields = Fields(pa.Table.from_pylist(rows), {n: n for n in rows[0]})
    table = pa.table(fields.ids() | fields.truth())
    return Truth(folder.name, table, folder, notes=(*notes, *fields.notes))
