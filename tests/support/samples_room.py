"""A curation run and clues as files, of which samples can be made."""

import json

import pyarrow.parquet as pq

from georay.core.tables import CLUES, SCORES, rows_to_table

PARIS = {"country": "France", "city": "Paris", "latitude": 48.85, "longitude": 2.35}
KYOTO = {"country": "JP", "city": "京都市", "latitude": 35.01, "longitude": 135.77}
NOWHERE = {"latitude": 10.0, "longitude": 10.0}
PICTURES = {
    "paris": PARIS | {"locatability": 0.9},
    "kyoto": KYOTO | {"locatability": 0.4},
    "dull": PARIS | {"locatability": 0.1, "latitude": 48.7},
    "broken": PARIS | {"locatability": None, "error": "truncated", "error_kind": "truncated"},
    "stateless": NOWHERE | {"locatability": 0.8},
    "narnia": NOWHERE | {"locatability": 0.8, "country": "Narnia", "city": "Cair Paravel"},
    "townless": NOWHERE | {"locatability": 0.8, "country": "NG"},
    "atlantis": NOWHERE | {"locatability": 0.8, "country": "NG", "city": "Atlantis"},
    "off_globe": PARIS | {"locatability": 0.8, "latitude": 948.0},
}


def write_run(folder, pictures, threshold=0.4):
    """A finished curation run of these pictures, whose files are there."""
    (folder / "scores").mkdir(parents=True)
    (folder / "photos").mkdir()
    rows = []
    for name, row in pictures.items():
        uri = folder / "photos" / f"{name}.jpg"
        uri.write_bytes(name.encode())
        rows.append({"image_id": f"id-{name}", "uri": str(uri), "copies": 1} | row)
    pq.write_table(rows_to_table(rows, SCORES), folder / "scores" / "part-00000.parquet")
    recipe = {"inputs": ["photos"], "output": "run", "threshold": threshold}
    (folder / "manifest.json").write_text(json.dumps({"kind": "curation", "recipe": recipe}))
    return folder


def write_clues(path, rows):
    """Clues with numbers for ids; each row is (image, country, text) or a whole row."""
    named = [
        row
        if isinstance(row, dict)
        else dict(zip(("image_id", "country", "text"), row, strict=True))
        for row in rows
    ]
    table = [{"clue_id": f"c{n}"} | row for n, row in enumerate(named)]
    pq.write_table(rows_to_table(table, CLUES), path)
    return str(path)
