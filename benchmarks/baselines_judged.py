"""What the systems' answers say: figures, paired tests, and where clues are few or many."""

import csv
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from georay.core.tables import read_samples
from georay.evaluation.intervals import share
from georay.evaluation.judging import Inputs
from georay.evaluation.metrics import Evaluation, Measuring
from georay.evaluation.side_by_side import SideBySide, judge

Files = Mapping[str, Sequence[Path]]
Clues = Mapping[str, int]
"""Of each picture that was asked about, how many clues it shows."""

_LEVEL = 0.05
_NEAR_KM = 750.0
_MEASURES = ("country", "city")


def asked_ids(files: Files) -> list[str]:
    """The pictures that all rows answered. Raises ValueError if rows were asked about others."""
    found = {
        label: pq.read_table(paths[0], columns=["image_id"])["image_id"].to_pylist()
        for label, paths in files.items()
    }
    first, *others = found.values()
    if any(sorted(one) != sorted(first) for one in others):
        raise ValueError("the rows of the table were asked about different pictures")
    return list(first)


def clues_of(source: Path, scenes: Path, asked: Iterable[str]) -> dict[str, int]:
    """Visible clues of the pictures, as the drawn scenes' own list has them."""
    with (scenes / "labels.csv").open(newline="", encoding="utf-8") as text:
        of_file = {
            Path(row["file"]).name: int(row["visible_clue_count"]) for row in csv.DictReader(text)
        }
    rows = read_samples((str(source),)).select(["image_id", "uri"]).to_pylist()
    uris = {row["image_id"]: row["uri"] for row in rows}
    return {one: of_file[Path(uris[one]).name] for one in asked}


def judged(files: Files, clues: Clues, folder: Path) -> dict[str, Any]:
    """All figures as JSON has them. folder: for the parts of the answers that are judged apart."""
    middle = statistics.median(clues.values())
    parts = {
        "few": {one for one, count in clues.items() if count <= middle},
        "many": {one for one, count in clues.items() if count > middle},
    }
    whole = judge(files, Inputs(), Measuring())
    return {
        "systems": {label: figures(one[0].evaluation) for label, one in whole.judgements.items()},
        "pairs": {measure: pairs_of(whole, measure) for measure in _MEASURES},
        "best": {measure: best_of(whole, measure) for measure in _MEASURES},
        "median_clues": middle,
        "by_amount": {
            name: _part(_only(files, chosen, folder / name)) for name, chosen in parts.items()
        },
        "by_clues": by_clues(files, clues),
    }


def figures(found: Evaluation) -> dict[str, Any]:
    """Shares of all pictures, with Wilson's intervals; distances where places were named."""
    (near,) = [one for one in found.distances if one.threshold_km == _NEAR_KM]
    return {
        "images": found.num_images,
        "country": asdict(found.country.accuracy_over_all),
        "country_effective": found.country.num_effective,
        "city": asdict(found.city.accuracy_over_all),
        "city_effective": found.city.num_effective,
        "within_750_km": asdict(near.of_all),
        "geoscore": found.placement.geoscore.value,
        "median_km": found.placement.median_km.value,
    }


def pairs_of(found: SideBySide, measure: str) -> dict[str, dict[str, Any]]:
    """Every pair: which pictures one alone has right, and Holm's p-value over all pairs."""
    return {
        f"{one.first} / {one.second}": {
            "first_only": one.first_only,
            "second_only": one.second_only,
            "p_holm": one.p_adjusted,
        }
        for one in found.tests
        if one.measure == measure
    }


def best_of(found: SideBySide, measure: str) -> dict[str, Any]:
    """The row with the most right answers, and those that no test tells from it."""
    right = {
        row.label: row.cells["country" if measure == "country" else "city"][
            "accuracy_over_all"
        ].mean
        or 0.0
        for row in found.comparison.rows
    }
    best = max(right, key=lambda label: right[label])
    pairs = [one for one in found.tests if one.measure == measure]
    against = {
        one.second if one.first == best else one.first: one.p_adjusted
        for one in pairs
        if best in (one.first, one.second)
    }
    alike = [label for label, p in against.items() if p is None or p >= _LEVEL]
    return {"row": best, "share": right[best], "not_told_apart": alike}


def _part(files: Files) -> dict[str, Any]:
    found = judge(files, Inputs(), Measuring())
    return {
        "systems": {
            label: asdict(one[0].evaluation.country.accuracy_over_all)
            for label, one in found.judgements.items()
        },
        "images": next(iter(found.judgements.values()))[0].evaluation.num_images,
        "best": best_of(found, "country"),
    }


def _only(files: Files, chosen: set[str], folder: Path) -> dict[str, list[Path]]:
    """The answers about some of the pictures, as files of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[Path]] = {}
    for number, (label, paths) in enumerate(files.items()):
        table = pq.read_table(paths[0])
        kept = table.filter(pc.is_in(table["image_id"], pa.array(sorted(chosen))))
        pq.write_table(kept, folder / f"{number:02}.parquet")
        found[label] = [folder / f"{number:02}.parquet"]
    return found


def bands_of(clues: Clues) -> dict[str, set[str]]:
    """The pictures without a clue, and the others in three bands of about one size."""
    some = [count for count in clues.values() if count]
    first, second = (int(cut) for cut in statistics.quantiles(some, n=3, method="inclusive"))
    ends = sorted({0, first, second, max(some)})
    bands = {"0": (0, 0)}
    for below, high in pairwise(ends):
        name = f"{below + 1} or more" if high == max(some) else f"{below + 1} to {high}"
        bands[name] = (below + 1, high)
    return {
        name: {one for one, count in clues.items() if low <= count <= high}
        for name, (low, high) in bands.items()
    }


def by_clues(files: Files, clues: Clues) -> dict[str, dict[str, Any]]:
    """Right countries in each band, of every row."""
    return {
        name: {
            "images": len(chosen),
            "systems": {label: _right(paths[0], chosen) for label, paths in files.items()},
        }
        for name, chosen in bands_of(clues).items()
    }


def _right(file: Path, chosen: set[str]) -> dict[str, float | None]:
    rows = [row for row in pq.read_table(file).to_pylist() if row["image_id"] in chosen]
    return asdict(share(sum(row["country"] == row["true_country"] for row in rows), len(rows)))
