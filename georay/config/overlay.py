"""Changes of a recipe before it is checked: one laid over another, and settings given as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import yaml
from pydantic import BaseModel

from georay.config.keys import Key, field_at

_MODELS = (
    ("model", "revision"),
    ("encoder", "revision"),
    ("encoder", "encoder_revision"),
    ("clip", "clip_revision"),
)
"""Keys that name a model, each with the key of its commit."""


def merged(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The content with changes; a part that is given as a mapping changes only what it names.

    The commit of one model is not kept for another.
    """
    joined = dict(content)
    for name, value in changes.items():
        inside = content.get(name)
        if isinstance(value, Mapping) and isinstance(inside, Mapping):
            value = merged(inside, value)
        joined[name] = value
    for model, revision in _MODELS:
        is_other = model in changes and changes[model] != content.get(model)
        if is_other and content.get(revision) and revision not in changes:
            joined[revision] = None
    return joined


@dataclass(frozen=True)
class Setting:
    """One key, from the top, and its value: `workers.batch_size=8`, `stages.0.num_epochs=3`."""

    keys: tuple[str, ...]
    value: Any

    @classmethod
    def parse(cls, text: str) -> Self:
        """A setting as --set takes it; its value is YAML. Raises ValueError for anything else."""
        dotted, sign, value = text.partition("=")
        keys = tuple(key.strip() for key in dotted.split("."))
        if not sign or not all(keys):
            raise ValueError(f"--set takes KEY=VALUE, such as threshold=0.5; not {text!r}")
        try:
            return cls(keys, yaml.safe_load(value))
        except yaml.YAMLError as problem:
            raise ValueError(f"--set {text}: the value is not valid YAML: {problem}") from problem

    @property
    def dotted(self) -> str:
        return ".".join(self.keys)

    def is_within(self, given: Mapping[str, Any]) -> bool:
        """Whether other settings decide the same key."""
        inside: Any = given
        for key in self.keys:
            if not isinstance(inside, Mapping):
                return True
            if key not in inside:
                return False
            inside = inside[key]
        return True


def with_settings(
    content: Mapping[str, Any], settings: Sequence[Setting], model: type[BaseModel]
) -> dict[str, Any]:
    """The content with settings; of several for one key the last one holds.

    Raises ValueError for one that leads into what has no parts.
    """
    changed: Any = dict(content)
    for setting in settings:
        changed = _put(changed, setting, (), model)
    return dict(changed)


def _put(inside: Any, setting: Setting, above: tuple[Key, ...], model: type[BaseModel]) -> Any:
    """What lies at the keys `above`, with the setting in it."""
    if len(above) == len(setting.keys):
        both = isinstance(inside, Mapping) and isinstance(setting.value, Mapping)
        return merged(inside, setting.value) if both else setting.value
    if inside is None:
        inside = _default(model, above)
    key = setting.keys[len(above)]
    if isinstance(inside, list):
        number = _index(key, inside, setting, above)
        changed = list(inside)
        changed[number] = _put(inside[number], setting, (*above, number), model)
        return changed
    if not isinstance(inside, Mapping):
        place = ".".join(map(str, above))
        raise ValueError(f"--set {setting.dotted}: {place} is {inside!r} and has no parts")
    return merged(inside, {key: _put(inside.get(key), setting, (*above, key), model)})


def _index(key: str, values: Sequence[Any], setting: Setting, above: tuple[Key, ...]) -> int:
    if key.isdecimal() and int(key) < len(values):
        return int(key)
    place, last = ".".join(map(str, above)), len(values) - 1
    raise ValueError(
        f"--set {setting.dotted}: {place} is a list; name one of it by its number, 0 to {last}"
        if values
        else f"--set {setting.dotted}: {place} is an empty list; give it as a whole"
    )


def _default(model: type[BaseModel], keys: tuple[Key, ...]) -> Any:
    """What a recipe has where nothing is given: its own default for that key, as YAML has it."""
    field = field_at(model, keys) if keys else None
    if field is None or field.is_required() or field.default is None:
        return {}
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):  # the rest is the default of its class
        return default.model_dump(mode="json", exclude_unset=True)
    return plain(default)


def plain(value: Any) -> Any:
    """Recipes as mappings and paths as texts, at any depth."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {key: plain(inside) for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return str(value) if hasattr(value, "__fspath__") else value
