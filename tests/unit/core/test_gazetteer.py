"""What the gazetteer answers, on real names."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from georay.core.gazetteer import Gazetteer
from georay.core.names import fold


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.load()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("France", "FR"),
        ("  france ", "FR"),
        ("FR", "FR"),
        ("fra", "FR"),
        ("The Netherlands", "NL"),
        ("Holland", "NL"),
        ("U.S.A.", "US"),
        ("United States of America", "US"),
        ("United States (USA)", "US"),
        ("UK", "GB"),
        ("England", "GB"),
        ("Scotland", "GB"),
        ("Korea", "KR"),
        ("Republic of Korea", "KR"),
        ("Congo", "CG"),
        ("Congo (Kinshasa)", "CD"),
        ("Georgia", "GE"),
        ("Türkiye", "TR"),
        ("Côte d'Ivoire", "CI"),
        ("St Kitts & Nevis", "KN"),
        ("Falkland Islands (Islas Malvinas)", "FK"),
        ("Sydney, Australia", "AU"),
        ("Taiwan", "TW"),
        ("Hong Kong SAR", "HK"),
        ("Macau", "MO"),
        ("Kosovo", "XK"),
        ("Palestine", "PS"),
        ("Brazilian", "BR"),
        ("Ecuadorian", "EC"),
        ("Deutschland", "DE"),
        ("日本", "JP"),
        ("Россия", "RU"),
        ("مصر", "EG"),
        ("대한민국", "KR"),
    ],
)
def test_a_country_is_known_by_name_code_alias_demonym_and_other_languages(
    gazetteer: Gazetteer, name: str, code: str
) -> None:
    assert gazetteer.country(name) == code


@pytest.mark.parametrize(
    "name",
    ["", "N/A", "n/a", "na", "None", "Unknown", "London", "Europe", "Narnia", "🚗", "x" * 999],
)
def test_what_is_no_country_has_no_code(gazetteer: Gazetteer, name: str) -> None:
    assert gazetteer.country(name) is None


def test_every_code_has_a_name_that_leads_back_to_it(gazetteer: Gazetteer) -> None:
    assert len(gazetteer.countries()) == 250
    for code in gazetteer.countries():
        assert gazetteer.country(gazetteer.country_name(code)) == code
        assert gazetteer.country(code) == code


def test_only_codes_have_a_country_name_and_towns(gazetteer: Gazetteer) -> None:
    with pytest.raises(ValueError, match="alpha-2"):
        gazetteer.country_name("fr")
    with pytest.raises(ValueError, match="alpha-2"):
        gazetteer.cities("France")


@pytest.mark.parametrize(
    ("city", "country", "name", "code"),
    [
        ("New York City", "USA", "New York City", "US"),
        ("New York", "United States", "New York City", "US"),
        ("Brooklyn", "US", "Brooklyn", "US"),
        ("St. Petersburg", "Russia", "Saint Petersburg", "RU"),
        ("Saint Petersburg", "US", "St. Petersburg", "US"),
        ("Saint Louis", "United States", "St. Louis", "US"),
        ("St Gallen", "CH", "Sankt Gallen", "CH"),
        ("Koeln", "Germany", "Köln", "DE"),
        ("Cologne", "Germany", "Köln", "DE"),
        ("Reykjavik", "Iceland", "Reykjavík", "IS"),
        ("Sao Paulo", "Brasil", "São Paulo", "BR"),
        ("東京", "日本", "Tokyo", "JP"),
        ("Москва", "Россия", "Moscow", "RU"),
        ("القاهرة", "مصر", "Cairo", "EG"),
        ("서울특별시", "대한민국", "Seoul", "KR"),
        ("北京市", "中国", "Beijing", "CN"),
        ("Chūō-ku", "Japan", "Chūō", "JP"),
        ("Shinjuku-ku, Tokyo", "Japan", "Shinjuku", "JP"),
        ("Bombay", "India", "Mumbai", "IN"),
        ("Bengaluru (Bangalore)", "India", "Bengaluru", "IN"),
        ("Hong Kong", "China", "Hong Kong", "HK"),
        ("Macao", "China", "Macau", "MO"),
        ("San Juan", "Puerto Rico", "San Juan", "PR"),
        ("Kinshasa", "Congo", "Kinshasa", "CD"),
        ("Brazzaville", "Congo", "Brazzaville", "CG"),
        ("Tbilisi", "Georgia", "Tbilisi", "GE"),
        ("Atlanta", "Georgia", "Atlanta", "US"),
        ("Edinburgh", "Scotland", "Edinburgh", "GB"),
        ("Near Lyon", "France", "Lyon", "FR"),
        ("suburb of Melbourne", "Australia", "Melbourne", "AU"),
        ("Minneapolis/St. Paul", "USA", "Minneapolis", "US"),
        ("Dallas-Fort Worth", "USA", "Dallas", "US"),
        ("Paris", None, "Paris", "FR"),
        ("Paris, Texas", None, "Paris", "US"),
        ("London, Ontario", None, "London", "CA"),
        ("Perth, WA", None, "Perth", "AU"),
        ("Savannah, Georgia", None, "Savannah", "US"),
        ("Lima, Peru", "Unknown", "Lima", "PE"),
    ],
)
def test_a_town_is_found_under_the_names_that_people_use(
    gazetteer: Gazetteer, city: str, country: str | None, name: str, code: str
) -> None:
    place = gazetteer.resolve(city, country)
    assert place is not None
    assert (place.name, place.country) == (name, code)


@pytest.mark.parametrize(
    ("city", "latitude", "longitude"),
    [
        ("Portland", 45.5, -122.7),
        ("Portland, Maine", 43.7, -70.3),
        ("Springfield, Illinois", 39.8, -89.6),
        ("Springfield, MA", 42.1, -72.6),
        ("Franklin", 35.9, -86.9),  # Tennessee, not a nickname of Columbus
        ("Manhattan", 40.8, -74.0),
    ],
)
def test_namesakes_are_told_apart_by_region_and_else_by_population(
    gazetteer: Gazetteer, city: str, latitude: float, longitude: float
) -> None:
    place = gazetteer.resolve(city, "United States")
    assert place is not None
    assert (place.latitude, place.longitude) == pytest.approx((latitude, longitude), abs=0.1)


@pytest.mark.parametrize(
    ("city", "country"),
    [
        ("", "France"),
        ("Unknown", "France"),
        ("None", "Italy"),
        ("N/A", None),
        ("🚗", None),
        ("Bay Area", "US"),
        ("Paris", "Narnia"),
        ("Lima", "FR"),
        ("a" * 100_000, "US"),
    ],
)
def test_what_is_no_town_resolves_to_nothing(
    gazetteer: Gazetteer, city: str, country: str | None
) -> None:
    assert gazetteer.resolve(city, country) is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.none() | st.text(max_size=30))
def test_no_text_makes_a_look_up_fail(city: str, country: str | None) -> None:
    gazetteer = Gazetteer.load()
    code, place = gazetteer.country(city), gazetteer.resolve(city, country)
    assert code is None or code in gazetteer.countries()
    assert place is None or place.country in gazetteer.countries()


def test_towns_of_a_country_come_most_populous_first(gazetteer: Gazetteer) -> None:
    towns = gazetteer.cities("IS")
    assert towns[0].name == "Reykjavík"
    assert len(towns) >= 50
    assert all(town.country == "IS" for town in towns)
    populations = [town.population for town in towns]
    assert populations == sorted(populations, reverse=True)


def test_nearest_agrees_with_a_search_through_every_town(gazetteer: Gazetteer) -> None:
    towns = [town for code in gazetteer.countries() for town in gazetteer.cities(code)]
    vectors = _unit_vectors(np.array([(town.latitude, town.longitude) for town in towns]))
    generator = np.random.default_rng(7)
    spots = np.stack([generator.uniform(-90, 90, 60), generator.uniform(-180, 180, 60)], axis=1)
    spots = np.concatenate([spots, [(90, 0), (-90, 0), (-17.0, 179.99), (-17.0, -179.99)]])
    for spot, target in zip(spots, _unit_vectors(spots), strict=True):
        best = towns[int((vectors @ target).argmax())]
        assert gazetteer.nearest(*spot) == best
    centres = gazetteer.nearest_of_each(spots[:, 0], spots[:, 1])
    places = [gazetteer.nearest(*spot) for spot in spots]
    assert centres.countries == [place.country for place in places]
    assert centres.latitude.tolist() == [place.latitude for place in places]
    assert centres.longitude.tolist() == [place.longitude for place in places]


def _unit_vectors(degrees: np.ndarray) -> np.ndarray:
    phi, theta = np.radians(degrees).T
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=1)


def test_nearest_refuses_what_is_off_the_globe(gazetteer: Gazetteer) -> None:
    for latitude, longitude in ((91, 0), (0, 400), (float("nan"), 0)):
        with pytest.raises(ValueError, match="degrees"):
            gazetteer.nearest(latitude, longitude)
        with pytest.raises(ValueError, match="degrees"):
            gazetteer.nearest_of_each(np.array([0.0, latitude]), np.array([0.0, longitude]))


def test_a_towns_centre_leads_back_to_the_town(gazetteer: Gazetteer) -> None:
    place = gazetteer.resolve("Wellington", "New Zealand")
    assert place is not None
    assert gazetteer.nearest(place.latitude, place.longitude) == place


def test_real_street_views_resolve(gazetteer: Gazetteer, shared) -> None:
    table = pa_csv.read_csv(shared("data/street_metadata/places.csv")).to_pylist()
    places = [gazetteer.resolve(row["city"], row["country"]) for row in table]
    assert sum(place is not None for place in places) >= 0.97 * len(table)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's process status")
def test_a_fresh_process_stays_small() -> None:
    script = (
        "import sys; from georay.core.gazetteer import Gazetteer; Gazetteer.load();"
        "print('pandas' in sys.modules);"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    imports_pandas, _, peak_kb, _ = run.stdout.split()
    assert int(peak_kb) < 300_000
    assert imports_pandas == "False"


def test_spellings_of_one_name_fold_to_one() -> None:
    assert fold("SAINT-ÉTIENNE") == fold("St. Etienne") == "saintetienne"
    assert fold("Łódź") == "lodz"
    assert fold("İstanbul") == fold("ISTANBUL")
    assert fold("Kâğıthane") == "kagithane"
    assert fold("ʻEwa") == "ewa"
    assert fold("दिल्ली") != fold("दल")
    assert fold("…") == ""
