"""Tables of answers for the tests of figures: a row per image, as short as a test can say it."""

import numpy as np
import pyarrow as pa

from georay.core.tables import JUDGED, rows_to_table
from georay.evaluation.outcomes import Outcomes, outcomes_of

KM = 360 / (2 * np.pi * 6371)  # degrees of a meridian


def judged(rows):
    """A table of schema JUDGED; an absent status is "answered"."""
    filled = [{"image_id": f"i{n}", "model": "m", "status": "answered"} | row
              for n, row in enumerate(rows)]  # fmt: skip
    return rows_to_table(filled, JUDGED)


def outcomes(rows_or_table) -> Outcomes:
    table = rows_or_table if isinstance(rows_or_table, pa.Table) else judged(rows_or_table)
    return outcomes_of(table, "test", "haversine")


def countries(truth, answers):
    """Rows by countries alone, given as codes; "-" is no answer."""
    return [
        {"true_country": true, "country": None if answer == "-" else answer}
        for true, answer in zip(truth, answers, strict=True)
    ]


def candidates(*shares, towns=()):
    """Candidate countries as (code, probability) pairs; towns: (country, city, probability)."""
    return [
        {
            "country": code,
            "country_name": code,
            "probability": share,
            "towns": [
                {"city": city, "latitude": 0.0, "longitude": 0.0, "probability": probability}
                for country, city, probability in towns
                if country == code
            ],
        }
        for code, share in shares
    ]
