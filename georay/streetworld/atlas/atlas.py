"""The atlas of the drawn world: its countries and landmarks, read from YAML files once."""

from collections.abc import Container
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from georay.streetworld.atlas.schema import City, Country, Landmark, Row

T = TypeVar("T")
SHIPPED = Path(__file__).parent
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C takes a tenth of the time


class _Order(Row):
    countries: tuple[str, ...]


@dataclass(frozen=True)
class Atlas:
    """Countries in the order in which scenes pick them, and landmarks by name."""

    countries: tuple[Country, ...]
    landmarks: dict[str, Landmark]

    @staticmethod
    @cache
    def load(folder: Path = SHIPPED) -> "Atlas":
        """The atlas of a folder with `order.yaml`, `countries/` and `landmarks/`; ours by default.

        Raises ValueError naming each file and key that is wrong.
        """
        landmarks = _landmarks(folder / "landmarks")
        codes = _codes(folder)
        countries = (_country(folder / "countries" / f"{code}.yaml", landmarks) for code in codes)
        return Atlas(tuple(countries), landmarks)

    @cached_property
    def by_code(self) -> dict[str, Country]:
        """Each country by its ISO alpha-2 code."""
        return {country.code: country for country in self.countries}

    @cached_property
    def places(self) -> tuple[tuple[Country, City], ...]:
        """Every (country, city) of the world, in the order of the atlas."""
        return tuple((country, city) for country in self.countries for city in country.cities)


def _landmarks(folder: Path) -> dict[str, Landmark]:
    found: dict[str, Landmark] = {}
    for file in sorted(folder.glob("*.yaml")):
        more = _checked(file, dict[str, Landmark])
        if twice := sorted(found.keys() & more.keys()):
            raise ValueError(f"{file}: {', '.join(twice)}: another file has this landmark too")
        found |= more
    return found


def _codes(folder: Path) -> tuple[str, ...]:
    """The codes of `order.yaml`, which names each file of `countries/` once."""
    file = folder / "order.yaml"
    codes = _checked(file, _Order).countries
    there = {path.stem for path in (folder / "countries").glob("*.yaml")}
    faults = [
        *(f"{code} is named twice" for code in sorted({c for c in codes if codes.count(c) > 1})),
        *(f"there is no countries/{code}.yaml" for code in codes if code not in there),
        *(f"countries/{code}.yaml is not named" for code in sorted(there - {*codes})),
    ]
    if faults:
        raise ValueError(f"{file}: countries: {'; '.join(faults)}")
    return codes


def _country(file: Path, landmarks: Container[str]) -> Country:
    country = _checked(file, Country, landmarks)
    if country.code != file.stem:
        raise ValueError(f"{file}: code: {country.code} in the file of {file.stem}")
    return country


def _checked(file: Path, form: type[T], landmarks: Container[str] = ()) -> T:
    """What a file holds, in its form; `landmarks` are those that a city may name."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)
        return TypeAdapter(form).validate_python(content, context=landmarks)
    except yaml.YAMLError as problem:
        raise ValueError(f"{file}: not valid YAML: {problem}") from problem
    except ValidationError as problem:
        faults = "\n".join(
            f"{file}: {'.'.join(map(str, fault['loc'])) or '(top)'}: "
            f"{fault['msg'].removeprefix('Value error, ')}"
            for fault in problem.errors()
        )
        raise ValueError(faults) from None
