"""Checks a row of the samples table for export, with its picture and the picture's terms."""

import io
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from unicodedata import is_normalized

from georay.core.images import ImageLimits, image_format, is_turned
from georay.core.manifest import digest
from georay.core.picture_files import PictureFile
from georay.core.prompts import PROMPTS, Conversation
from georay.core.splits import SPLITS, Unusable
from georay.core.storage import LocalAddress, parse_address, read_bytes
from georay.curation.exchange.credits import Credit, credit_of
from georay.curation.exchange.forms import MAX_QWEN_PATH_BYTES, Form, Pictures
from georay.errors import UnreadableImage

Row = dict[str, object]
_LIMITS = ImageLimits()
_SAID = frozenset({"sample_id", "question", "answer"})
_ENDINGS = {"JPEG": "jpg"}  # of the others their name
_THREADS = 4
_AT_ONCE = 16  # pictures in memory
_OPENED = {"llama-factory": frozenset[str](), "qwen-vl": frozenset({"http", "https"})}
"""Schemes that a tool itself opens beside paths; the others open what fsspec opens."""


@dataclass(frozen=True)
class Outgoing:
    """A sample that another tool can read.

    facts: its columns without question and answer. location: where the picture lies, a path or a
    uri. picture, ending: the encoded picture and the ending of a
    file's name for it, where pictures are packed; is_turned: as `core.images.is_turned`.
    """

    sample_id: str
    stage: str
    split: str
    question: str
    answer: str
    facts: Row
    location: str
    credit: Credit
    picture: bytes | None = None
    ending: str = ""
    is_turned: bool = False

    @property
    def file_name(self) -> str:
        """A name for the picture's file below a folder of many."""
        image_id = plain_name(str(self.facts["image_id"]))
        return f"{image_id[:2]}/{image_id}.{self.ending}"


def plain_name(name: str) -> str:
    """An id as the name of a file: without dots, at which tools cut, and what leads elsewhere."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return plain if plain == name else f"{plain}-{digest(name)[:8]}"


def outgoing(
    rows: Iterable[Row], form: Form, pictures: Pictures
) -> Iterator[tuple[Row, Outgoing | Unusable]]:
    """Every row with what leaves of it, or why nothing can; few pictures are in memory at once."""
    prepare = partial(_prepare, form=form, pictures=pictures)
    rows = iter(rows)
    with ThreadPoolExecutor(_THREADS) as threads:
        while some := list(islice(rows, _AT_ONCE)):
            yield from zip(some, threads.map(prepare, some), strict=True)


def _prepare(row: Row, form: Form, pictures: Pictures) -> Outgoing | Unusable:
    try:
        _refuse_unsound(row)
        return _packed(row) if pictures == "packed" else _named(row, form)
    except Unusable as problem:
        return problem


def _refuse_unsound(row: Row) -> None:
    if row["stage"] not in PROMPTS or row["split"] not in SPLITS:
        raise Unusable("unknown split", f"there is no split {row['stage']}, {row['split']}")
    try:
        Conversation(str(row["question"]), answer=str(row["answer"]))
    except ValueError as problem:
        raise Unusable("control token", str(problem)) from None


def _packed(row: Row) -> Outgoing:
    uri, projection = str(row["uri"]), row["projection"]
    try:
        source = PictureFile.of_row(uri, None if projection is None else str(projection))
        raw = read_bytes(source.file, _LIMITS.max_bytes)
        if source.heading is not None:
            raw, projection = _as_png(source, raw), None
        turned = is_turned(raw, _LIMITS)
    except OSError as problem:
        raise Unusable("picture absent", f"{uri} cannot be read: {problem}") from None
    except (ValueError, UnreadableImage) as problem:
        raise Unusable("picture failed", f"{uri}: {problem}") from None
    kind = image_format(raw)
    assert kind is not None, "is_turned refuses what is no picture"
    ending = _ENDINGS.get(kind, kind.lower())
    sample = _leaving(row, projection, uri)
    return replace(sample, picture=raw, ending=ending, is_turned=turned)


def _as_png(source: PictureFile, raw: bytes) -> bytes:
    """The pixels of a view, which no other tool cuts, without loss."""
    png = io.BytesIO()
    source.decode(raw, _LIMITS).image.save(png, "PNG", compress_level=1)
    return png.getvalue()


def _named(row: Row, form: Form) -> Outgoing:
    uri, projection = str(row["uri"]), row["projection"]
    if projection == "view":
        reason = f"{uri} is a view that only georay cuts from its panorama: pack the pictures"
        raise Unusable("view of a panorama", reason)
    address = parse_address(uri)
    if isinstance(address, LocalAddress):
        if not address.is_text() or not Path(address.path).is_file():
            raise Unusable("picture absent", f"there is no file {uri}")
        location = address.path
    else:
        location = uri
        if form in _OPENED and address.scheme not in _OPENED[form]:
            reason = f"{form} does not open {address.scheme}://: pack the picture {uri}"
            raise Unusable("picture in storage", reason)
    if form == "qwen-vl":
        refuse_qwen_path(location)
    return _leaving(row, projection, location)


def refuse_qwen_path(location: str) -> None:
    """Raises Unusable for a path that Qwen-VL's tokenizer would not give back as it is."""
    is_short = len(location.encode()) <= MAX_QWEN_PATH_BYTES
    if not is_short or not is_normalized("NFC", location) or "<" in location:
        raise Unusable(
            "path does not fit",
            f"Qwen-VL's tokenizer keeps paths of at most {MAX_QWEN_PATH_BYTES} bytes, in Unicode's "
            f"form NFC and without '<', not {location}",
        )


def _leaving(row: Row, projection: object, location: str) -> Outgoing:
    facts = {name: _finite(value) for name, value in row.items() if name not in _SAID}
    facts |= {"projection": projection}
    return Outgoing(
        sample_id=str(row["sample_id"]),
        stage=str(row["stage"]),
        split=str(row["split"]),
        question=str(row["question"]),
        answer=str(row["answer"]),
        facts=facts,
        location=location,
        credit=credit_of(row),
    )


def _finite(value: object) -> object:
    """The value, or None for NaN, which is none and no JSON."""
    return value if value == value else None
