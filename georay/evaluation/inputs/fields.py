"""Maps the columns of another program's table to our fields, with notes where they are unclear."""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from georay.core.gazetteer import Gazetteer
from georay.core.place_phrases import says_nothing
from georay.core.tables import JUDGED
from georay.evaluation.inputs.candidates import read_candidates
from georay.evaluation.inputs.cells import numbers, texts, written
from georay.evaluation.inputs.clues import read_clues
from georay.evaluation.inputs.names import PLACE

Columns = dict[str, pa.Array]


class Fields:
    """Reads fields of JUDGED from the columns that hold them. notes: what a reader must know."""

    def __init__(self, table: pa.Table, columns: Mapping[str, str]) -> None:
        self._table = table
        self._columns = columns
        self.notes: list[str] = []

    def ids(self) -> Columns:
        """The ids of the images. Raises ValueError if no column holds them, or a row has none."""
        if "image_id" not in self._columns:
            raise ValueError(
                "no column names the images; call it image_id "
                f"(found: {', '.join(self._table.column_names)})"
            )
        name = self._columns["image_id"]
        found = self.raw(name)
        if found.null_count:
            row = found.is_null().to_pylist().index(True) + 1
            raise ValueError(f"row {row} has no id in the column {name!r}")
        return {"image_id": found}

    def files(self, ids: pa.Array) -> dict[str, str]:
        """The name of the picture's file by its id, where a column beside the ids has them."""
        if "file" not in self._columns:
            return {}
        names = self.raw(self._columns["file"]).to_pylist()
        return {one: name for one, name in zip(ids.to_pylist(), names, strict=True) if name}

    def answer(self) -> Columns:
        """What is answered: country, town, coordinates, of those that have a column."""
        return self._all(PLACE, "no answer")

    def truth(self) -> Columns:
        """What is true, what kind of picture it is, and what it shows; see `answer`."""
        fields = [f"true_{field}" for field in PLACE]
        found = self._all([*fields, "kind", "locatability"], "unknown")
        if (name := self._columns.get("clues")) is not None:
            found["clues"], num_bad = read_clues(self._table.column(name))
            if num_bad:
                self.notes.append(f"{num_bad:,} cells of {name} are no list of texts.")
        return found | self._countries_nearby(found, "true_", "The truth names no country")

    def beside_answers(self) -> Columns:
        """How sure a model is, its reasons and its candidates."""
        found = self._all(["confidence", "reasons"], "absent")
        if (name := self._columns.get("candidates")) is not None:
            read, num_bad = read_candidates(self._table.column(name))
            found["candidates"] = read
            if num_bad:
                self.notes.append(f"{num_bad:,} cells of {name} are no list of countries.")
        return found

    def raw(self, name: str) -> pa.Array:
        """The texts of a column, as they are."""
        try:
            return written(self._table.column(name))
        except ValueError as problem:
            raise ValueError(f"the column {name!r} cannot be read: {problem}") from None

    def countries_of_places(self, columns: Columns) -> Columns:
        """The countries of answers that are coordinates alone, in a table that names none."""
        if "city" in columns:
            return {}
        return self._countries_nearby(columns, "", "The answers name no country")

    def places_of_towns(self, columns: Columns) -> Columns:
        """Coordinates with the town's centre for each answer by name that has none."""
        if "city" not in columns:
            return {}
        resolve = cache(Gazetteer.load().resolve)
        num_rows = self._table.num_rows
        blank = pa.nulls(num_rows, pa.float64())
        latitude = columns.get("latitude", blank).to_pylist()
        longitude = columns.get("longitude", blank).to_pylist()
        countries = columns.get("country", pa.nulls(num_rows, pa.string())).to_pylist()
        num_placed = 0
        for row, (city, country) in enumerate(
            zip(columns["city"].to_pylist(), countries, strict=True)
        ):
            if latitude[row] is not None and longitude[row] is not None:
                continue
            if city and (town := resolve(city, country)):
                latitude[row], longitude[row] = town.latitude, town.longitude
                num_placed += 1
        if num_placed:
            self.notes.append(
                f"{num_placed:,} answers without coordinates count as the centre of their town."
            )
        return {"latitude": pa.array(latitude, pa.float64()),
                "longitude": pa.array(longitude, pa.float64())}  # fmt: skip

    def _countries_nearby(self, columns: Columns, prefix: str, why: str) -> Columns:
        """Countries by coordinates, of a table with these and without a column of those."""
        latitude, longitude = (columns.get(f"{prefix}{end}") for end in ("latitude", "longitude"))
        if f"{prefix}country" in columns or latitude is None or longitude is None:
            return {}
        known = np.asarray(pc.and_(latitude.is_valid(), longitude.is_valid()))
        points = [np.asarray(end.fill_null(0.0))[known] for end in (latitude, longitude)]
        nearest = iter(Gazetteer.load().nearest_of_each(*points).countries)
        self.notes.append(f"{why}: it counts as that of the nearest town.")
        return {
            f"{prefix}country": pa.array(
                [next(nearest) if is_known else None for is_known in known], pa.string()
            )
        }

    def _all(self, fields: Sequence[str] | Mapping[str, object], otherwise: str) -> Columns:
        return {
            field: self._field(field, self._columns[field], otherwise)
            for field in fields
            if field in self._columns
        }

    def _field(self, field: str, name: str, otherwise: str) -> pa.Array:
        column, meaning = self._table.column(name), field.removeprefix("true_")
        try:
            if pa.types.is_string(JUDGED.field(field).type):
                return _named(texts(column)) if meaning in ("country", "city") else texts(column)
            found = numbers(column, meaning)
        except (ValueError, pa.ArrowNotImplementedError) as problem:
            raise ValueError(f"the column for {field} cannot be read: {problem}") from None
        if found.bad:
            row, cell = found.bad[0]
            what = f"{cell!r} in row {row} is no {meaning}"
            if found.values.null_count == len(found.values):
                raise ValueError(f"the column for {field} cannot be read: {what}")
            self.notes.append(f"{len(found.bad):,} cells of {name} count as {otherwise}: {what}.")
        return found.values


def _named(names: pa.Array) -> pa.Array:
    """Without those that say that they name nothing, as "Unknown" does; "NA" is Namibia."""
    country = Gazetteer.load().country
    unique = names.unique().drop_null().to_pylist()
    empty = [name for name in unique if says_nothing(name) and country(name) is None]
    is_empty = pc.is_in(names, pa.array(empty, pa.string()))
    return pc.if_else(is_empty, pa.scalar(None, pa.string()), names)
