"""The tables that travel with georay are what the builder makes of its sources."""

from importlib import metadata
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from georay.core.gazetteer_build import DATA_FOLDER, SOURCES, build

TABLES = ("cities", "names", "countries")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_states_the_versions_it_was_built_from(name: str) -> None:
    stated = pq.read_schema(DATA_FOLDER / f"{name}.parquet").metadata
    for source in SOURCES[name]:
        assert stated[source.encode()].startswith(f"{source} ".encode())


def test_no_look_up_key_stands_for_two_names_and_every_town_has_one() -> None:
    names = pq.ParquetFile(DATA_FOLDER / "names.parquet").read()
    cities = pq.ParquetFile(DATA_FOLDER / "cities.parquet").read()
    keys = names["key"].to_numpy()
    assert (keys[1:] >= keys[:-1]).all()
    assert len(set(names["city"].to_pylist())) == len(cities) > 200_000


def test_no_alias_is_empty_or_stands_for_two_countries() -> None:
    rows = pq.ParquetFile(DATA_FOLDER / "countries.parquet").read().to_pylist()
    aliases = [alias for row in rows for alias in row["aliases"]]
    assert len(set(aliases)) == len(aliases) > 35_000
    assert "" not in aliases


@pytest.mark.slow
def test_building_again_gives_the_same_tables(tmp_path: Path) -> None:
    stated = pq.read_schema(DATA_FOLDER / "countries.parquet").metadata
    for package in SOURCES["countries"]:
        if stated[package.encode()] != f"{package} {metadata.version(package)}".encode():
            pytest.skip(f"another version of {package} is installed")
    build(tmp_path)
    for name in TABLES:
        built = pq.read_table(tmp_path / f"{name}.parquet")
        assert built.equals(pq.read_table(DATA_FOLDER / f"{name}.parquet"))
