"""The keys that a recipe can have, at any depth: to name the one that was meant."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Key = str | int


def parts_of(annotation: Any) -> list[type[BaseModel]]:
    """The recipes that an annotation allows: alone, as one of several, or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for one in get_args(annotation) for part in parts_of(one)]


def dotted_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of a recipe and its parts, as in `workers.batch_size`."""
    for name, field in model.model_fields.items():
        yield prefix + name
        for part in parts_of(field.annotation):
            yield from dotted_keys(part, f"{prefix}{name}.")


def nearest_key(model: type[BaseModel], keys: Sequence[Key]) -> str | None:
    """The dotted key that an unknown one most likely means; None where nothing is near.

    A key beside it that is spelt alike comes first, then one of that name anywhere.
    """
    *above, unknown = keys
    real, parts = _follow(model, above)
    beside = [name for part in parts for name in part.model_fields]
    if near := difflib.get_close_matches(str(unknown), beside, n=1):
        return ".".join([*real, near[0]])
    anywhere = {key.rpartition(".")[2]: key for key in reversed(list(dotted_keys(model)))}
    near = difflib.get_close_matches(str(unknown), anywhere, n=1, cutoff=0.75)
    return anywhere[near[0]] if near else None


def field_at(model: type[BaseModel], keys: Sequence[Key]) -> FieldInfo | None:
    """The field that keys lead to, through lists and whichever alternative has it."""
    *above, name = keys
    found = [part.model_fields.get(str(name)) for part in _follow(model, above)[1]]
    return next((field for field in found if field is not None), None)


def _follow(model: type[BaseModel], keys: Sequence[Key]) -> tuple[list[str], list[type[BaseModel]]]:
    """The keys without names of alternatives, which pydantic puts between, and where they lead."""
    real: list[str] = []
    parts = [model]
    for key in keys:
        fields = [part.model_fields[str(key)] for part in parts if str(key) in part.model_fields]
        if fields:
            parts = [part for field in fields for part in parts_of(field.annotation)]
        if fields or isinstance(key, int):
            real.append(str(key))
    return real, parts
