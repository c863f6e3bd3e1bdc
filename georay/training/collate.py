"""Turns samples and their pictures' bytes into tensors; loss falls on the answer only.

Pixels, prompts and labels are the model package's: nothing here knows a prompt or a size.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from PIL import Image

from georay.core.images import decoded_size
from georay.core.picture_files import PictureFile
from georay.core.prompts import Conversation
from georay.errors import UnreadableImage
from georay.models.families.base import IGNORED, Batch, Exchange, Family
from georay.training.pictures import LIMITS, look

_SMALLEST = 56  # of a picture that is decoded only to see that it is whole

MEASURES = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("num_tokens", pa.int64(), nullable=False),
        pa.field("num_learnt", pa.int64(), nullable=False),
        pa.field("error", pa.string()),
    ]
)
"""How long each sample is: all its tokens, those of the answer, or why it cannot be learnt."""


@dataclass(frozen=True)
class Sample:
    """One conversation to learn."""

    sample_id: str
    image_id: str
    uri: str
    question: str
    answer: str
    projection: str | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Sample":
        names = ("sample_id", "image_id", "uri", "question", "answer", "projection")
        return cls(*(row[name] for name in names))

    @property
    def source(self) -> PictureFile:
        """Its picture's file, and the view of it that is meant."""
        return PictureFile.of_row(self.uri, self.projection)

    def conversation(self) -> Conversation:
        """Raises ValueError for a text that no model may be given."""
        return Conversation(self.question, answer=self.answer)

    def exchange(self, image: Image.Image) -> Exchange:
        """With its picture; raises ValueError as `conversation` does."""
        return Exchange((image,), self.conversation())


class MeasureLengths:
    """Measures the lengths of samples without decoding their pictures' pixels."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self._blank = Image.new("RGB", (_SMALLEST, _SMALLEST))
        self._more: dict[tuple[int, int], int] = {}
        large = (8 * _SMALLEST, 8 * _SMALLEST)
        self._depends_on_size = self._tokens_more(large) != 0

    def __call__(self, samples: Sequence[Sample]) -> pa.Table:
        """Schema MEASURES, a row per sample. Reads every picture once, to know that it is one."""
        with ThreadPoolExecutor(4) as threads:
            rows = [
                self._row(sample, seen)
                for sample, seen in zip(samples, threads.map(_look, samples), strict=True)
            ]
        return pa.Table.from_pylist(rows, schema=MEASURES)

    def _row(self, sample: Sample, seen: "tuple[int, int] | str") -> dict[str, object]:
        row: dict[str, object] = {"sample_id": sample.sample_id, "num_tokens": 0, "num_learnt": 0}
        if isinstance(seen, str):
            return row | {"error": seen}
        if refusal := self._family.refusal_of(*seen):
            return row | {"error": refusal}
        try:
            batch = self._family.encode_for_training([sample.exchange(self._blank)])
        except ValueError as problem:
            return row | {"error": str(problem)}
        more = self._tokens_more(seen) if self._depends_on_size else 0
        return row | {
            "num_tokens": batch["input_ids"].shape[1] + more,
            "num_learnt": int((batch["labels"] != IGNORED).sum()),
        }

    def _tokens_more(self, size: tuple[int, int]) -> int:
        """Tokens that a picture of this size takes more than the blank one."""
        if size not in self._more:
            one = Conversation("?", answer="!")
            lengths = [
                self._family.encode_for_training([Exchange((image,), one)])["input_ids"].shape[1]
                for image in (Image.new("RGB", size), self._blank)
            ]
            self._more[size] = lengths[0] - lengths[1]
        return self._more[size]


def _look(sample: Sample) -> tuple[int, int] | str:
    """The size at which a sample's picture is learnt from, or why it cannot be read."""
    seen = look(sample.uri, sample.projection, _SMALLEST)
    return seen if isinstance(seen, str) else decoded_size(seen.width, seen.height)


def collate(family: Family, samples: Sequence[Sample], pictures: Iterable[bytes]) -> Batch:
    """One batch for the network, padded on the right; `labels` are IGNORED but for answers.

    Raises ValueError naming the sample whose picture cannot be read.
    """
    exchanges = [
        sample.exchange(_decoded(sample, raw))
        for sample, raw in zip(samples, pictures, strict=True)
    ]
    return family.encode_for_training(exchanges)


def _decoded(sample: Sample, raw: bytes) -> Image.Image:
    try:
        return sample.source.decode(raw, LIMITS).image
    except UnreadableImage as problem:
        raise ValueError(
            f"the picture of sample {sample.sample_id} ({sample.uri}) was readable when the stage "
            f"began and is not now: {problem}"
        ) from problem
