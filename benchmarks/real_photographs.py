"""What can honestly be said of real photographs here, where no published weights are at hand.

    python -m benchmarks.baselines                                   # first: trains what is asked
    python -m benchmarks.real_photographs --data ../shared/data/street_photos

Asks `tiny` with its packaged adapters, and the systems that benchmarks.baselines trained, about a
folder of photographs with a labels.csv. All of them learnt from drawings alone: chance is what to
expect. Beside them stand floors that no network reaches or passes by seeing: always the commonest
country, a drawn country by chance, and the name of the town nearest to the truth. The sample is
small and not drawn evenly, and views of one panorama or place are not independent: intervals come
from drawing places with replacement, not photographs. Nothing of the photographs is kept.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from benchmarks.baselines import BATCH, SYSTEMS
from benchmarks.baselines_page import write_photographs
from benchmarks.record import computing_commit, write_record
from georay.config.load import parse_recipe
from georay.config.predict import FREE, PredictRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.geo import distance_km
from georay.core.manifest import file_sha256
from georay.core.tables import PREDICTIONS
from georay.evaluation.answering import AnswerPictures, ReadPictures
from georay.evaluation.baselines.folder import is_baseline
from georay.evaluation.datasets import KnownPicture
from georay.evaluation.intervals import UNDEFINED, Figure
from georay.evaluation.metrics import Measuring, is_within
from georay.evaluation.model_identity import ModelIdentity
from georay.evaluation.outcomes import Mask, outcomes_of
from georay.evaluation.predict import picture_rows
from georay.models.registry import packaged_adapters
from georay.runtime.progress import progress
from georay.streetworld.atlas.atlas import Atlas

DISTANCES_KM = (200.0, 750.0, 2_500.0)
"""Labels are rounded to as much as 25 km: nothing nearer is measured."""

_DRAWS, _SEED = 10_000, 0


@dataclass(frozen=True)
class Photographs:
    """Pictures with what is true of them, and the place that each belongs to."""

    pictures: tuple[KnownPicture, ...]
    places: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> "Photographs":
        """Of a folder with images and labels.csv. Raises OSError without one."""
        with (folder / "labels.csv").open(newline="", encoding="utf-8") as text:
            rows = list(csv.DictReader(text))
        return cls(
            tuple(_picture(folder, row) for row in rows), tuple(row["place_group"] for row in rows)
        )


def _picture(folder: Path, row: Mapping[str, str]) -> KnownPicture:
    latitude, longitude = (
        float(row[name]) if row[name] else None for name in ("latitude", "longitude")
    )
    file = str(folder / row["file"])
    return KnownPicture(
        row["image_id"], file, row["country"], row["city"] or None, latitude, longitude
    )


def recipes(models: Path) -> dict[str, PredictRecipe]:
    """How each row is asked. Raises ValueError if a system was not trained."""
    shared = {"samples": ["none"], "output": "none.parquet"}
    written = FREE | {"prompt": "location", "max_new_tokens": 96, "batch_size": BATCH["georay"]}
    adapters = str(packaged_adapters("tiny"))
    found = {
        "tiny as packaged": shared | {"model": "tiny", "adapters": adapters, "answering": written},
    }
    ranked = {"top_k": 5, "batch_size": BATCH["baseline"]}
    for name, label in SYSTEMS.items():
        folder = models / name
        if not is_baseline(str(folder)):
            raise ValueError(f"{folder} holds no baseline: run benchmarks.baselines first")
        found[label] = shared | {"model": str(folder), "answering": ranked}
    return {label: parse_recipe(one, PredictRecipe, label) for label, one in found.items()}


def answered(label: str, recipe: PredictRecipe, pictures: Sequence[KnownPicture]) -> pa.Table:
    """One row of PREDICTIONS for each picture, in their order."""
    rows = ReadPictures()(picture_rows(pictures))
    subject = ModelIdentity(label, None, {}, {}, None)
    with progress(f"answering ({label})", len(pictures)) as meter:
        return AnswerPictures(recipe, subject, PREDICTIONS, meter.advance)(rows)


def figures(table: pa.Table, places: Sequence[str]) -> dict[str, Any]:
    """Right countries, and places within distances, of those whose truth is known."""
    found = outcomes_of(table, "photographs", "haversine")
    country, named = found.country, Counter(table["country"].drop_null().to_pylist())
    groups = np.array(places)
    return {
        "statuses": dict(Counter(table["status"].to_pylist())),
        "country": asdict(share_of_places(country.correct, country.known, groups)),
        "within": {
            f"{km:g} km": asdict(
                share_of_places(is_within(found.distance_km, km, Measuring()), found.placed, groups)
            )
            for km in DISTANCES_KM
        },
        "commonest_answer": named.most_common(1)[0] if named else None,
        "countries_named": len(named),
    }


def share_of_places(right: Mask, known: Mask, places: np.ndarray) -> Figure:
    """A share of pictures; its interval from drawing whole places with replacement."""
    if not known.any():
        return UNDEFINED
    _, number = np.unique(places[known], return_inverse=True)
    sizes = np.bincount(number).astype(float)
    hits = np.bincount(number, weights=right[known].astype(float))
    chances = np.full(len(sizes), 1 / len(sizes))
    draws = np.random.default_rng(_SEED).multinomial(len(sizes), chances, _DRAWS)
    low, high = np.quantile((draws @ hits) / (draws @ sizes), (0.025, 0.975)).tolist()
    return Figure(float(hits.sum() / sizes.sum()), low, high)


def floors(found: Photographs) -> dict[str, Any]:
    """What is reached without looking at any picture, or by knowing the town and no more."""
    countries = np.array([one.country for one in found.pictures])
    places, known = np.array(found.places), np.ones(len(countries), bool)
    ((commonest, _),) = Counter(countries.tolist()).most_common(1)
    drawn = np.isin(countries, list(Atlas.load().by_code))
    points = np.array(
        [(one.latitude, one.longitude) for one in found.pictures if one.latitude is not None],
        np.float64,
    )
    towns = Gazetteer.load().nearest_of_each(points[:, 0], points[:, 1])
    away = distance_km(points[:, 0], points[:, 1], towns.latitude, towns.longitude, "haversine")
    return {
        "commonest_country": commonest,
        "always_the_commonest": asdict(share_of_places(countries == commonest, known, places)),
        "in_a_drawn_country": asdict(share_of_places(drawn, known, places)),
        "num_drawn_countries": len(Atlas.load().by_code),
        "a_drawn_country_by_chance": float(drawn.mean()) / len(Atlas.load().by_code),
        "nearest_towns_name": {f"{km:g} km": float((away <= km).mean()) for km in DISTANCES_KM},
    }


def main() -> None:
    """Asks every row, prints the figures, and writes the record and the page's table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder with labels.csv")
    parser.add_argument("--models", type=Path, default=Path("runs/baselines"))
    options = parser.parse_args()
    computing_commit()
    torch.set_num_threads(1)
    found = Photographs.read(options.data)
    rows = {
        label: figures(answered(label, recipe, found.pictures), found.places)
        for label, recipe in recipes(options.models.absolute()).items()
    }
    results = {
        "photographs": len(found.pictures),
        "with_coordinates": sum(one.latitude is not None for one in found.pictures),
        "places": len(set(found.places)),
        "countries": len({one.country for one in found.pictures}),
        "systems": rows,
        "floors": floors(found),
    }
    config = {"labels": file_sha256(options.data / "labels.csv"), "draws": _DRAWS}
    path = write_record("real_photographs", config, results)
    print(path.read_text(encoding="utf-8"))
    write_photographs(path)


if __name__ == "__main__":
    main()
