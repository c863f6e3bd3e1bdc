"""The table: every country of StreetWorld, by code."""

from georay.streetworld.conventions import City, Country
from georay.streetworld.countries_americas import AMERICAS
from georay.streetworld.countries_asia_oceania import ASIA_OCEANIA
from georay.streetworld.countries_eastern import EASTERN
from georay.streetworld.countries_middle_east_africa import MIDDLE_EAST_AFRICA
from georay.streetworld.countries_southern import SOUTHERN
from georay.streetworld.countries_western import WESTERN

COUNTRIES: tuple[Country, ...] = (
    *WESTERN,
    *SOUTHERN,
    *EASTERN,
    *MIDDLE_EAST_AFRICA,
    *ASIA_OCEANIA,
    *AMERICAS,
)
BY_CODE: dict[str, Country] = {country.code: country for country in COUNTRIES}
PLACES: tuple[tuple[Country, City], ...] = tuple(
    (country, city) for country in COUNTRIES for city in country.cities
)
"""Every (country, city) of the world, in the order of the table."""
