"""Keys of the providers: from the environment alone, so that no recipe or report holds one."""

from collections.abc import Mapping


def required_key(name: str, environment: Mapping[str, str]) -> str:
    """The value of a variable. Raises ValueError if it is not set."""
    if not (value := environment.get(name, "").strip()):
        raise ValueError(f"set {name} in the environment: this provider gives pictures by key")
    return value
