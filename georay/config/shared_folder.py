"""The one variable of a recipe: the folder of storage that all nodes of a cluster share."""

import os
import re
from collections.abc import Mapping

STORAGE_VARIABLE = "GEORAY_STORAGE"
_PLACE = "${" + STORAGE_VARIABLE + "}"
_OTHER = re.compile(r"\$\{(?!GEORAY_STORAGE\})[A-Z_]+\}")


def in_shared_folder(content: object) -> object:
    """The content with `${GEORAY_STORAGE}` written out, at any depth.

    The environment says what it is: a path that every node sees, or an address such as
    `s3://bucket/georay`. Raises ValueError where it is needed and unset, and for any other
    `${VARIABLE}`, which would become the name of a folder.
    """
    if isinstance(content, str):
        return _filled(content)
    if isinstance(content, Mapping):
        return {key: in_shared_folder(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return type(content)(in_shared_folder(value) for value in content)
    return content


def _filled(text: str) -> str:
    if other := _OTHER.search(text):
        raise ValueError(f"{other[0]} is not known here: the one variable of a recipe is {_PLACE}")
    if _PLACE not in text:
        return text
    before, _, rest = text.partition(_PLACE)
    if before or (rest and not rest.startswith("/")):
        raise ValueError(f"{_PLACE} begins a path, as in {_PLACE}/samples; not so in {text!r}")
    # An address keeps its options last: s3://bucket?region=… holds s3://bucket/samples?region=…
    folder, mark, options = os.environ.get(STORAGE_VARIABLE, "").partition("?")
    if not folder.rstrip("/"):
        raise ValueError(
            f"set {STORAGE_VARIABLE} in the environment (of a job: in the env_vars of its "
            "runtime_env) to the folder that all nodes share, such as /mnt/georay or "
            "s3://bucket/georay"
        )
    return f"{folder.rstrip('/')}{rest}{mark}{options}"
