"""The world's cities by rank, class and country: where street views are to be taken."""

from georay.acquisition.cities.table import (
    CITIES,
    CLASSES,
    PAPER_CITIES,
    choose_cities,
    read_cities,
)

__all__ = ["CITIES", "CLASSES", "PAPER_CITIES", "choose_cities", "read_cities"]
