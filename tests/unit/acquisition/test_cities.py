"""The table of cities: GaWC's ranks and classes joined to the gazetteer."""

import pytest

from georay.acquisition.cities import CITIES, PAPER_CITIES, build, choose_cities, read_cities
from georay.core.gazetteer import Gazetteer
from georay.core.geo import distance_km


def names(table):
    return table["city"].to_pylist()


def test_the_table_is_the_ranking_with_places_of_the_gazetteer():
    cities = read_cities()
    assert cities.schema.equals(CITIES)
    assert cities["rank"].to_pylist() == list(range(1, 708))
    assert names(cities)[:4] == ["London", "New York City", "Hong Kong", "Singapore"]
    unplaced = [row["city"] for row in cities.to_pylist() if row["latitude"] is None]
    assert unplaced == ["Ruhrgebiet", "Cangnan"]
    assert None not in cities["country"].to_pylist()
    gazetteer = Gazetteer.load()
    for row in cities.to_pylist()[::50]:
        assert gazetteer.resolve(row["gawc_name"], row["country"]).geoname_id == row["geoname_id"]


def test_cities_of_one_name_are_those_that_the_ranking_means():
    country = {row["gawc_name"]: row["country"] for row in read_cities().to_pylist()}
    assert country["San Jose (CR)"] == "CR" and country["San Jose (California)"] == "US"
    assert country["Birmingham (UK)"] == "GB" and country["Valencia (Sp.)"] == "ES"
    assert country["Taipei"] == country["Taoyuan"] == "TW" and country["Hong Kong"] == "HK"
    assert country["Kinshasa"] == "CD" and country["Pyongyang"] == "KP"


def test_coordinates_agree_with_those_published_beside_the_classes(shared):
    listed = build.read_rows(shared("data/gawc/gawc2018_alpha.csv"))
    last_first = read_cities().to_pylist()[::-1]  # of two Melbournes the larger stays
    placed = {row["city"].lower(): row for row in last_first}
    placed |= {row["gawc_name"].partition("(")[0].strip().lower(): row for row in last_first}
    compared = 0
    for row in listed:
        found = placed.get(row["city"].lower())
        if found:
            compared += 1
            here = float(row["latitude"]), float(row["longitude"])
            assert distance_km(*here, found["latitude"], found["longitude"]) < 30, row
            assert found["gawc_class"] == row["class"]
    assert compared >= 30


def test_the_table_is_what_the_builder_makes(shared, tmp_path):
    import pyarrow.parquet as pq

    build.build(shared("data/gawc"), tmp_path / "again.parquet")
    assert pq.read_table(tmp_path / "again.parquet").equals(read_cities())


def test_a_class_means_that_one_and_the_better_ones():
    assert names(choose_cities("alpha++")) == ["London", "New York City"]
    assert choose_cities("Alpha+").num_rows == 10
    assert choose_cities("alpha-").num_rows == 55
    with pytest.raises(ValueError, match=r"choose of alpha\+\+"):
        choose_cities("beta")


def test_country_and_count_choose_further():
    assert names(choose_cities(countries={"JP"}, count=2)) == ["Tokyo", "Osaka"]
    assert choose_cities("alpha++", {"JP"}).num_rows == 0
    assert len(set(choose_cities(count=PAPER_CITIES)["country"].to_pylist())) == 47
