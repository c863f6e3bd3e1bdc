"""Sentences about what is wrong with a request's fields, in place of pydantic's."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

_LONGEST = 200  # letters of one fault: what it repeats may be long
_NO_FILE = "Expected UploadFile"  # how FastAPI's own validator of files begins

# By pydantic's type of an error; the names in braces are those of its context.
_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "string_type": "must be a text",
    "string_unicode": "must be a text of whole characters",
    "string_too_long": "may have {max_length} characters at most",
    "string_too_short": "must have {min_length} characters at least",
    "list_type": "must be a list",
    "too_short": "must hold {min_length} or more",
    "too_long": "may hold {max_length} at most",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "literal_error": "must be {expected}",
    "union_tag_invalid": "has the {discriminator} {tag!r}; it must be one of {expected_tags}",
    "union_tag_not_found": "must say its {discriminator}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be {le:g} or less",
}

# What the framework says of a body that it cannot take apart.
_BODIES: Mapping[str, str] = {
    "There was an error parsing the body": "the body cannot be read: send JSON in UTF-8",
    "Missing boundary in multipart.": "the Content-Type of the form names no boundary: let your "
    "HTTP client write that header, as curl -F does",
    "Invalid multipart data.": "the body is no whole multipart form: send it as curl -F does",
}


def describe_field_error(fault: Mapping[str, Any], request: Request) -> str:
    """One error of pydantic as a sentence that names the field."""
    kind = fault["type"]
    field = ".".join(str(part) for part in fault["loc"] if part not in ("body", "path"))[:80]
    if kind == "json_invalid":
        return f"the body is no valid JSON: it breaks at character {field}"
    if kind == "extra_forbidden":
        return f"there is no field {field!r}: remove it (see /docs for the fields)"
    if kind == "missing" and field == "images":
        return "no picture came: send at least one file in the field 'images'"
    if kind == "value_error":
        return _describe_value(field, str(fault["ctx"]["error"]))
    if not field:
        return _describe_whole_body(request)
    words = _WORDS.get(kind, "is not valid").format_map(fault.get("ctx", {}))
    return f"{field} {words}"[:_LONGEST]


def describe_broken_body(detail: str) -> str:
    """What Starlette or FastAPI says of a body that cannot be taken apart."""
    return _BODIES.get(detail, f"the request cannot be read: {detail}")[:_LONGEST]


def _describe_value(field: str, problem: str) -> str:
    if problem.startswith(_NO_FILE):
        name = field.partition(".")[0]
        return f"a part {name!r} has no file name: send files, as curl -F {name}=@street.jpg does"
    return f"{field}: {problem}" if field else problem


def _describe_whole_body(request: Request) -> str:
    kind = request.headers.get("content-type", "")
    if "json" not in kind.lower():
        return "send a JSON object, with the header Content-Type: application/json"
    return "the body must be a JSON object"
