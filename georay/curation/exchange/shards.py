"""Conversations in shards that hold their pictures: tar files and Parquet files."""

import io
import json
import tarfile
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet

from georay.core.paths import AnyPath, open_output
from georay.core.tables import SAMPLES
from georay.curation.exchange.outgoing import Outgoing, Row, plain_name

SHARD_BYTES, SHARD_SAMPLES = 1 << 30, 10_000
_GROUP_BYTES, _GROUP_SAMPLES = 32 << 20, 1_000
DATA = "data"
_MESSAGE = pa.struct([pa.field("role", pa.string()), pa.field("content", pa.string())])
_IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
_FACTS = [one for one in SAMPLES if one.name not in {"sample_id", "question", "answer"}]
ROWS = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("image", _IMAGE),
        pa.field("messages", pa.list_(_MESSAGE)),
        *(one.with_nullable(True) for one in _FACTS),
    ]
)
"""A row of the Parquet form: `datasets` reads `image` as a picture."""


def _messages(sample: Outgoing) -> list[dict[str, str]]:
    return [
        {"role": "user", "content": sample.question},
        {"role": "assistant", "content": sample.answer},
    ]


class WebDatasetWriter:
    """Tar shards `STAGE-SPLIT-000000.tar`; a sample is a picture and a JSON object of one key."""

    def __init__(self, folder: AnyPath) -> None:
        self._folder = folder
        self._shards: dict[tuple[str, str], _Tar] = {}

    def close(self) -> None:
        for shard in self._shards.values():
            shard.close()

    def add(self, sample: Outgoing) -> None:
        shard = self._shard((sample.stage, sample.split))
        key = plain_name(sample.sample_id)
        facts = {"id": sample.sample_id, "messages": _messages(sample)} | sample.facts
        if sample.picture is not None:
            shard.add(f"{key}.{sample.ending}", sample.picture)
        else:
            facts["image"] = sample.location
        text = json.dumps(facts, ensure_ascii=False, allow_nan=False)
        shard.add(f"{key}.json", text.encode())
        shard.num_samples += 1

    def _shard(self, key: tuple[str, str]) -> "_Tar":
        last = self._shards.get(key)
        if last is None or last.num_bytes >= SHARD_BYTES or last.num_samples >= SHARD_SAMPLES:
            number = 0
            if last is not None:
                last.close()
                number = last.number + 1
            stream = open_output(self._folder / f"{'-'.join(key)}-{number:06d}.tar")
            tar = tarfile.open(fileobj=stream, mode="w")  # noqa: SIM115
            self._shards[key] = _Tar(number, stream, tar)
        return self._shards[key]


@dataclass
class _Tar:
    """A shard that is being written, the same bytes on every run."""

    number: int
    stream: pa.NativeFile
    file: tarfile.TarFile
    num_bytes: int = 0
    num_samples: int = 0

    def add(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        self.file.addfile(entry, io.BytesIO(content))
        self.file.members = []  # type: ignore[attr-defined]  # kept for readers: memory per entry
        self.num_bytes += len(content)

    def close(self) -> None:
        self.file.close()
        self.stream.close()


class HfDatasetsWriter:
    """Parquet shards `data/STAGE/SPLIT-00000.parquet`, whose schema names their features."""

    def __init__(self, folder: AnyPath) -> None:
        self._folder = folder
        self._shards: dict[tuple[str, str], _Parquet] = {}

    def close(self) -> None:
        for shard in self._shards.values():
            shard.close()

    def add(self, sample: Outgoing) -> None:
        path = sample.file_name.rpartition("/")[2] if sample.picture else sample.location
        image = {"bytes": sample.picture, "path": path}
        row = {"id": sample.sample_id, "image": image, "messages": _messages(sample)}
        shard = self._shard((sample.stage, sample.split))
        shard.add(row | sample.facts, len(sample.picture or b""))

    def _shard(self, key: tuple[str, str]) -> "_Parquet":
        last = self._shards.get(key)
        if last is None or last.num_bytes >= SHARD_BYTES:
            number = 0
            if last is not None:
                last.close()
                number = last.number + 1
            path = self._folder / DATA / key[0] / f"{key[1]}-{number:05d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            stream = open_output(path)
            rows = pa.parquet.ParquetWriter(stream, _with_features())
            self._shards[key] = _Parquet(number, stream, rows)
        return self._shards[key]


@dataclass
class _Parquet:
    """A shard that is being written; a row group is what a reader holds in memory."""

    number: int
    stream: pa.NativeFile
    file: pa.parquet.ParquetWriter
    num_bytes: int = 0
    _rows: list[Row] = field(default_factory=list)
    _waiting: int = 0

    def add(self, row: Row, size: int) -> None:
        self._rows.append(row)
        self.num_bytes += size
        self._waiting += size
        if self._waiting >= _GROUP_BYTES or len(self._rows) >= _GROUP_SAMPLES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self.file.close()
        self.stream.close()

    def _flush(self) -> None:
        if self._rows:
            self.file.write_table(pa.Table.from_pylist(self._rows, schema=_with_features()))
        self._rows, self._waiting = [], 0


def _with_features() -> pa.Schema:
    """The schema, and in it what `datasets` takes its columns for."""
    types = {pa.string(): "string", pa.float64(): "float64"}
    texts = {"dtype": "string", "_type": "Value"}
    features: dict[str, object] = {
        "image": {"_type": "Image"},
        "messages": [{"role": texts, "content": texts}],
    }
    order = {
        one.name: features.get(one.name) or {"dtype": types[one.type], "_type": "Value"}
        for one in ROWS
    }
    return ROWS.with_metadata({"huggingface": json.dumps({"info": {"features": order}})})
