"""A small made-up run for the report's tests: drawn streets with known area ratios."""

import json
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from georay.core.tables import SCORES, rows_to_table
from georay.curation.report import ChartedScores, Example, ReportData, charted_scores
from georay.locatability.colours import class_palette
from georay.locatability.labels import LABEL_INDEX, NUM_LABELS
from georay.locatability.score import locatability

THRESHOLD = 0.4
PLACES = [(48.86, 2.35, "FR", "Paris"), (35.68, 139.69, "JP", "Tokyo"), (-33.9, 18.4, "ZA", None)]

Row = dict[str, object]


def published_weights() -> NDArray[np.float64]:
    file = resources.files("georay.locatability") / "published_weights.json"
    return np.array(json.loads(file.read_text())["weights"], dtype=np.float64)


def street_class_map(road: float, building: float) -> NDArray[np.uint8]:
    """[40, 60] class ids: sky above, then building, then road, in these shares of the height."""
    heights = [round(40 * share) for share in (1 - road - building, building, road)]
    column = np.repeat([LABEL_INDEX[name] for name in ("sky", "building", "road")], heights)
    return np.tile(column.astype(np.uint8)[:, None], (1, 60))


def scored_row(number: int, class_map: NDArray[np.uint8], **columns: object) -> Row:
    area = np.bincount(class_map.ravel(), minlength=NUM_LABELS) / class_map.size
    latitude, longitude, country, city = PLACES[number % len(PLACES)]
    return {
        "image_id": f"{number:016x}", "uri": f"streets/{number}.jpg", "copies": 1,
        "width": 600, "height": 400, "latitude": latitude + number / 100, "longitude": longitude,
        "country": country, "city": city, "area_ratio": area.astype(np.float32),
        "locatability": float(locatability(area[None], published_weights())[0]),
    } | columns  # fmt: skip


def failed_row(name: str, kind: str = "truncated", **columns: object) -> Row:
    reason = {"error": f"cannot be read: {kind}", "error_kind": kind}
    return {"image_id": f"failed-{name}", "uri": name, "copies": 1} | reason | columns


def street_rows(count: int = 24) -> list[Row]:
    """Rows whose road share falls and whose building share rises from the first to the last."""
    shares = np.linspace(0.0, 0.6, count)
    return [
        scored_row(number, street_class_map(0.65 - share, 0.1 + share))
        for number, share in enumerate(shares)
    ]


def example(row: Row) -> Example:
    area = np.asarray(row["area_ratio"])
    class_map = street_class_map(area[LABEL_INDEX["road"]], area[LABEL_INDEX["building"]])
    picture = Image.fromarray(class_map)
    picture.putpalette(class_palette())
    return Example(row, picture.convert("RGB").resize((600, 400)), class_map)


def charted(rows: list[Row]) -> ChartedScores:
    return charted_scores(rows_to_table(rows, SCORES).to_batches())


def report_data(
    rows: list[Row], num_examples: int = 3, threshold: float = THRESHOLD, title: str = "streets"
) -> ReportData:
    scored = [row for row in rows if row.get("locatability") is not None]
    ordered = sorted(scored, key=lambda row: -float(str(row["locatability"])))
    return ReportData(
        title=title,
        manifest={"state": "finished", "seconds": {"score": 1.5}, "versions": {"georay": "0.1.0"}},
        scores=charted(rows),
        weights=published_weights(),
        threshold=threshold,
        most=[example(row) for row in ordered[:num_examples]],
        least=[example(row) for row in ordered[::-1][:num_examples]],
    )
