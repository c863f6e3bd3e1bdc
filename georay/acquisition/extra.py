"""The packages of `georay[acquisition]`, which only those who collect street views install."""

from importlib.util import find_spec

PACKAGES = ("osmium", "pyproj", "shapely")


def require_extra() -> None:
    """Raises ValueError with the command to run if a package of the extra is missing."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ValueError(
            f"reading roads needs {', '.join(missing)}: pip install 'georay[acquisition]'"
        )
