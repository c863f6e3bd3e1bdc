"""Merges score files, written in any order and perhaps twice, into one row per image."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from georay.core.panoramas import VIEW
from georay.core.paths import AnyPath, open_parquet, parquet_writer
from georay.core.tables import SCORES, conform
from georay.curation.place_labels import LABEL
from georay.curation.relabel import LabelsOfCopies, NewLabels, is_outdated, outdated_entries
from georay.curation.run_folder import read_columns

BATCH_ROWS = 4096
_NAMES = ["uri", "duplicate_uris", "projection"]


def files_of(uris: pa.ChunkedArray, projections: pa.ChunkedArray) -> pa.ChunkedArray:
    """The files of rows: their uris, of views without the heading."""
    views = pc.fill_null(pc.equal(projections, VIEW), False)
    return pc.if_else(views, pc.replace_substring_regex(uris, r"#heading=[0-9.]+$", ""), uris)


def done_files(files: list[AnyPath]) -> pa.Array:
    """Every file that has been read and scored, or failed, in these score files, once."""
    pairs = _uris_with_projections(read_columns(files, _NAMES, SCORES))
    return pc.unique(files_of(pairs["uri"], pairs["projection"]))


def remaining(inputs: pa.Table, files: list[AnyPath]) -> pa.Table:
    """The inputs that no score file has yet, and those whose bad entry in a list is mended.

    A panorama is there when its views are.
    """
    table = read_columns(files, [*_NAMES, "error_kind"], SCORES)
    outdated = outdated_entries(inputs, files)
    pairs = _uris_with_projections(table.filter(pc.invert(is_outdated(table, outdated))))
    done = pa.concat_arrays(
        [*pairs["uri"].chunks, *files_of(pairs["uri"], pairs["projection"]).chunks]
    )
    return inputs.filter(pc.invert(pc.is_in(inputs.column("uri"), value_set=done)))


def _uris_with_projections(table: pa.Table) -> pa.Table:
    """Every uri of rows (columns _NAMES), those of copies too."""
    inner = pc.list_parent_indices(table.column("duplicate_uris"))
    copies = pc.list_flatten(table.column("duplicate_uris"))
    more = pa.table({"uri": copies, "projection": table.column("projection").take(inner)})
    first = table.select(more.column_names).cast(more.schema)
    return pa.concat_tables([first, more])


class FileCount:
    """Counts files over the rows of scores: a panorama is one file, however many views it has.

    num_files: all that were read. num_different: without exact copies. num_panoramas: those of
    num_different that were cut into views, and num_views those.
    """

    def __init__(self) -> None:
        self._plain_files = self._plain_rows = self.num_views = 0
        self._panoramas: set[str] = set()
        self._copies: set[str] = set()

    def add(self, rows: pa.Table) -> None:
        """rows: with the columns uri, duplicate_uris, copies and projection of SCORES."""
        is_view = pc.fill_null(pc.equal(rows["projection"], VIEW), False)
        plain, views = rows.filter(pc.invert(is_view)), rows.filter(is_view)
        self._plain_rows += plain.num_rows
        self._plain_files += pc.sum(plain["copies"]).as_py() or 0
        self.num_views += views.num_rows
        if views.num_rows:
            first = files_of(views["uri"], views["projection"])
            self._panoramas.update(first.to_pylist())
            copies = pa.chunked_array([pc.list_flatten(views["duplicate_uris"]).combine_chunks()])
            same = pa.chunked_array([pa.array([VIEW] * len(copies), pa.string())])
            self._copies.update(files_of(copies, same).to_pylist())

    @property
    def num_panoramas(self) -> int:
        return len(self._panoramas)

    @property
    def num_different(self) -> int:
        return self._plain_rows + self.num_panoramas

    @property
    def num_files(self) -> int:
        return self._plain_files + len(self._panoramas | self._copies)


def collapse(files: list[AnyPath], target: AnyPath, inputs: pa.Table) -> None:
    """Writes every image once: exact copies become one row with their count and their uris.

    files: score files, in which a uri may stand more than once after a crash. inputs: what is said
    of the files now (schema INPUTS); a label of any copy is that of the image.
    Streams, so memory grows only with the ids of repeated images and with the labels.
    """
    repeats = _repeated_images(files)
    outdated = outdated_entries(inputs, files)
    new_labels = NewLabels(files, inputs)
    of_copies = LabelsOfCopies(repeats, _stored_labels(files), inputs)
    num_read = 0
    repeated_ids = pa.array(repeats, pa.string())
    emitted: set[str] = set()
    with parquet_writer(target / "part-00000.parquet", SCORES) as writer:
        for batch in stream(files):
            table = new_labels.over(pa.Table.from_batches([batch]), num_read)
            num_read += batch.num_rows
            table = table.filter(pc.invert(is_outdated(table, outdated)))
            repeated = pc.is_in(table.column("image_id"), value_set=repeated_ids)
            writer.write_table(table.filter(pc.invert(repeated)))
            merged = list(_merge(table.filter(repeated).to_pylist(), repeats, of_copies, emitted))
            writer.write_table(pa.Table.from_pylist(merged, schema=SCORES))


def _merge(
    rows: list[dict[str, object]],
    repeats: dict[str, list[str]],
    labels: LabelsOfCopies,
    emitted: set[str],
) -> Iterator[dict[str, object]]:
    """The row of each repeated image's first uri, once, with count, other uris and label."""
    for row in rows:
        image_id = str(row["image_id"])
        first, *others = repeats[image_id]
        if row["uri"] == first and image_id not in emitted:
            emitted.add(image_id)
            label = labels.of(image_id, repeats[image_id])
            if row["projection"] == VIEW:
                del label["heading"]  # a view has its own
            yield row | label | {"copies": 1 + len(others), "duplicate_uris": others or None}


