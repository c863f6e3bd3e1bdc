"""From a recipe to a folder of samples, with what was left out and why."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet

from georay.config.load import dump_recipe
from georay.config.samples import SamplesRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.licences import clue_licences, most_frequent_first, picture_licences
from georay.core.manifest import file_sha256, write_atomic, write_json
from georay.core.paths import AnyPath, open_input, open_parquet, parquet_writer, path_of
from georay.core.prompts import LOCATION, REASONING
from georay.core.run_folder import manifest_of, only_writer, publishing
from georay.core.splits import SPLITS
from georay.core.tables import CLUES, LEFT_OUT, SAMPLES, conform
from georay.curation.exchange import Incoming, conversation_files, read_conversations
from georay.curation.inputs import list_inputs
from georay.curation.run_folder import RunFolder
from georay.curation.samples.conversations import Conversations
from georay.curation.samples.pictures import Picture, PictureIndex, Scored, read_pictures, read_run
from georay.curation.samples.sorting import (
    Sorting,
    sort_clues,
    sort_conversations,
    sort_pictures,
)
from georay.curation.samples.whereabouts import Clue, Whereabouts

_PART = "part-00000.parquet"
_TERMS = ("clue_source", "clue_licence", "picture_source", "picture_licence")
_COUNTED = ("stage", "split", "place", "clue_id", *_TERMS)
_OF_CLUES = ["clue_id", "text", "country", "city", "image_id", "source", "licence", "pairing"]


@dataclass(frozen=True)
class SamplesFolder:
    """Where samples lie in a folder, which may be that of the curation run they come from."""

    root: AnyPath

    @property
    def samples(self) -> AnyPath:
        return self.root / "samples"

    @property
    def left_out(self) -> AnyPath:
        return self.root / "samples_left_out"

    @property
    def pictures(self) -> AnyPath:
        """Of conversations that came with them in one file."""
        return self.root / "samples_pictures"

    @property
    def recipe(self) -> AnyPath:
        return self.root / "samples.yaml"

    @property
    def manifest(self) -> AnyPath:
        return self.root / "samples.json"


@dataclass(frozen=True)
class SamplesSummary:
    """What became of the clues and pictures. Counts by stage, then by split or by slug.

    clue_licences, picture_licences: samples by "source: licence" of their clues and pictures.
    """

    folder: str
    samples: dict[str, dict[str, int]]
    left_out: dict[str, dict[str, int]]
    num_places: dict[str, int]
    clue_licences: dict[str, int]
    picture_licences: dict[str, int]
    remarks: tuple[str, ...] = ()

    def as_text(self) -> str:
        lines = [f"samples: {self.folder}"]
        for stage, counts in self.samples.items():
            parts = ", ".join(f"{count:,} {split}" for split, count in counts.items())
            lines.append(f"{stage}: {parts}")
        places = ", ".join(f"{count:,} {split}" for split, count in self.num_places.items())
        lines.append(f"places: {places}")
        for licence, count in self.clue_licences.items():
            lines.append(f"clues of {licence}: {count:,}")
        for licence, count in self.picture_licences.items():
            lines.append(f"pictures of {licence}: {count:,}")
        for stage, counts in self.left_out.items():
            if not counts:
                continue
            parts = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
            lines.append(f"left out of {stage}: {parts}")
        return "\n".join([*lines, *self.remarks])

    def to_json(self) -> dict[str, object]:
        """Every field, as JSON has it."""
        return asdict(self)


def make_samples(recipe: SamplesRecipe) -> SamplesSummary:
    """Makes the samples of a recipe and writes them to its output folder (see SamplesFolder).

    `samples/` has the schema SAMPLES; `samples_left_out/` has LEFT_OUT: every clue, scored picture
    and conversation that is in no sample. All of it appears at once, or nothing changes. The same
    inputs give the same tables, byte for byte.
    Raises ValueError if an input is absent, nothing at all became a sample, or another run writes
    to the folder.
    """
    with only_writer(path_of(recipe.output)):
        return _make(recipe)


def _make(recipe: SamplesRecipe) -> SamplesSummary:
    scored = _read_run(recipe.curation)
    clues = [clue for path in recipe.clues for clue in _read_clues(path_of(path))]
    listing = list_inputs(recipe.images, path_of(recipe.output)) if recipe.images else None
    wanted = {clue["image_id"] for clue in clues if clue["image_id"]}
    others = [] if listing is None or not wanted else list(read_pictures(listing.table))
    index = PictureIndex(_Pictures(scored, others), wanted)
    folder = SamplesFolder(path_of(recipe.output))
    with publishing(folder.root) as root, TemporaryDirectory() as scratch:
        fresh, sorting = SamplesFolder(root), Sorting(Path(scratch))
        gazetteer = Gazetteer.load()
        whereabouts = Whereabouts(index, clues, recipe.splits, gazetteer)
        make = Conversations(index, whereabouts, recipe.splits, gazetteer)
        num_pictures = sort_pictures(scored, make, recipe, sorting, Path(scratch))
        share = recipe.clues_per_picture
        most = None if share is None else round(share * num_pictures)
        sort_clues(clues, make, recipe.max_clues_per_image, most, sorting)
        with closing(
            Incoming(recipe.splits, gazetteer, fresh.pictures, folder.pictures)
        ) as incoming:
            sort_conversations(read_conversations(recipe.conversations), incoming, sorting)
        summary = _write(recipe, sorting, folder, fresh)
    remarks = () if listing is None else listing.remarks
    return replace(summary, remarks=tuple(line for one in remarks for line in one.lines()))


@dataclass(frozen=True)
class _Pictures:
    """Those of a curation run, then those that no run scored."""

    scored: Scored
    others: Sequence[Picture]

    def __iter__(self) -> Iterator[Picture]:
        return chain(self.scored, self.others)


def _read_run(folder: str | None) -> Scored:
    return Scored((), 0.0) if folder is None else read_run(path_of(folder))


def _read_clues(path: AnyPath) -> Iterator[Clue]:
    try:
        table = pa.parquet.ParquetFile(open_input(path)).read()
    except (OSError, pa.ArrowInvalid) as problem:
        raise ValueError(f"cannot read clues from {path}: {problem}") from problem
    rows = conform(table, CLUES, str(path))
    yield from rows.select(_OF_CLUES).to_pylist()


def _write(
    recipe: SamplesRecipe, sorting: Sorting, folder: SamplesFolder, fresh: SamplesFolder
) -> SamplesSummary:
    """Writes all of it below `fresh`, which will become `folder`."""
    samples, left_out = fresh.samples / _PART, fresh.left_out / _PART
    if not _write_tables(samples, sorting.samples(), SAMPLES):
        kinds = dict(sorting.num_left_out) or "nothing"
        raise ValueError(f"no sample came of this recipe; left out: {kinds}")
    _write_tables(left_out, sorting.left_out(), LEFT_OUT)
    summary = _summary(str(folder.samples), samples, left_out)
    write_atomic(fresh.recipe, dump_recipe(recipe))
    write_json(fresh.manifest, _manifest(recipe, summary, samples))
    return summary


def _write_tables(file: AnyPath, tables: Iterable[pa.Table], schema: pa.Schema) -> int:
    """Writes them as one, and returns the number of its rows."""
    num_rows = 0
    file.parent.mkdir(parents=True, exist_ok=True)
    with parquet_writer(file, schema) as writer:
        for table in tables:
            num_rows += table.num_rows
            writer.write_table(table)
    return num_rows


def _summary(folder: str, samples: AnyPath, left_out: AnyPath) -> SamplesSummary:
    """Counts over the written tables, some rows at a time."""
    splits, clues, pictures = _Counts(SPLITS), Counter[str](), Counter[str]()
    places: set[tuple[str, str]] = set()
    for batch in _batches(samples, _COUNTED):
        splits.add(batch, "split")
        places.update(zip(batch["split"].to_pylist(), batch["place"].to_pylist(), strict=True))
        clues.update(clue_licences(batch))
        pictures.update(picture_licences(batch))
    kinds = _Counts(())
    for batch in _batches(left_out, ["stage", "kind"]):
        kinds.add(batch, "kind")
    return SamplesSummary(
        folder=folder,
        samples=splits.by_stage(),
        left_out=kinds.by_stage(),
        num_places={split: sum(1 for other, _ in places if other == split) for split in SPLITS},
        clue_licences=most_frequent_first(clues),
        picture_licences=most_frequent_first(pictures),
    )


def _batches(file: AnyPath, columns: Sequence[str]) -> Iterator[pa.Table]:
    for batch in open_parquet(file).iter_batches(columns=list(columns)):
        yield pa.Table.from_batches([batch])


class _Counts:
    """Counts by stage and value of a column; the values of `always` even where there are none."""

    def __init__(self, always: Iterable[str]) -> None:
        self._always = tuple(always)
        self._found: Counter[tuple[str, str]] = Counter()

    def add(self, table: pa.Table, column: str) -> None:
        self._found.update(zip(table["stage"].to_pylist(), table[column].to_pylist(), strict=True))

    def by_stage(self) -> dict[str, dict[str, int]]:
        others = sorted({stage for stage, _ in self._found})
        stages = dict.fromkeys((REASONING.name, LOCATION.name, *others))
        counts = {stage: dict.fromkeys(self._always, 0) for stage in stages}
        for (stage, value), count in self._found.items():
            counts[stage][value] = count
        return counts


def _manifest(recipe: SamplesRecipe, summary: SamplesSummary, file: AnyPath) -> dict[str, object]:
    facts = {
        "inputs": _inputs(recipe),
        "samples_sha256": file_sha256(file),
        "samples": summary.samples,
        "clue_licences": summary.clue_licences,
        "picture_licences": summary.picture_licences,
        "places": summary.num_places,
        "left_out": summary.left_out,
    }
    return manifest_of("samples", recipe.model_dump(mode="json"), facts)


def _inputs(recipe: SamplesRecipe) -> list[dict[str, str]]:
    """SHA-256 of every file of clues and conversations, and of the curation run's manifest."""
    files = [path_of(path) for path in recipe.clues]
    files += conversation_files(recipe.conversations)
    if recipe.curation is not None:
        files.append(RunFolder(path_of(recipe.curation)).manifest)
    return [{"name": path.name, "sha256": file_sha256(path)} for path in files]
