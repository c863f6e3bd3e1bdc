"""The picture of docs/walkthrough.md: of each city the most and the least locatable street view.

python -m benchmarks.walkthrough_figure runs/walkthrough/curated docs/walkthrough.jpg
"""

import argparse
import io
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from georay.core.manifest import write_atomic
from georay.core.picture_files import PictureFile
from georay.core.storage import read_bytes
from georay.streetworld.export.contact_sheet import TITLE_HEIGHT, title

_TILE = 150
_MAX_BYTES = 64 << 20
_COLUMNS = ["uri", "city", "projection", "locatability"]

Row = dict[str, object]


def draw_figure(run: Path, out: Path) -> None:
    """Two rows of pictures with their town and locatability, as a JPEG."""
    columns = [rows for _, rows in sorted(_by_city(run).items())]
    sheet = Image.new("RGB", (len(columns) * _TILE, 2 * (_TILE + TITLE_HEIGHT)), "white")
    for number, rows in enumerate(columns):
        for line, row in enumerate((rows[-1], rows[0])):
            _paste(sheet, row, number * _TILE, line * (_TILE + TITLE_HEIGHT))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=82, optimize=True)
    write_atomic(out, buffer.getvalue())


def _by_city(run: Path) -> dict[str, list[Row]]:
    """Photographs of each city, the least locatable first."""
    found: dict[str, list[Row]] = {}
    for row in pq.read_table(run / "scores", columns=_COLUMNS).to_pylist():
        if row["projection"] is None and row["locatability"] is not None:
            found.setdefault(row["city"], []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (row["locatability"], row["uri"]))
    return found


def _paste(sheet: Image.Image, row: Row, left: int, top: int) -> None:
    file = PictureFile.find(str(row["uri"])).file
    with Image.open(io.BytesIO(read_bytes(file, _MAX_BYTES))) as picture:
        small = picture.convert("RGB").resize((_TILE - 4, _TILE - 4), Image.Resampling.LANCZOS)
    sheet.paste(title(f"{row['city']}, {row['locatability']:.2f}", _TILE), (left, top))
    sheet.paste(small, (left + 2, top + TITLE_HEIGHT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path, help="folder of the curation run")
    parser.add_argument("out", type=Path, help="JPEG to write")
    given = parser.parse_args()
    draw_figure(given.run, given.out)
    print(f"wrote {given.out}")


if __name__ == "__main__":
    main()
