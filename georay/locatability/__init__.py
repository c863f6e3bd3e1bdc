"""The science: which classes give a place away, and how much a picture does.

`georay.locatability` is called as the room's one formula, equation 1.
"""

import sys
from types import ModuleType
from typing import Any


class _Formula(ModuleType):
    def __call__(self, area_ratios: Any, weights: Any) -> Any:
        """See `georay.locatability.score.locatability`."""
        from georay.locatability.score import locatability

        return locatability(area_ratios, weights)


sys.modules[__name__].__class__ = _Formula
