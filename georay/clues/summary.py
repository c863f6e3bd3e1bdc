"""Counts what became of the sentences of a run, from its tables, batch by batch."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from georay.core.licences import NOT_STATED
from georay.core.paths import AnyPath, open_parquet

MOST_DISTINCT = 1_000
OTHERS = "others"
"""What values are counted as once MOST_DISTINCT others are; a source may be an address a row."""


@dataclass
class Counts:
    """Numbers of sentences. dropped: by kind. rules, languages, labels, pairings, unknown: of the
    kept ones; unknown counts words for countries that the gazetteer does not have. countries and
    licences: kept and dropped ones by alpha-2 code, and by (source, licence).
    """

    num_kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    pairings: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)
    countries_dropped: Counter[str] = field(default_factory=Counter)
    licences: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def num_dropped(self) -> int:
        return self.dropped.total()

    @property
    def num_read(self) -> int:
        return self.num_kept + self.num_dropped

    def licences_as_text(self) -> dict[str, int]:
        """Kept clues by "source: licence"."""
        return {
            f"{source}: {licence}": count
            for (source, licence), count in self.licences.most_common()
        }


@dataclass(frozen=True)
class CluesSummary:
    """A finished run. ignored_columns: by source, those that were not used."""

    table: str
    counts: Counts
    ignored_columns: dict[str, list[str]]

    def as_text(self) -> str:
        counts = self.counts
        lines = [f"clues: {counts.num_kept:,} of {counts.num_read:,} sentences → {self.table}"]
        lines += [f"kept by: {_listed(counts.rules)}", f"languages: {_listed(counts.languages, 6)}"]
        lines += [f"dropped: {_listed(counts.dropped)}"] if counts.dropped else []
        lines += [f"pictures: {_listed(counts.pairings)}"] if counts.pairings else []
        named = counts.countries.total() - counts.countries[""]
        lines += [f"countries: {len(set(counts.countries) - {''})}, of {named:,} clues"]
        lines += [f"licences: {_listed(Counter(counts.licences_as_text()), 6)}"]
        if counts.unknown:
            lines += [f"no country is called: {_listed(counts.unknown, 6)}"]
        for source, columns in self.ignored_columns.items():
            lines += [f"ignored columns of {source}: {', '.join(columns)}"]
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        counts = self.counts
        return {
            "table": self.table,
            "num_read": counts.num_read,
            "num_kept": counts.num_kept,
            "dropped": dict(counts.dropped),
            "kept_by_rule": dict(counts.rules),
            "languages": dict(counts.languages),
            "countries": {code or "unknown": n for code, n in counts.countries.most_common()},
            "pictures": dict(counts.pairings),
            "licences": counts.licences_as_text(),
            "unknown_countries": dict(counts.unknown),
            "ignored_columns": self.ignored_columns,
        }


def count_tables(kept: Sequence[AnyPath], dropped: Sequence[AnyPath]) -> Counts:
    """Counts over Parquet files of CLUES and of CLUES_DROPPED."""
    counts = Counts()
    fields = {
        "rule": counts.rules,
        "language": counts.languages,
        "label": counts.labels,
        "pairing": counts.pairings,
        "unknown_country": counts.unknown,
    }
    for batch in _batches(kept, [*fields, "country", "source", "licence"]):
        counts.num_kept += batch.num_rows
        for name, counter in fields.items():
            _add(counter, [value for value in batch[name].to_pylist() if value is not None])
        counts.countries.update(code or "" for code in batch["country"].to_pylist())
        licences = [one or NOT_STATED for one in batch["licence"].to_pylist()]
        _add_pairs(counts.licences, zip(batch["source"].to_pylist(), licences, strict=True))
    for batch in _batches(dropped, ["kind", "country"]):
        counts.dropped.update(batch["kind"].to_pylist())
        counts.countries_dropped.update(code or "" for code in batch["country"].to_pylist())
    return counts


def _add(counter: Counter[str], values: Iterable[str]) -> None:
    for value, count in Counter(values).items():
        is_known = value in counter or len(counter) < MOST_DISTINCT
        counter[value if is_known else OTHERS] += count


def _add_pairs(counter: Counter[tuple[str, str]], pairs: Iterable[tuple[str, str]]) -> None:
    """Sources become others, licences stay: they must be told."""
    for (source, licence), count in Counter(pairs).items():
        is_known = (source, licence) in counter or len(counter) < MOST_DISTINCT
        counter[(source if is_known else OTHERS, licence)] += count


def _batches(files: Sequence[AnyPath], columns: list[str]) -> Iterator[pa.RecordBatch]:
    for file in files:
        yield from open_parquet(file).iter_batches(columns=columns)


def _listed(counter: Counter[str], most: int = 12) -> str:
    shown = [f"{count:,} {name}" for name, count in counter.most_common(most)]
    rest = len(counter) - len(shown)
    return ", ".join(shown) + (f", and {rest} more kinds" if rest > 0 else "")
