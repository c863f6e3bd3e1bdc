"""The terms under which clues come, carried from their source to the adapters trained on them."""

import re
from collections import Counter
from collections.abc import Iterable

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
    made = samples.filter(pa.compute.is_valid(samples["clue_id"]))
    pairs = zip(made["clue_source"].to_pylist(), made["clue_licence"].to_pylist(), strict=True)
    counts = Counter(f"{source or 'unnamed'}: {licence or NOT_STATED}" for source, licence in pairs)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def forbids_commerce(licences: Iterable[str]) -> bool:
    """Whether one of the licences, as written, allows no commercial use."""
    return any(_NON_COMMERCIAL.search(licence) for licence in licences)