def _stored_labels(files: list[AnyPath]) -> Iterator[pa.Table]:
    """Ids, uris and labels of all scored rows, some at a time."""
    names = ["image_id", "uri", *LABEL]
    schema = pa.schema([SCORES.field(name) for name in names])
    for file in files:
        for batch in open_parquet(file).iter_batches(BATCH_ROWS, columns=names):
            yield conform(pa.Table.from_batches([batch]), schema, str(file))


def _repeated_images(files: list[AnyPath]) -> dict[str, list[str]]:
    """image_id -> its distinct uris, sorted, for images that stand in more than one row."""
    table = read_columns(files, ["image_id", "uri", "duplicate_uris"], SCORES)
    inner = pc.list_parent_indices(table.column("duplicate_uris"))
    pairs = pa.concat_tables(
        [
            pa.table({name: table.column(name) for name in ("image_id", "uri")}),
            pa.table(
                {
                    "image_id": table.column("image_id").take(inner),
                    "uri": pc.list_flatten(table.column("duplicate_uris")),
                }
            ),
        ]
    )
    counts = pairs.group_by("image_id").aggregate([("uri", "count")])
    often = counts.filter(pc.greater(counts.column("uri_count"), 1)).column("image_id")
    repeated = pairs.filter(pc.is_in(pairs.column("image_id"), value_set=often))
    groups = repeated.group_by("image_id").aggregate([("uri", "list")])
    uris, ids = groups.column("uri_list").to_pylist(), groups.column("image_id").to_pylist()
    return {image_id: sorted(set(found)) for image_id, found in zip(ids, uris, strict=True)}


def stream(files: list[AnyPath]) -> Iterator[pa.RecordBatch]:
    """The rows of score files in batches of the schema SCORES, one file after the other."""
    for file in files:
        for batch in open_parquet(file).iter_batches(BATCH_ROWS):
            yield from conform(pa.Table.from_batches([batch]), SCORES, str(file)).to_batches()
