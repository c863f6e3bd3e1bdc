"""Pins a model of the hub to one commit."""

import re
from pathlib import Path

from huggingface_hub import HfApi

from georay.core.storage import is_uri
from georay.errors import ModelUnavailable

_COMMIT = re.compile(r"[0-9a-f]{40}")


def commit_of(name: str, revision: str | None, what: str, instead: str) -> str | None:
    """The full commit hash of a hub id at `revision` (by default its main branch); None for a
    local folder.

    what: the kind of model; instead: what a person without the hub may do, both for the message.
    Raises ModelUnavailable if the hub cannot say.
    """
    if is_uri(name) or Path(name).is_dir() or (revision and _COMMIT.fullmatch(revision)):
        return revision
    try:
        return HfApi().model_info(name, revision=revision, timeout=10).sha
    except Exception as problem:  # whatever the hub's transport raises, nothing is pinned
        raise ModelUnavailable(
            f"cannot pin the {what} {name}: the hub did not say what commit "
            f"{revision or 'main'} is ({type(problem).__name__}). {instead}"
        ) from problem
