"""Checks optional packages, and names the command that installs them.

A Ray worker that only scores or answers needs none of them: `pip install georay`.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "acquisition": ("osmium", "pyproj", "shapely"),
        "serve": ("fastapi", "multipart", "prometheus_client"),
        "streetworld": ("skia", "uharfbuzz"),
        "train": ("deepspeed", "tensorboardX"),
    }
)
"""The modules by which it is seen whether an extra of pyproject.toml is there."""


def require_extra(extra: str, doing: str) -> None:
    """Raises ValueError with the command to run if a package of the extra is missing.

    doing: what needs it, as the message begins ("training", "reading roads").
    """
    missing = [name for name in EXTRAS[extra] if find_spec(name) is None]
    if missing:
        raise ValueError(f"{doing} needs {', '.join(missing)}: pip install 'georay[{extra}]'")
