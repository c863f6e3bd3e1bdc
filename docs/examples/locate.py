"""Say where photographs were taken: one of them from Python, then a whole folder as a run.

python locate.py photos/ runs/where
"""

import sys
from pathlib import Path

import pyarrow.parquet as pq

import georay

MODEL = "tiny"  # knows drawn streets only; for photographs see `georay models`


def main(photos: str, output: str) -> None:
    """Locates the first picture, then all of them with two workers."""
    first = min(Path(photos).rglob("*.jpg"))
    (place,) = georay.locate([first], model=MODEL, top_k=3)
    print(f"{first.name}: {place.city}, {place.country_name} ({place.status})")
    print(place.reasons)

    summary = georay.locate(
        inputs=[photos],
        output=output,
        model=MODEL,
        locatability={"least": 0.1},  # below it no model is asked
        workers={"num_workers": 2},
        formats=["geojson"],
    )
    print(summary.as_text())
    rows = pq.read_table(Path(output) / "locations.parquet").to_pylist()
    for row in sorted(rows, key=lambda row: -(row["confidence"] or 0))[:5]:
        print(f"{row['confidence'] or 0:4.0%}  {row['country_name']}  {row['uri']}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
