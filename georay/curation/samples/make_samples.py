"""From a recipe to a folder of samples, with what was left out and why."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import chain

import pyarrow as pa
import pyarrow.parquet

from georay.config.load import dump_recipe
from georay.config.samples import SamplesRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.licences import clue_licences, picture_licences
from georay.core.manifest import file_sha256, write_atomic, write_json, write_table
from georay.core.paths import AnyPath, open_input, path_of
from georay.core.prompts import LOCATION, REASONING
from georay.core.run_folder import manifest_of, only_writer, publishing
from georay.core.splits import SPLITS
from georay.core.tables import CLUES, LEFT_OUT, SAMPLES, conform, rows_to_table
from georay.curation.exchange import Incoming, conversation_files, read_conversations
from georay.curation.inputs import list_inputs
from georay.curation.run_folder import RunFolder
from georay.curation.samples.conversations import Conversations, Row
from georay.curation.samples.pictures import Picture, PictureIndex, Scored, read_pictures, read_run
from georay.curation.samples.sorting import (
    Sorting,
    keep_places_apart,
    sort_clues,
    sort_conversations,
    sort_pictures,
)
from georay.curation.samples.whereabouts import Clue, Whereabouts

_PART = "part-00000.parquet"
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
    pictures = [] if listing is None else read_pictures(listing.table)
    folder = SamplesFolder(path_of(recipe.output))
    with publishing(folder.root) as root:
        fresh = SamplesFolder(root)
        gazetteer = Gazetteer.load()
        sorting = _sort(recipe, scored, pictures, clues, gazetteer)
        with closing(
            Incoming(recipe.splits, gazetteer, fresh.pictures, folder.pictures)
        ) as incoming:
            sort_conversations(read_conversations(recipe.conversations), incoming, sorting)
        keep_places_apart(sorting)
        if not sorting.samples:
            kinds = Counter(str(row["kind"]) for row in sorting.left_out)
            raise ValueError(f"no sample came of this recipe; left out: {dict(kinds) or 'nothing'}")
        summary = _write(recipe, sorting, folder, fresh)
    remarks = () if listing is None else listing.remarks
    return replace(summary, remarks=tuple(line for one in remarks for line in one.lines()))


def _sort(
    recipe: SamplesRecipe,
    scored: Scored,
    others: Iterable[Picture],
    clues: Sequence[Clue],
    gazetteer: Gazetteer,
) -> Sorting:
    index = PictureIndex(chain(scored.pictures, others))
    whereabouts = Whereabouts(index, clues, recipe.splits, gazetteer)
    make = Conversations(index, whereabouts, recipe.splits, gazetteer)
    sorting = Sorting()
    sort_clues(clues, make, recipe.max_clues_per_image, sorting)
    sort_pictures(scored, make, recipe, sorting)
    return sorting


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
    samples = _table(sorting.samples, SAMPLES, ("stage", "sample_id"))
    left_out = _table(
        sorting.left_out, LEFT_OUT, ("stage", "kind", "image_id", "clue_id", "uri", "reason")
    )
    summary = SamplesSummary(
        folder=str(folder.samples),
        samples=_counts(samples, "split", SPLITS),
        left_out=_counts(left_out, "kind", ()),
        num_places=_places(samples),
        clue_licences=clue_licences(samples),
        picture_licences=picture_licences(samples),
    )
    for table, target in ((samples, fresh.samples), (left_out, fresh.left_out)):
        write_table(target / _PART, table)
    write_atomic(fresh.recipe, dump_recipe(recipe))
    write_json(fresh.manifest, _manifest(recipe, summary, fresh.samples / _PART))
    return summary


def _table(rows: list[Row], schema: pa.Schema, order: Iterable[str]) -> pa.Table:
    table = rows_to_table(rows, schema)
    return table.sort_by([(name, "ascending") for name in order])


def _counts(table: pa.Table, column: str, always: Iterable[str]) -> dict[str, dict[str, int]]:
    """Counts by stage and value of the column; the values of `always` even where there are none."""
    found = table["stage"].to_pylist()
    stages = dict.fromkeys((REASONING.name, LOCATION.name, *sorted(set(found))))
    counts = {stage: Counter(dict.fromkeys(always, 0)) for stage in stages}
    for stage, value in zip(found, table[column].to_pylist(), strict=True):
        counts[stage][value] += 1
    return {stage: dict(of_stage) for stage, of_stage in counts.items()}


def _places(samples: pa.Table) -> dict[str, int]:
    pairs = set(zip(samples["split"].to_pylist(), samples["place"].to_pylist(), strict=True))
    return {split: sum(1 for other, _ in pairs if other == split) for split in SPLITS}


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
