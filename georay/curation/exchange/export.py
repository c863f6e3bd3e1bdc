"""A finished folder of samples, row by row into the form of another tool; whole or not at all."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet

from georay.core.licences import NOT_STATED
from georay.core.manifest import file_sha256, versions, write_atomic, write_json
from georay.core.paths import AnyPath, StoragePath, files_in, open_input, parquet_writer
from georay.core.run_folder import only_writer, publishing, read_facts
from georay.core.splits import SPLITS, Unusable
from georay.core.tables import LEFT_OUT, SAMPLES, conform, rows_to_table
from georay.curation.exchange.card import card
from georay.curation.exchange.forms import Form, Pictures
from georay.curation.exchange.json_files import LlamaFactoryWriter, QwenVLWriter
from georay.curation.exchange.outgoing import Outgoing, Row, outgoing
from georay.curation.exchange.shards import HfDatasetsWriter, WebDatasetWriter
from georay.curation.exchange.summary import CARD, LEFT_OUT_FILE, MANIFEST, ExportSummary

_ROWS_AT_ONCE = 1_024
_LEFT_OUT_AT_ONCE = 1_000


@dataclass
class _Tally:
    samples: defaultdict[str, Counter[str]] = field(
        default_factory=lambda: defaultdict(lambda: Counter(dict.fromkeys(SPLITS, 0)))
    )
    left_out: Counter[str] = field(default_factory=Counter)
    clue_licences: Counter[str] = field(default_factory=Counter)
    picture_licences: Counter[str] = field(default_factory=Counter)
    turned: int = 0

    def add(self, sample: Outgoing) -> None:
        self.samples[sample.stage][sample.split] += 1
        facts = sample.facts
        if facts["clue_id"] is not None:
            source, licence = facts["clue_source"] or "unnamed", facts["clue_licence"]
            self.clue_licences[f"{source}: {licence or NOT_STATED}"] += 1
        source, licence = facts["picture_source"] or "unnamed", facts["picture_licence"]
        self.picture_licences[f"{source}: {licence or NOT_STATED}"] += 1
        self.turned += sample.is_turned


def export_samples(samples: AnyPath, form: Form, out: AnyPath, pictures: Pictures) -> ExportSummary:
    """Writes the samples of a folder (or Parquet file) to the folder `out / form`.

    One row at a time, so that memory does not grow with their number; all of it appears at once, or
    nothing changes. A sample whose picture cannot be had, or that the form cannot hold, is left out
    with its reason. Raises ValueError if there are no samples, none of them can be exported, or the
    folder holds something that is no export, or lies where the form's tool cannot open it.
    """
    if form == "qwen-vl" and pictures == "packed" and isinstance(out, StoragePath):
        raise ValueError(
            f"Qwen-VL's script opens packed pictures by their paths, not at {out}: export to a "
            "folder of the machine that trains, or only name the pictures (--pictures uri)"
        )
    _refuse_strangers(out / form)
    with only_writer(out), publishing(out) as fresh:
        files = _sample_files(samples)
        inputs = [{"name": file.name, "sha256": file_sha256(file)} for file in files]
        folder = fresh / form
        folder.mkdir()
        tally = _write(_rows(files), form, pictures, folder, (out / form).absolute())
        if not tally.samples:
            kinds = dict(tally.left_out)
            raise ValueError(f"no sample of {samples} can be exported: {kinds or 'there are none'}")
        summary = _summary(tally, form, pictures, out / form)
        write_atomic(folder / CARD, card(summary))
        write_json(folder / MANIFEST, _manifest(summary, inputs))
    return summary


def _sample_files(samples: AnyPath) -> list[AnyPath]:
    if samples.is_file():
        return [samples]
    folder = samples / "samples" if (samples / "samples.json").exists() else samples
    if not (files := files_in(folder)):
        raise ValueError(f"{samples} holds no finished samples; make some with `georay samples`")
    return files


def _refuse_strangers(target: AnyPath) -> None:
    """Raises ValueError for what no export wrote, and an export would replace."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    facts = read_facts(target / MANIFEST) if target.is_dir() else None
    if facts is None or facts.get("kind") != "export":
        raise ValueError(
            f"{target} is there already and is no export of georay; choose another --out"
        )


