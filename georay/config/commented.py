"""A complete recipe to start from: every key with its default, and what it means as a comment."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from georay.config.keys import parts_of
from georay.config.load import Recipe
from georay.config.overlay import plain

_WIDTH = 98
_BOUNDS = ("ge", "gt", "le", "lt")
_BOUND_WORDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
_KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def commented(model: type[Recipe], title: str) -> str:
    """The YAML of a recipe with every key. Those without a default are empty: "# required".

    Parts that are absent by default, and alternatives of a part, stand there as comments.
    """
    about, _ = _documented(model)
    head = [title, *([""] if about else []), *about]
    lines = [*_as_comments(head, ""), "", *_fields(model, {}, "")]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _fields(model: type[BaseModel], values: Mapping[str, Any], indent: str) -> Iterator[str]:
    """The lines of a recipe's keys. values: what differs from the defaults of its class."""
    _, notes = _documented(model)
    for name, field in model.model_fields.items():
        value = values.get(name, _default(field))
        note = [f"{name}: {field.description}"] if field.description else notes.get(name, [])
        yield from _as_comments(note, indent)
        if parts := parts_of(field.annotation):
            yield from _part(name, field, parts, value, indent)
        else:
            yield f"{indent}{name}: {_flow(field, value)}".rstrip() + _remark(field)


def _part(
    name: str, field: FieldInfo, parts: Sequence[type[BaseModel]], value: Any, indent: str
) -> Iterator[str]:
    """A key that holds a recipe, or a list of them."""
    if _is_list(field.annotation):
        yield from _list_of_parts(name, field, parts[0], value, indent)
        return
    first, *others = parts
    inside = list(_section(first, value or {}, f"{indent}  "))
    if value is None and not field.is_required():
        yield f"{indent}{name}: null"
        yield from _commented_out([f"{indent}{name}:", *inside], indent)
        return
    yield f"{indent}{name}:" + _remark(field)
    yield from inside
    for other in others:
        yield from _as_comments(["or:"], indent)
        block = _section(other, {}, f"{indent}  ")
        yield from _commented_out([f"{indent}{name}:", *block], indent)


def _list_of_parts(
    name: str, field: FieldInfo, part: type[BaseModel], value: Any, indent: str
) -> Iterator[str]:
    if value == []:
        yield f"{indent}{name}: []" + _remark(field)
    else:
        yield f"{indent}{name}:" + _remark(field)
    items = [list(_section(part, one, f"{indent}    ")) for one in value or [{}]]
    for number, lines in enumerate(items):
        keys = [line for line in lines if not number or not line.lstrip().startswith("#")]
        at = next(i for i, line in enumerate(keys) if not line.lstrip().startswith("#"))
        keys[at] = f"{indent}  - {keys[at].lstrip()}"
        yield from _commented_out(keys, indent) if value == [] else keys


def _section(part: type[BaseModel], values: Mapping[str, Any], indent: str) -> Iterator[str]:
    about, _ = _documented(part)
    yield from _as_comments(about, indent)
    yield from _fields(part, values, indent)


def _default(field: FieldInfo) -> Any:
    return None if field.is_required() else plain(field.get_default(call_default_factory=True))


def _flow(field: FieldInfo, value: Any) -> str:
    """A value on one line; nothing for a required one, unless there is no choice."""
    if value is None and field.is_required():
        choices = _choices(field.annotation)
        return str(choices[0]) if len(choices) == 1 else ""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _remark(field: FieldInfo) -> str:
    """What the value may be, behind it."""
    kinds = "" if parts_of(field.annotation) else _kind(field.annotation)
    choices = _choices(field.annotation)
    words = [f"one of: {', '.join(map(str, choices))}"] if len(choices) > 1 else []
    words += [f"{_BOUND_WORDS[name]} {bound}" for name, bound in _bounds(field)]
    if field.is_required() and len(choices) != 1:
        words.insert(0, "required" + (f": {kinds}" if kinds and not choices else ""))
    return f"  # {'; '.join(words)}" if words else ""


def _kind(annotation: Any) -> str:
    if _is_list(annotation):
        return "a list"
    return next((word for kind, word in _KINDS.items() if _has(annotation, kind)), "")


def _has(annotation: Any, kind: type) -> bool:
    return annotation is kind or any(_has(one, kind) for one in get_args(annotation))


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) in (tuple, list) or any(
        get_origin(one) in (tuple, list) for one in get_args(annotation)
    )


def _choices(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(choice for one in get_args(annotation) for choice in _choices(one))


def _bounds(field: FieldInfo) -> list[tuple[str, Any]]:
    found = []
    for constraint in [*field.metadata, *_metadata(field.annotation)]:
        parts = constraint if isinstance(constraint, annotated_types.GroupedMetadata) else ()
        for one in [constraint, *parts]:
            found += [(name, getattr(one, name)) for name in _BOUNDS if hasattr(one, name)]
    return [(name, bound) for name, bound in dict.fromkeys(found) if bound is not None]


def _metadata(annotation: Any) -> list[Any]:
    own = list(get_args(annotation)[1:]) if get_origin(annotation) is Annotated else []
    inside = get_args(annotation)[:1] if own else get_args(annotation)
    return own + [found for one in inside if get_origin(one) for found in _metadata(one)]


def _documented(model: type[BaseModel]) -> tuple[list[str], dict[str, list[str]]]:
    """A recipe's docstring: what it says of the whole, and of each key ("name, name: …")."""
    about: list[str] = []
    notes: dict[str, list[str]] = {}
    key = "|".join(map(re.escape, model.model_fields)) or "$^"
    begins = re.compile(rf"(?:^|(?<=[.;] ))((?:{key})(?:, (?:{key}))*): ")
    for paragraph in _paragraphs(model):
        before, *pieces = begins.split(paragraph)
        about += [before.strip()] if before.strip() else []
        for names, text in zip(pieces[::2], pieces[1::2], strict=True):
            notes.setdefault(names.split(", ")[0], []).append(f"{names}: {text.strip(' ;')}")
    return about, notes


def _paragraphs(model: type[BaseModel]) -> list[str]:
    own = [each for each in model.__mro__ if issubclass(each, Recipe) and each is not Recipe]
    texts = [each.__doc__ for each in own if each.__doc__]
    whole = "\n\n".join(textwrap.dedent(f"    {text}").strip() for text in texts)
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", whole) if part.strip()]


def _as_comments(texts: Sequence[str], indent: str) -> Iterator[str]:
    for text in texts:
        for line in textwrap.wrap(text, _WIDTH - len(indent) - 2) or [""]:
            yield f"{indent}# {line}"


def _commented_out(lines: Sequence[str], indent: str) -> Iterator[str]:
    for line in lines:
        yield f"{indent}# {line.removeprefix(indent)}"
