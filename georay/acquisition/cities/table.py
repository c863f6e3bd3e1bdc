"""Cities by their place in the world's city network, as GaWC ranks and classes them."""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FILE = Path(__file__).parent / "gawc.parquet"

CLASSES = ("alpha++", "alpha+", "alpha", "alpha-")
"""GaWC's classes of 2018 that the table has, the most connected first."""

PAPER_CITIES = 72
"""How many of the top cities the paper took street views in (section 3.1)."""

CITIES = pa.schema(
    [
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("city", pa.string(), nullable=False),
        pa.field("country", pa.string()),
        pa.field("gawc_class", pa.string()),
        pa.field("connectivity", pa.float64(), nullable=False),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("population", pa.int64()),
        pa.field("geoname_id", pa.int64()),
        pa.field("gawc_name", pa.string(), nullable=False),
    ]
)
"""A city of GaWC's ranking of 2020. `connectivity`: global network connectivity in percent of the
first city's. `gawc_class`: of 2018, lower case, None below alpha-. city, country, coordinates and
population are the gazetteer's; where it does not know the city, `geoname_id` and they are None."""


def read_cities() -> pa.Table:
    """All cities by rank."""
    return pq.read_table(FILE, schema=CITIES)


def choose_cities(
    at_least: str | None = None, countries: Collection[str] = (), count: int | None = None
) -> pa.Table:
    """The cities of a class or a better one, in these countries (alpha-2 codes), the first `count`.

    Raises ValueError for a class that the table does not have.
    """
    cities = read_cities()
    if at_least is not None:
        cities = cities.filter(pc.is_in(cities["gawc_class"], pa.array(_from(at_least))))
    if countries:
        cities = cities.filter(pc.is_in(cities["country"], pa.array(sorted(countries))))
    return cities if count is None else cities.slice(0, count)


def _from(at_least: str) -> list[str]:
    wanted = at_least.strip().lower().replace(" ", "").replace("−", "-")
    if wanted not in CLASSES:
        raise ValueError(f"{at_least!r} is no class of the table: choose of {', '.join(CLASSES)}")
    return list(CLASSES[: CLASSES.index(wanted) + 1])
