"""Curate a folder of street-level photographs, and look at what was kept.

python curate.py photos/ runs/photos
"""

import sys

import pyarrow.dataset

import georay


def main(photos: str, output: str) -> None:
    """Scores every picture of a folder; run again, it goes on where it was."""
    summary = georay.curate(inputs=[photos], output=output, threshold=0.4)
    print(summary.as_text())
    kept = pyarrow.dataset.dataset(f"{output}/curated", format="parquet").to_table()
    best = kept.sort_by([("locatability", "descending")]).slice(0, 5)
    for row in best.select(["uri", "locatability", "country"]).to_pylist():
        print(f"{row['locatability']:.2f}  {row['uri']}  {row['country'] or ''}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
