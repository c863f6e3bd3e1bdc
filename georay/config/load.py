"""Reading recipes: YAML in, a validated frozen model out, and back to YAML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    model_validator,
)

from georay.config.shared_folder import in_shared_folder
from georay.core.storage import is_uri

Model = TypeVar("Model", bound="Recipe")


class Recipe(BaseModel):
    """Base of every recipe and part of one: frozen; unknown keys, NaN and infinity are refused.

    `${GEORAY_STORAGE}` is written out wherever it stands; see `config.shared_folder`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _in_shared_folder(cls, content: object) -> object:
        return in_shared_folder(content)


def refuse_uri(location: str) -> str:
    """The location as it is; raises ValueError if it is an address in storage."""
    if is_uri(location):
        raise ValueError(
            f"{location!r} is an address in storage; give a path here, on a cluster one that every "
            "node sees (a mounted bucket is one)"
        )
    return location


LocalPath = Annotated[str, AfterValidator(refuse_uri)]
"""A file or folder of this machine, on a cluster one that every node sees: never `s3://…`."""

LocalFile = Annotated[Path, BeforeValidator(lambda location: refuse_uri(str(location)))]
"""The same as a Path, which would make one slash of two."""


def load_recipe(path: Path, model: type[Model]) -> Model:
    """The recipe in a YAML file.

    Raises ValueError naming the file, and each key that is wrong with what was expected.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ValueError(f"cannot read the recipe {path}: {problem.strerror}") from problem
    except yaml.YAMLError as problem:
        raise ValueError(f"the recipe {path} is not valid YAML: {problem}") from problem
    return parse_recipe(content or {}, model, str(path))


def parse_recipe(content: object, model: type[Model], name: str) -> Model:
    """The recipe in already parsed YAML or JSON; raises ValueError as `load_recipe` does."""
    try:
        return model.model_validate(content)
    except ValidationError as problem:
        faults = "\n".join(
            f"  {'.'.join(map(str, fault['loc'])) or '(top)'}: "
            f"{fault['msg'].removeprefix('Value error, ')}"
            for fault in problem.errors()
        )
        raise ValueError(f"the recipe {name} needs changing:\n{faults}") from None


def laid_over(
    recipe: Model | Path | str | None, model: type[Model], settings: Mapping[str, Any]
) -> Model:
    """A recipe, or the one in a YAML file, or none, with settings laid over it.

    A part of a recipe given as a mapping changes only what it names. Raises ValueError as
    `load_recipe` does.
    """
    if recipe is None:
        return parse_recipe(_plain(settings), model, "given")
    base = load_recipe(Path(recipe), model) if isinstance(recipe, str | Path) else recipe
    if not settings:
        return base
    content = _merged(base.model_dump(mode="json"), _plain(settings))
    return parse_recipe(content, model, recipe if isinstance(recipe, str) else "with changes")


def _merged(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(content)
    for name, value in changes.items():
        inside = merged.get(name)
        if isinstance(value, Mapping) and isinstance(inside, Mapping):
            merged[name] = _merged(inside, value)
        else:
            merged[name] = value
    return merged


def _plain(value: Any) -> Any:
    """Recipes as mappings and paths as texts, at any depth."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(inside) for key, inside in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def dump_recipe(recipe: Recipe) -> str:
    """The resolved recipe as YAML, every default written out."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
