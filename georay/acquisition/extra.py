"""The packages of `georay[acquisition]`, which only those who collect street views install."""

from georay.core import extras

PACKAGES = extras.EXTRAS["acquisition"]


def require_extra() -> None:
    """Raises ValueError with the command to run if a package of the extra is missing."""
    extras.require_extra("acquisition", "reading roads")
