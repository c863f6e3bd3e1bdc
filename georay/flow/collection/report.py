"""The page of a located collection: one file that loads nothing from anywhere."""

import base64
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from georay.config.locate import LocateRecipe
from georay.core.gazetteer import Gazetteer
from georay.core.images import ImageLimits
from georay.core.picture_files import PictureFile
from georay.core.storage import read_bytes
from georay.errors import UnreadableImage
from georay.evaluation.report.maps import WorldMap, map_of_places
from georay.flow.collection.summary import LocateSummary
from georay.pages import render_page

NUM_SHOWN = 12
_SIDE = 360
_MOST_COUNTRIES = 20
_MOST_FAILURES = 50
_LIMITS = ImageLimits()


@dataclass(frozen=True)
class ShownPicture:
    """A picture as a data URI, empty if it cannot be read any more, and what was answered."""

    image: str
    name: str
    place: str
    confidence: str
    reasons: str


@dataclass(frozen=True)
class CountryCount:
    """Answers that name a country; share: of the commonest one."""

    name: str
    count: int
    share: float


@dataclass(frozen=True)
class Page:
    """What the template draws. is_ranked: whether the model says how sure it is."""

    title: str
    lead: str
    summary: LocateSummary
    places: WorldMap | None
    num_placed: int
    countries: list[CountryCount]
    is_ranked: bool
    surest: list[ShownPicture]
    least_sure: list[ShownPicture]
    failures: list[tuple[str, str]]
    locatability: tuple[float, float, float] | None
    low: tuple[int, float] | None


def render_locations(table: pa.Table, recipe: LocateRecipe, summary: LocateSummary) -> str:
    """The page of a run. table: schema LOCATED."""
    return render_page(__package__, "page.html", page=_page(table, recipe, summary))


def _page(table: pa.Table, recipe: LocateRecipe, summary: LocateSummary) -> Page:
    answered = table.filter(pc.equal(table.column("status"), "answered"))
    points = _points(answered)
    is_ranked = answered.column("confidence").null_count < answered.num_rows
    surest, least_sure = _extremes(answered) if is_ranked else (_spread(answered), [])
    where = f" at {recipe.endpoint.base_url}" if recipe.endpoint else ""
    return Page(
        title=recipe.title or Path(recipe.inputs[0]).name or "Located pictures",
        lead=f"{table.num_rows:,} pictures, asked of {recipe.model}{where}.",
        summary=summary,
        places=map_of_places(points, np.ones(len(points), bool)) if len(points) else None,
        num_placed=len(points),
        countries=_countries(answered),
        is_ranked=is_ranked,
        surest=surest,
        least_sure=least_sure,
        failures=_failures(table),
        locatability=_spread_of(table.column("locatability")),
        low=_low(table, recipe),
    )


def _points(answered: pa.Table) -> np.ndarray[Any, np.dtype[np.float64]]:
    """[number, 2] latitude and longitude of the answers that have them."""
    columns = [answered.column(name) for name in ("latitude", "longitude")]
    placed = answered.filter(pc.and_(*(column.is_valid() for column in columns)))
    return np.stack(
        [placed.column(name).to_numpy() for name in ("latitude", "longitude")], axis=1
    ).astype(np.float64)


def _countries(answered: pa.Table) -> list[CountryCount]:
    counts = Counter(answered.column("country").drop_null().to_pylist()).most_common()
    name_of = Gazetteer.load().country_name
    most = counts[0][1] if counts else 1
    found = [
        CountryCount(name_of(code), count, count / most) for code, count in counts[:_MOST_COUNTRIES]
    ]
    if rest := sum(count for _, count in counts[_MOST_COUNTRIES:]):
        found.append(CountryCount("all others", rest, min(1.0, rest / most)))
    return found


def _extremes(answered: pa.Table) -> tuple[list[ShownPicture], list[ShownPicture]]:
    """The surest answers, the surest first; then the least sure of the others, likewise.

    Those about pictures that the model does not know the like of are the least sure of all.
    """
    ranked = answered.filter(answered.column("confidence").is_valid())
    is_foreign = pc.fill_null(pc.equal(ranked.column("sureness"), "unfamiliar"), False)
    ordered = ranked.append_column("is_foreign", is_foreign).sort_by(
        [("is_foreign", "ascending"), ("confidence", "descending"), ("uri", "ascending")]
    )
    num_last = min(NUM_SHOWN, max(0, ordered.num_rows - NUM_SHOWN))
    last = ordered.slice(ordered.num_rows - num_last).to_pylist()
    return _shown(ordered.slice(0, NUM_SHOWN).to_pylist()), _shown(last[::-1])


def _spread(answered: pa.Table) -> list[ShownPicture]:
    """Some answers, evenly out of all: where the model does not say how sure it is."""
    step = max(1, answered.num_rows // NUM_SHOWN)
    chosen = list(range(0, answered.num_rows, step))[:NUM_SHOWN]
    return _shown(answered.take(pa.array(chosen, pa.int64())).to_pylist())


def _shown(rows: Sequence[dict[str, Any]]) -> list[ShownPicture]:
    return [
        ShownPicture(
            image=_thumbnail(row),
            name=row["uri"].rpartition("/")[2],
            place=", ".join(part for part in (row["city"], row["country_name"]) if part)
            or "by coordinates alone",
            confidence=_confidence(row),
            reasons=row["reasons"] or "",
        )
        for row in rows
    ]


def _confidence(row: dict[str, Any]) -> str:
    if row["sureness"] == "unfamiliar":
        return "not sure: unlike what the model knows"
    if row["confidence"] is None:
        return ""
    percent = f"{row['confidence']:.0%}"
    return {"sure": percent, "unsure": f"not sure, {percent}"}.get(
        row["sureness"], f"{percent}, uncalibrated"
    )


def _thumbnail(row: dict[str, Any]) -> str:
    try:
        source = PictureFile.of_row(row["uri"], row["projection"])
        image = source.decode(read_bytes(source.file, _LIMITS.max_bytes), _LIMITS, _SIDE).image
    except (OSError, ValueError, UnreadableImage):
        return ""
    image.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _failures(table: pa.Table) -> list[tuple[str, str]]:
    failed = table.filter(pc.equal(table.column("status"), "failed")).slice(0, _MOST_FAILURES)
    rows = failed.select(["uri", "error"]).to_pylist()
    return [(row["uri"], row["error"] or "no reason told") for row in rows]


def _spread_of(column: pa.ChunkedArray) -> tuple[float, float, float] | None:
    """Least, median and most."""
    values = column.drop_null().to_numpy()
    if not len(values):
        return None
    return float(values.min()), float(np.median(values)), float(values.max())


def _low(table: pa.Table, recipe: LocateRecipe) -> tuple[int, float] | None:
    """How many pictures are below the least locatability that the recipe asks for."""
    if recipe.locatability is None or not recipe.locatability.least:
        return None
    low = pc.sum(pc.equal(table.column("is_locatable"), False), min_count=0).as_py()
    return int(low), recipe.locatability.least
