"""Updates the labels of rows that were scored before, so that a rerun takes new ones up."""

import re
from collections.abc import Iterable, Mapping
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from georay.core.paths import AnyPath
from georay.core.tables import SCORES, TERMS
from georay.curation.inputs import BAD_ENTRY, labelled
from georay.curation.place_labels import LABEL, first_label
from georay.curation.run_folder import read_columns

_VIEW = r"#heading=[^/]*$"  # a part of a panorama: its heading is its own


def outdated_entries(inputs: pa.Table, files: list[AnyPath]) -> pa.Array:
    """The uris of rows that were not scored for a bad entry in a list, which is mended since."""
    rows = read_columns(files, ["uri", "error_kind"], SCORES)
    bad = rows.filter(pc.equal(rows.column("error_kind"), BAD_ENTRY)).column("uri")
    sound = inputs.filter(inputs.column("error").is_null()).column("uri")
    return bad.filter(pc.is_in(bad, value_set=sound)).combine_chunks()


def is_outdated(rows: pa.Table, outdated: pa.Array) -> pa.ChunkedArray:
    """A mask of the rows (columns uri, error_kind) that `outdated_entries` names."""
    is_bad = pc.fill_null(pc.equal(rows.column("error_kind"), BAD_ENTRY), False)
    return pc.and_(is_bad, pc.is_in(rows.column("uri"), value_set=outdated))


class NewLabels:
    """The labels of the inputs, for the rows of score files in the order of `collapse.stream`.

    A label wins over what a row says, which may come from EXIF; where the inputs say nothing, the
    row stays as it is.
    """

    def __init__(self, files: list[AnyPath], inputs: pa.Table) -> None:
        self._labelled = labelled(inputs)
        uris = read_columns(files, ["uri"], SCORES).column("uri")
        self._is_view = pc.match_substring_regex(uris, _VIEW)
        files_of_views = pc.replace_substring_regex(uris, _VIEW, "")
        self._at = pc.index_in(files_of_views, value_set=self._labelled.column("uri"))

    def over(self, rows: pa.Table, start: int) -> pa.Table:
        """The rows with their labels; start: the number of their first one."""
        at = self._at.slice(start, rows.num_rows)
        if at.null_count == rows.num_rows:
            return rows
        said = self._labelled.take(at.combine_chunks())
        placed = pc.and_(said.column("latitude").is_valid(), said.column("longitude").is_valid())
        has_terms = reduce(pc.or_, (said.column(name).is_valid() for name in TERMS))
        is_view = self._is_view.slice(start, rows.num_rows)
        for name in LABEL:
            known = said.column(name).is_valid()
            if name in {"latitude", "longitude"}:
                known = placed
            elif name in TERMS:
                known = has_terms
            elif name == "heading":
                known = pc.and_(known, pc.invert(is_view))
            column = pc.if_else(known, said.column(name), rows.column(name))
            rows = rows.set_column(rows.schema.get_field_index(name), SCORES.field(name), column)
        return rows


class LabelsOfCopies:
    """One label for all files of one picture: that of whichever has one."""

    def __init__(
        self, uris_by_image: Mapping[str, list[str]], scored: Iterable[pa.Table], inputs: pa.Table
    ) -> None:
        ids = pa.array(uris_by_image, pa.string())
        uris = sorted(map(_file, uris_of(uris_by_image)))
        said = labelled(inputs)
        said = said.filter(pc.is_in(said.column("uri"), value_set=pa.array(uris, pa.string())))
        self._said = {row["uri"]: row for row in said.to_pylist()}
        self._stored: dict[tuple[str, str], dict[str, object]] = {}
        for table in scored:
            rows = table.filter(pc.is_in(table.column("image_id"), value_set=ids))
            self._stored |= {(row["image_id"], row["uri"]): row for row in rows.to_pylist()}

    def of(self, image_id: str, uris: list[str]) -> dict[str, object]:
        """Each of LABEL as the inputs say it of any of the files, else as a scored row does."""
        said = [self._said[_file(uri)] for uri in uris if _file(uri) in self._said]
        stored = [self._stored[image_id, uri] for uri in uris if (image_id, uri) in self._stored]
        return first_label([*said, *stored])


def _file(uri: str) -> str:
    return re.sub(_VIEW, "", uri)


def uris_of(uris_by_image: Mapping[str, list[str]]) -> set[str]:
    """All uris in the lists."""
    return {uri for uris in uris_by_image.values() for uri in uris}
