"""Administrative boundaries that an extract holds as relations, found by name or number."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import osmium
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from georay.acquisition.roads.boundary import joined_rings
from georay.acquisition.roads.extract import check_extract, located_ways, readable
from georay.core.names import fold

_NAME_KEYS = ("name", "int_name", "official_name", "short_name", "alt_name")
_NUM_SUGGESTIONS = 5
# Below a town (level 8 in most countries) come its quarters, which may bear its name.
_TOWN_LEVEL = 8


@dataclass(frozen=True)
class AdminRelation:
    """A boundary relation: `ways` are its member ways with their roles."""

    relation_id: int
    names: tuple[str, ...]
    level: int | None
    country: str | None
    ways: tuple[tuple[int, str], ...]

    @property
    def title(self) -> str:
        level = "" if self.level is None else f", admin level {self.level}"
        return f"{self.names[0]} (relation {self.relation_id}{level})"


@dataclass(frozen=True)
class NamedArea:
    """The area of a relation in degrees; `others` are those of the same name that were passed."""

    relation: AdminRelation
    area: BaseGeometry
    others: tuple[AdminRelation, ...]


def find_area(path: Path, wanted: str) -> NamedArea:
    """The area of the relation that a name or number means, as the extract has it.

    Of several of one name: the one nearest to a town's level (8) from above whose rings close in
    this extract. Raises ValueError with names that come close if there is none.
    """
    relations = list(admin_relations(path))
    candidates = sorted(_meant(relations, wanted), key=_by_likeness_to_a_town)
    if not candidates:
        raise ValueError(_unknown(path, wanted, relations))
    lines = _member_lines(path, candidates)
    for relation in candidates:
        area = _area(relation, lines)
        if area is not None:
            others = tuple(other for other in candidates if other is not relation)
            return NamedArea(relation, area, others)
    best = candidates[0]
    num_present = sum(way in lines for way, _ in best.ways)
    raise ValueError(
        f"the boundary of {best.title} is not whole in {path}: {num_present} of its "
        f"{len(best.ways)} ways are there; take a larger extract, give --boundary FILE or "
        "--around LAT,LON --radius KM, or leave --city out to take every road of the extract"
    )


def admin_relations(path: Path) -> Iterator[AdminRelation]:
    """Every administrative boundary relation of an extract that has a name and ways."""
    check_extract(path)
    with readable(path):
        kept = osmium.filter.TagFilter(("boundary", "administrative"))
        reader = osmium.FileProcessor(str(path), osmium.osm.RELATION).with_filter(kept)
        for found in cast("Iterable[osmium.osm.Relation]", reader):
            relation = _relation(found.id, dict(found.tags), found.members)
            if relation.names and relation.ways:
                yield relation


def _relation(
    relation_id: int, tags: Mapping[str, str], members: osmium.osm.RelationMemberList
) -> AdminRelation:
    level = tags.get("admin_level", "")
    code = tags.get("ISO3166-1:alpha2") or tags.get("ISO3166-1") or tags.get("ISO3166-2", "")[:2]
    keys = [key for key in tags if key in _NAME_KEYS or key.startswith("name:")]
    ordered = sorted(keys, key=lambda key: (key != "name", key != "name:en", key))
    names = (part.strip() for key in ordered for part in tags[key].split(";"))
    return AdminRelation(
        relation_id=relation_id,
        names=tuple(dict.fromkeys(name for name in names if name)),
        level=int(level) if level.isdigit() else None,
        country=code or None,
        ways=tuple((m.ref, m.role) for m in members if m.type == "w"),
    )


def _meant(relations: Sequence[AdminRelation], wanted: str) -> list[AdminRelation]:
    if wanted.strip().isdigit():
        return [relation for relation in relations if relation.relation_id == int(wanted)]
    folded = fold(wanted)
    return [relation for relation in relations if folded in map(fold, relation.names)]


def _by_likeness_to_a_town(relation: AdminRelation) -> tuple[bool, int, int]:
    level = relation.level or 0
    return level > _TOWN_LEVEL, abs(level - _TOWN_LEVEL), relation.relation_id


def _unknown(path: Path, wanted: str, relations: Sequence[AdminRelation]) -> str:
    by_fold = {fold(name): name for relation in relations for name in relation.names}
    close = difflib.get_close_matches(fold(wanted), by_fold, _NUM_SUGGESTIONS, 0.6)
    if close:
        hint = f"did you mean {', '.join(by_fold[each] for each in close)}?"
    elif relations:
        some = sorted({relation.names[0] for relation in relations})[:_NUM_SUGGESTIONS]
        hint = f"it has {', '.join(some)}{' …' if len(relations) > len(some) else ''}."
    else:
        hint = "it has no boundary at all."
    return (
        f"no administrative boundary {wanted!r} in {path}; {hint} "
        "Or give --boundary FILE, or --around LAT,LON --radius KM"
    )


Lines = dict[int, NDArray[np.float64]]


def _member_lines(path: Path, relations: Sequence[AdminRelation]) -> Lines:
    """[N, 2] longitude, latitude of the relations' ways that the extract has whole."""
    wanted = {way for relation in relations for way, _ in relation.ways}
    lines: Lines = {}
    with located_ways(path) as ways:
        for way in ways:
            if way.id in wanted and all(node.location.valid() for node in way.nodes):
                degrees = [(node.location.lon, node.location.lat) for node in way.nodes]
                lines[way.id] = np.array(degrees)
    return lines


def _area(relation: AdminRelation, lines: Lines) -> BaseGeometry | None:
    """The relation's area in degrees, or None if a way is missing or a ring stays open."""
    outer = [way for way, role in relation.ways if role in ("outer", "")]
    inner = [way for way, role in relation.ways if role == "inner"]
    if not outer or not all(way in lines for way in (*outer, *inner)):
        return None
    return joined_rings([lines[way] for way in outer], [lines[way] for way in inner])