def _rows(files: list[AnyPath]) -> Iterator[Row]:
    for file in files:
        try:
            # Without pre-buffering: one would hold a row group, which may be the whole table.
            parquet = pa.parquet.ParquetFile(
                open_input(file), pre_buffer=False, buffer_size=1 << 20
            )
            for batch in parquet.iter_batches(batch_size=_ROWS_AT_ONCE):
                yield from conform(pa.Table.from_batches([batch]), SAMPLES, str(file)).to_pylist()
        except (pa.ArrowException, OSError) as problem:
            raise ValueError(f"cannot read samples from {file}: {problem}") from problem


def _write(
    rows: Iterator[Row], form: Form, pictures: Pictures, folder: AnyPath, final: AnyPath
) -> _Tally:
    tally = _Tally()
    with (
        closing(_writer(form, folder, final)) as writer,
        closing(_LeftOut(folder / LEFT_OUT_FILE)) as left_out,
    ):
        for row, found in outgoing(rows, form, pictures):
            try:
                if isinstance(found, Unusable):
                    raise found
                writer.add(found)
            except Unusable as problem:
                left_out.add(row, problem)
                tally.left_out[problem.kind] += 1
            else:
                tally.add(found)
    return tally


class _Writer(Protocol):
    """What each form needs: samples one by one, and an end. add raises Unusable."""

    def add(self, sample: Outgoing) -> None: ...

    def close(self) -> None: ...


def _writer(form: Form, folder: AnyPath, final: AnyPath) -> _Writer:
    """final: where the folder will lie, for a form that says so in its rows."""
    match form:
        case "llama-factory":
            return LlamaFactoryWriter(folder)
        case "qwen-vl":
            return QwenVLWriter(folder, final)
        case "webdataset":
            return WebDatasetWriter(folder)
        case "hf-datasets":
            return HfDatasetsWriter(folder)


class _LeftOut:
    """The table of what was left out (schema LEFT_OUT); no file where nothing was."""

    def __init__(self, path: AnyPath) -> None:
        self._path = path
        self._rows: list[Row] = []
        self._file: pa.parquet.ParquetWriter | None = None
        self._stack = ExitStack()

    def add(self, row: Row, problem: Unusable) -> None:
        ids = {name: row[name] for name in ("stage", "clue_id", "image_id", "uri")}
        self._rows.append(ids | {"kind": problem.kind, "reason": str(problem)})
        if len(self._rows) >= _LEFT_OUT_AT_ONCE:
            self._flush()

    def close(self) -> None:
        if self._rows:
            self._flush()
        self._stack.close()

    def _flush(self) -> None:
        if self._file is None:
            self._file = self._stack.enter_context(parquet_writer(self._path, LEFT_OUT))
        self._file.write_table(rows_to_table(self._rows, LEFT_OUT))
        self._rows = []


def _summary(tally: _Tally, form: Form, pictures: Pictures, folder: AnyPath) -> ExportSummary:
    return ExportSummary(
        folder=str(folder),
        form=form,
        pictures=pictures,
        samples={stage: dict(tally.samples[stage]) for stage in sorted(tally.samples)[::-1]},
        left_out=dict(tally.left_out.most_common()),
        clue_licences=dict(tally.clue_licences.most_common()),
        picture_licences=dict(tally.picture_licences.most_common()),
        turned=tally.turned,
    )


def _manifest(summary: ExportSummary, inputs: list[dict[str, str]]) -> dict[str, object]:
    facts = {name: value for name, value in summary.to_json().items() if name != "folder"}
    return {
        "kind": "export",
        **facts,
        "inputs": inputs,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
    }
