"""Reading recipes: YAML in, a validated frozen model out, and back to YAML."""

from collections.abc import Mapping, Sequence
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

from georay.config.keys import nearest_key
from georay.config.overlay import Setting, merged, plain, with_settings
from georay.config.shared_folder import in_shared_folder
from georay.core.paths import AnyPath, StoragePath, path_of
from georay.core.storage import is_uri, parse_address

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


def valid_location(location: str) -> str:
    """The location as it is; raises ValueError for an address that holds a secret."""
    if is_uri(location):
        parse_address(location)
    return location


Location = Annotated[str, AfterValidator(valid_location)]
"""A file or folder: a path, on a cluster one that every node sees, or a uri of a storage."""

LocalFile = Annotated[Path, BeforeValidator(lambda location: refuse_uri(str(location)))]
"""The same as a Path, which would make one slash of two."""


def load_recipe(path: AnyPath, model: type[Model]) -> Model:
    """The recipe in a YAML file.

    Raises ValueError naming the file, and each key that is wrong with what was expected.
    """
    return parse_recipe(_read(path), model, str(path))


def _read(path: AnyPath) -> Any:
    """What a YAML file holds; nothing is an empty recipe."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ValueError(
            f"cannot read the recipe {path}: {problem.strerror or problem}"
        ) from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ValueError(f"the recipe {path} is not valid YAML: {problem}") from problem
    return {} if content is None else content


def parse_recipe(content: object, model: type[Model], name: str) -> Model:
    """The recipe in already parsed YAML or JSON; raises ValueError as `load_recipe` does."""
    try:
        return model.model_validate(content)
    except ValidationError as problem:
        faults = "\n".join(
            f"  {'.'.join(map(str, fault['loc'])) or '(top)'}: {_explained(fault, model)}"
            for fault in problem.errors()
        )
        raise ValueError(f"the recipe {name} needs changing:\n{faults}") from None


def _explained(fault: Any, model: type[Recipe]) -> str:
    """What is wrong with a key; for one that there is not, which one may be meant."""
    if fault["type"] != "extra_forbidden":
        return str(fault["msg"]).removeprefix("Value error, ")
    near = nearest_key(model, fault["loc"])
    return "there is no such key" + (f"; did you mean {near}?" if near else "")


def laid_over(
    recipe: Model | AnyPath | str | None,
    model: type[Model],
    given: Mapping[str, Any],
    settings: Sequence[str] = (),
) -> Model:
    """A recipe, or the one in a YAML file, or none, with what is given laid over it.

    given: fields by name; a part given as a mapping changes only what it names. settings: more of
    them as text, such as "workers.batch_size=8" (the value is YAML).
    Raises ValueError as `load_recipe` does, and for a key that both ways give.
    """
    chosen = [Setting.parse(text) for text in settings]
    if twice := [one.dotted for one in chosen if one.is_within(given)]:
        raise ValueError(f"{twice[0]} is given by --set and by an option of its own: leave one out")
    if recipe is None:
        content, name = {}, "given by options"
    elif isinstance(recipe, str | Path | StoragePath):
        content, name = _read(path_of(str(recipe))), str(recipe)
    else:
        content, name = recipe.model_dump(mode="json"), "given"
    if not isinstance(content, Mapping) or not (given or chosen):
        return parse_recipe(content, model, name)
    changed = with_settings(merged(content, plain(given)), chosen, model)
    return parse_recipe(changed, model, name if recipe is None else f"{name}, as changed here,")


def dump_recipe(recipe: Recipe) -> str:
    """The resolved recipe as YAML, every default written out."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
