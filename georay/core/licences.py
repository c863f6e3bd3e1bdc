"""Terms of clues and pictures, carried from their source to the adapters trained on them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute

NOT_STATED = "none stated"
_NON_COMMERCIAL = re.compile(
    r"\bnon[\s-]?commercial|\bnot\s+for\s+commercial|\bno\s+commercial|\bBY[\s-]NC\b|-NC\b",
    re.IGNORECASE,
)


def clue_licences(samples: pa.Table) -> dict[str, int]:
    """Samples by "source: licence" of their clues, the most frequent first.

    samples: a table of schema SAMPLES; those made of no clue are not counted.
    """
    return _licences(samples.filter(pa.compute.is_valid(samples["clue_id"])), "clue")


def picture_licences(samples: pa.Table) -> dict[str, int]:
    """Samples by "source: licence" of their pictures, the most frequent first.

    samples: a table of schema SAMPLES; those of whose picture no terms are known are not counted.
    """
    known = pa.compute.or_(
        *(samples[f"picture_{name}"].is_valid() for name in ("source", "licence"))
    )
    return _licences(samples.filter(known), "picture")


def _licences(samples: pa.Table, of: str) -> dict[str, int]:
    sources, licences = (samples[f"{of}_{name}"].to_pylist() for name in ("source", "licence"))
    pairs = zip(sources, licences, strict=True)
    counts = Counter(f"{source or 'unnamed'}: {licence or NOT_STATED}" for source, licence in pairs)
    return most_frequent_first(counts)


def most_frequent_first(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts in the order of their size, equal ones in that of their names."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def forbids_commerce(licences: Iterable[str]) -> bool:
    """Whether one of the licences, as written, allows no commercial use."""
    return any(_NON_COMMERCIAL.search(licence) for licence in licences)
