"""The report of a run of street views: one HTML page that loads nothing from anywhere."""

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from georay.acquisition.download.place_map import Floats, PlaceMap, place_map
from georay.acquisition.download.summary import Summary
from georay.acquisition.providers import Terms
from georay.config.collect import CollectRecipe
from georay.config.load import dump_recipe
from georay.core.gazetteer import Gazetteer
from georay.core.images import ImageLimits, decode
from georay.core.paths import path_of
from georay.core.storage import read_bytes
from georay.pages import render_page

_NUM_EXAMPLES = 12
_MOST_ROWS = 40
_EXAMPLE_SIDE = 360
_LIMITS = ImageLimits(max_pixels=200_000_000)
_COMPASS = (
    "north",
    "north-east",
    "east",
    "south-east",
    "south",
    "south-west",
    "west",
    "north-west",
)


@dataclass(frozen=True)
class Step:
    """One bar of the funnel; share: of the first."""

    name: str
    count: int
    share: float


@dataclass(frozen=True)
class Kind:
    """Views that could not be had for one kind of reason."""

    name: str
    count: int
    example: str


@dataclass(frozen=True)
class Example:
    """A picture with what its figure says."""

    picture: str
    place: str
    looks: str
    taken: str
    attribution: str


@dataclass(frozen=True)
class Attribution:
    """Whom to name, and for how many pictures."""

    attribution: str
    licence: str
    count: int


@dataclass(frozen=True)
class Page:
    """Everything that the template names."""

    title: str
    source: str
    obligation: str
    terms_url: str
    num_points: int
    num_places: int
    num_pictures: int
    map: PlaceMap
    funnel: list[Step]
    kinds: list[Kind]
    examples: list[Example]
    countries: list[tuple[str, int]]
    attributions: list[Attribution]
    recipe: str


def render_report(
    images: pa.Table, missing: pa.Table, recipe: CollectRecipe, terms: Terms, summary: Summary
) -> str:
    """The page of a run, also of one without a picture; it does not grow with the number of rows.

    images, missing: of schemas STREET_VIEWS and MISSING_VIEWS; pictures are read from their uris.
    """
    page = Page(
        title=recipe.title or path_of(recipe.output).name,
        source=terms.source,
        obligation=terms.obligation,
        terms_url=terms.url,
        num_points=summary.num_points,
        num_places=summary.num_points_with_pictures,
        num_pictures=summary.num_pictures,
        map=place_map(*_places(images, missing)),
        funnel=_funnel(summary, recipe.views.keep),
        kinds=_kinds(summary.kinds, missing),
        examples=list(_examples(images)),
        countries=_countries(images),
        attributions=_attributions(images),
        recipe=dump_recipe(recipe),
    )
    return render_page(__package__, "page.html", page=page)


def _places(images: pa.Table, missing: pa.Table) -> tuple[Floats, Floats]:
    """Places with pictures, and those without any, [number, 2] each."""
    known = images["point_id"].combine_chunks()
    without = missing.filter(pc.invert(pc.is_in(missing["point_id"], value_set=known)))
    taken, absent = (
        np.stack([table["latitude"].to_numpy(), table["longitude"].to_numpy()], axis=1)
        for table in (images, without)
    )
    return taken, absent


def _funnel(summary: Summary, keep: int) -> list[Step]:
    wanted = summary.num_points * keep
    asked = wanted - summary.num_left
    there = asked - summary.num_absent
    counts = {
        "views wanted": wanted,
        "asked for": asked,
        "that exist": there,
        "taken": summary.num_pictures,
    }
    return [Step(name, count, count / max(wanted, 1)) for name, count in counts.items()]


def _kinds(kinds: Mapping[str, int], missing: pa.Table) -> list[Kind]:
    names = missing["error_kind"].to_pylist()
    errors = missing["error"]
    return [
        Kind(name, count, errors[names.index(name)].as_py())
        for name, count in list(kinds.items())[:_MOST_ROWS]
    ]


def _examples(images: pa.Table) -> Iterator[Example]:
    """Pictures from all over the table, which is sorted by a hash."""
    step = max(images.num_rows // _NUM_EXAMPLES, 1)
    at = list(range(0, images.num_rows, step))[:_NUM_EXAMPLES]
    chosen = images.take(pa.array(at, pa.int64()))
    for row in chosen.to_pylist():
        yield Example(
            picture=_embedded(row["uri"]),
            place=", ".join(row[name] for name in ("city", "country") if row[name]) or "a place",
            looks="an unknown way" if row["heading"] is None else _direction(row["heading"]),
            taken="" if row["captured_at"] is None else f"{row['captured_at']:%B %Y}",
            attribution=row["attribution"] or "",
        )


def _embedded(uri: str) -> str:
    small = decode(read_bytes(uri, _LIMITS.max_bytes), _LIMITS).image
    small.thumbnail((_EXAMPLE_SIDE, _EXAMPLE_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _direction(heading: float) -> str:
    return _COMPASS[round(heading / 45) % 8]


def _countries(images: pa.Table) -> list[tuple[str, int]]:
    gazetteer = Gazetteer.load()
    return [
        (gazetteer.country_name(row["values"]) if row["values"] else "not known", row["counts"])
        for row in _counted(images, "country")
    ]


def _attributions(images: pa.Table) -> list[Attribution]:
    pairs = images.group_by(["attribution", "licence"]).aggregate([([], "count_all")])
    rows: list[dict[str, Any]] = pairs.sort_by([("count_all", "descending")]).to_pylist()
    return [
        Attribution(row["attribution"] or "", row["licence"] or "", row["count_all"])
        for row in rows[:_MOST_ROWS]
    ]


def _counted(table: pa.Table, column: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pc.value_counts(table[column]).to_pylist()
    return sorted(rows, key=lambda row: -row["counts"])
