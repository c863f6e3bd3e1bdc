"""The pictures that samples can be about, found by their content or by the name of their file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet

from georay.config.curate import CurateRecipe, LimitsRecipe
from georay.config.load import parse_recipe
from georay.core.files import is_uri, read_bytes
from georay.core.images import content_id
from georay.core.splits import Unusable
from georay.core.tables import SCORES, conform
from georay.curation.inputs import list_inputs
from georay.curation.run_folder import RunFolder, parquet_files

_COLUMNS = (
    "image_id",
    "uri",
    "duplicate_uris",
    "country",
    "city",
    "latitude",
    "longitude",
    "locatability",
    "error",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with what its list says of it; country and city as written there.

    locatability: None where no curation run scored it. error: why it cannot be used, if so.
    """

    image_id: str
    uri: str
    uris: tuple[str, ...]
    country: str | None
    city: str | None
    latitude: float | None
    longitude: float | None
    locatability: float | None
    error: str | None


@dataclass(frozen=True)
class Scored:
    """The pictures of a finished curation run, and the threshold that it kept them by."""

    pictures: tuple[Picture, ...]
    threshold: float


def read_run(root: Path) -> Scored:
    """Every picture of a curation run. Raises ValueError if the folder holds no finished one."""
    folder = RunFolder(root)
    manifest = folder.read_manifest()
    if manifest is None or manifest.get("kind") != "curation":
        raise ValueError(f"{root} holds no finished curation run; make one with `georay curate`")
    recipe = parse_recipe(manifest["recipe"], CurateRecipe, str(folder.manifest))
    return Scored(tuple(_scored(parquet_files(folder.scores))), recipe.threshold)


def _scored(files: Sequence[Path]) -> Iterator[Picture]:
    wanted = pa.schema([SCORES.field(name) for name in _COLUMNS])
    for file in files:
        for batch in pa.parquet.ParquetFile(file).iter_batches(columns=list(_COLUMNS)):
            table = conform(pa.Table.from_batches([batch]), wanted, str(file))
            for row in table.to_pylist():
                copies = row.pop("duplicate_uris") or []
                yield Picture(uris=(row["uri"], *copies), **row)


def list_pictures(sources: Sequence[str], max_bytes: int | None = None) -> Iterator[Picture]:
    """Pictures that no run scored. Each file is read once for its id, and is not decoded.

    Raises ValueError if a source is absent or empty.
    """
    limit = max_bytes or LimitsRecipe().max_bytes
    for row in list_inputs(sources).to_pylist():
        del row["heading"]
        try:
            raw = read_bytes(row["uri"], limit)
            error = None if 0 < len(raw) <= limit else f"has 0 or more than {limit:,} bytes"
        except (OSError, ValueError) as problem:
            raw, error = f"unreadable {row['uri']}".encode(), f"cannot be read: {problem}"
        yield Picture(content_id(raw), uris=(row["uri"],), locatability=None, error=error, **row)


class PictureIndex:
    """Finds pictures by content id, or by a file's name without its ending, as clues name them."""

    def __init__(self, pictures: Iterable[Picture]) -> None:
        self._by_id: dict[str, Picture] = {}
        self._ids_by_name: defaultdict[str, set[str]] = defaultdict(set)
        for picture in pictures:
            self._by_id.setdefault(picture.image_id, picture)
            for uri in picture.uris:
                self._ids_by_name[PurePosixPath(uri).stem].add(picture.image_id)

    def find(self, name: str) -> Picture:
        """The picture of that id or file name; raises Unusable if there is none, or several."""
        if name in self._by_id:
            return self._by_id[name]
        ids = self._ids_by_name.get(name, set())
        if not ids:
            raise Unusable("picture absent", f"no picture is called {name!r}")
        if len(ids) > 1:
            raise Unusable(
                "picture ambiguous", f"{len(ids)} different pictures are called {name!r}"
            )
        return self._by_id[next(iter(ids))]


def refuse_unreadable(picture: Picture) -> None:
    """Raises Unusable if curation could not read the picture, or its file is gone since."""
    if picture.error is not None:
        raise Unusable("picture failed", picture.error)
    if not is_uri(picture.uri) and not Path(picture.uri).is_file():
        raise Unusable("picture absent", f"there is no file {picture.uri} any more")
