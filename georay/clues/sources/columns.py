"""Columns of a table of sentences, under the names that people give them."""

import math
from collections.abc import Iterable, Mapping, Sequence

from georay.clues.sources.sentence import Sentence

_NAMES: Mapping[str, Sequence[str]] = {
    "text": ("text", "clue", "clues", "sentence", "reasoning", "reasons", "caption", "description"),
    "country": ("country", "country_name", "true_country"),
    "city": ("city", "town", "place_name", "true_city"),
    "latitude": ("latitude", "lat", "true_latitude"),
    "longitude": ("longitude", "lon", "lng", "long", "true_longitude"),
    "image": ("image", "image_id", "image_path", "img", "img_id", "file", "file_name", "filename"),
    "source": ("source", "origin", "site"),
    "licence": ("licence", "license"),
}


class Columns:
    """Which column of a table says what.

    Raises ValueError if none holds the text, or two columns claim to say the same.
    """

    def __init__(self, found: Sequence[str], name: str) -> None:
        plain = {column: column.strip().lower().replace(" ", "_") for column in found}
        self._of: dict[str, str] = {}
        for field, names in _NAMES.items():
            matching = [column for wanted in names for column in found if plain[column] == wanted]
            if len(matching) > 1 and field != "text":
                raise ValueError(
                    f"{name}: the columns {', '.join(matching)} all say {field}; keep one of them"
                )
            if matching:
                self._of[field] = matching[0]
        if "text" not in self._of:
            raise ValueError(
                f"{name}: no column holds the sentences; call it `clue` or `text` "
                f"(found: {', '.join(found) or 'none'})"
            )
        used = set(self._of.values())
        self.unused = tuple(column for column in found if column not in used)

    def sentence(self, row: Mapping[str, object], number: int) -> Sentence:
        """The sentence of a row, its text empty where the row has none."""
        return Sentence(
            text=self._text(row, "text") or "",
            row=number,
            country=self._text(row, "country"),
            city=self._text(row, "city"),
            latitude=self._degrees(row, "latitude", 90),
            longitude=self._degrees(row, "longitude", 180),
            image=self._text(row, "image"),
            source=self._text(row, "source"),
            licence=self._text(row, "licence"),
        )

    def _text(self, row: Mapping[str, object], field: str) -> str | None:
        value = row.get(self._of.get(field, ""))
        text = " ".join(value.split()) if isinstance(value, str) else ""
        # Half a surrogate pair, which JSON can spell, is no text that a table could hold.
        return text.encode("utf-8", "replace").decode() or None

    def _degrees(self, row: Mapping[str, object], field: str, most: float) -> float | None:
        value = row.get(self._of.get(field, ""))
        try:
            degrees = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
        return degrees if math.isfinite(degrees) and abs(degrees) <= most else None


def all_keys(rows: Iterable[Mapping[str, object]]) -> list[str]:
    """The keys of all rows, in the order in which they first appear."""
    return list(dict.fromkeys(key for row in rows for key in row))
