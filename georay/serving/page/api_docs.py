"""Writes the documentation page from OpenAPI, without scripts and without foreign hosts."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jinja2

from georay.serving.page import TEMPLATES

_REFERENCE = "#/components/schemas/"

Facts = Mapping[str, Any]


def docs_page(openapi: Facts) -> str:
    """All routes of an OpenAPI description as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    routes = [
        {
            "path": path,
            "method": method.upper(),
            "facts": facts,
            "body": _bodies(facts, openapi),
            "examples": list(_examples(facts, openapi)),
        }
        for path, methods in openapi["paths"].items()
        for method, facts in methods.items()
    ]
    return environment.get_template("docs.html").render(info=openapi["info"], routes=routes)


def _bodies(route: Facts, openapi: Facts) -> dict[str, list[dict[str, Any]]]:
    """The fields that a route takes, by the kind of body."""
    contents = route.get("requestBody", {}).get("content", {})
    return {
        kind: [
            _field(name, schema, name in _resolved(body["schema"], openapi).get("required", ()))
            for name, schema in _resolved(body["schema"], openapi).get("properties", {}).items()
        ]
        for kind, body in contents.items()
    }


def _field(name: str, schema: Facts, required: bool) -> dict[str, Any]:
    parts = [schema.get("description", "")]
    if schema.get("default") is not None:
        parts.append(f"default {json.dumps(schema['default'])}")
    bounds = [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema]
    if bounds:
        parts.append(" ".join(bounds))
    return {"name": name, "required": required, "text": "; ".join(filter(None, parts))}


_BOUNDS = {"minimum": "from", "maximum": "to"}


def _examples(route: Facts, openapi: Facts) -> Iterator[tuple[str, str]]:
    contents = {"of a request": route.get("requestBody", {}).get("content", {})}
    contents["of an answer"] = route.get("responses", {}).get("200", {}).get("content", {})
    for title, bodies in contents.items():
        for body in bodies.values():
            for example in _resolved(body.get("schema", {}), openapi).get("examples", ()):
                yield title, json.dumps(example, indent=2, ensure_ascii=False)


def _resolved(schema: Facts, openapi: Facts) -> Facts:
    reference = schema.get("$ref", "")
    if not reference.startswith(_REFERENCE):
        return schema
    found: Facts = openapi["components"]["schemas"][reference.removeprefix(_REFERENCE)]
    return found
