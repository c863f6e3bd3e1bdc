"""The pictures that samples can be about, found by their content or by the name of their file."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from unicodedata import normalize

import pyarrow as pa
import pyarrow.parquet

from georay.config.curate import CurateRecipe, LimitsRecipe
from georay.config.load import parse_recipe
from georay.core.images import content_id
from georay.core.panoramas import VIEW, View, parse_view
from georay.core.paths import AnyPath, files_in, open_parquet
from georay.core.picture_files import PictureFile
from georay.core.run_folder import are_whole
from georay.core.splits import Unusable
from georay.core.storage import LocalAddress, parse_address, read_bytes
from georay.core.tables import SCORES, TERMS, conform
from georay.curation.run_folder import RunFolder

_COLUMNS = (
    "image_id",
    "uri",
    "projection",
    "duplicate_uris",
    "country",
    "city",
    "latitude",
    "longitude",
    "locatability",
    *TERMS,
    "error",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with what its list says of it; country and city as written there.

    locatability: None where no curation run scored it. source, licence, attribution: its terms, as
    its list words them. error: why it cannot be used, if so.
    """

    image_id: str
    uri: str
    projection: str | None
    uris: tuple[str, ...]
    country: str | None
    city: str | None
    latitude: float | None
    longitude: float | None
    locatability: float | None
    source: str | None
    licence: str | None
    attribution: str | None
    error: str | None


@dataclass(frozen=True)
class Scored:
    """The pictures of a finished curation run, and the threshold that it kept them by.

    To be gone through as often as needed; few of them are in memory at a time.
    """

    files: tuple[AnyPath, ...]
    threshold: float

    def __iter__(self) -> Iterator[Picture]:
        return _scored(self.files)


def read_run(root: AnyPath) -> Scored:
    """Every picture of a curation run. Raises ValueError if the folder holds no whole one."""
    folder = RunFolder(root)
    manifest = folder.read_manifest()
    if manifest is None or manifest.get("kind") != "curation":
        raise ValueError(f"{root} holds no finished curation run; make one with `georay curate`")
    told = manifest.get("files", {})
    scores = {name: sha256 for name, sha256 in told.items() if name.startswith("scores/")}
    if scores and not are_whole(root, scores):
        raise ValueError(f"the run in {root} is not whole; run the `georay curate` of it again")
    recipe = parse_recipe(manifest["recipe"], CurateRecipe, str(folder.manifest))
    return Scored(tuple(files_in(folder.scores)), recipe.threshold)


def _scored(files: Sequence[AnyPath]) -> Iterator[Picture]:
    wanted = pa.schema([SCORES.field(name) for name in _COLUMNS])
    for file in files:
        for batch in open_parquet(file).iter_batches(columns=list(_COLUMNS)):
            table = conform(pa.Table.from_batches([batch]), wanted, str(file))
            for row in table.to_pylist():
                copies = row.pop("duplicate_uris") or []
                yield Picture(uris=(row["uri"], *copies), **row)


def read_pictures(inputs: pa.Table, max_bytes: int | None = None) -> Iterator[Picture]:
    """Pictures (schema INPUTS) that no run scored, each read once for its id and not decoded."""
    limit = max_bytes or LimitsRecipe().max_bytes
    for row in inputs.to_pylist():
        del row["heading"]
        uri, listed_error = row.pop("uri"), row.pop("error")
        image_id, projection, error = _looked_up(uri, row.pop("projection"), limit)
        error = listed_error or error
        yield Picture(image_id, uri, projection, (uri,), locatability=None, error=error, **row)


def _looked_up(uri: str, projection: str | None, limit: int) -> tuple[str, str | None, str | None]:
    """A listed picture's id, its projection, and why it cannot be used, if so."""
    try:
        source = PictureFile.of_row(uri, projection) if projection else PictureFile.find(uri)
        raw = read_bytes(source.file, limit)
    except (OSError, ValueError) as problem:
        unreadable = content_id(f"unreadable {uri}".encode())
        return unreadable, projection, f"cannot be read: {problem}"
    error = None if 0 < len(raw) <= limit else f"has 0 or more than {limit:,} bytes"
    return source.id_of(raw), source.projection or projection, error


class PictureIndex:
    """Finds pictures by content id, or by a file's name without its ending, as clues name them.

    The views of pano.jpg are called pano#heading=0 and so on, and all of them pano.
    wanted: what will be looked for; no other picture is remembered. pictures: gone through twice.
    """

    def __init__(self, pictures: Iterable[Picture], wanted: Collection[str]) -> None:
        self._by_id: dict[str, Picture] = {}
        self._ids_by_name: defaultdict[str, set[str]] = defaultdict(set)
        if not wanted:
            return
        called = {normalize("NFC", name) for name in wanted}
        for picture in pictures:
            for name in called.intersection(_all_names(picture)):
                self._ids_by_name[name].add(picture.image_id)
        ids = set(wanted).union(*self._ids_by_name.values())
        for picture in pictures:
            if picture.image_id in ids:
                self._by_id.setdefault(picture.image_id, picture)

    def find(self, name: str) -> Picture:
        """The picture of that id or file name; raises Unusable if there is none, or several.

        name: one of those that are wanted.
        """
        if name in self._by_id:
            return self._by_id[name]
        ids = self._ids_by_name.get(normalize("NFC", name), set())
        if not ids:
            raise Unusable("picture absent", f"no picture is called {name!r}")
        if len(ids) > 1:
            raise Unusable(
                "picture ambiguous", f"{len(ids)} different pictures are called {name!r}"
            )
        return self._by_id[next(iter(ids))]


def _all_names(picture: Picture) -> set[str]:
    return {name for uri in picture.uris for name in _names(uri, picture.projection)}


def _names(uri: str, projection: str | None) -> list[str]:
    """What clues may call a picture: its file's name, of a view also with its heading."""
    view = parse_view(uri) if projection == VIEW else None
    stem = _stem(uri if view is None else view.file)
    return [stem] if view is None else [stem, View(stem, view.heading).uri]


def _stem(uri: str) -> str:
    """One form for the letters that disks and lists write with accents of their own or without."""
    return normalize("NFC", PurePosixPath(parse_address(uri).name).stem)


def refuse_unreadable(picture: Picture) -> None:
    """Raises Unusable if curation could not read the picture, or its file is gone since."""
    if picture.error is not None:
        raise Unusable("picture failed", picture.error)
    file = PictureFile.of_row(picture.uri, picture.projection).file
    address = parse_address(file)
    if isinstance(address, LocalAddress) and not Path(address.path).is_file():
        raise Unusable("picture absent", f"there is no file {file} any more")
