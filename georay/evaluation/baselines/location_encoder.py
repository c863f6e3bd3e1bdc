"""GeoCLIP's location encoder: a place in degrees as a vector, at several scales at once.

The parts are named as in the published weights, so that these fit.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SIZE = 512
"""Of a place's vector."""

SCALES = (1.0, 16.0, 256.0)
"""Standard deviations of the random frequencies, the coarsest first."""

_EQUAL_EARTH = (1.340264, -0.081106, 0.000893, 0.003796)
_WORLD = 66.50336 / 180  # both axes of the map to about [-1, 1]
_FREQUENCIES, _HIDDEN = 256, 1024


def equal_earth(places: Tensor) -> Tensor:
    """[N, 2] points of the Equal Earth map (Savric, Patterson and Jenny, 2018).

    places: [N, 2] latitude and longitude in degrees.
    """
    latitude, longitude = torch.deg2rad(places).unbind(dim=1)
    a1, a2, a3, a4 = _EQUAL_EARTH
    root = 3**0.5
    theta = torch.asin(root / 2 * torch.sin(latitude))
    slope = 9 * a4 * theta**8 + 7 * a3 * theta**6 + 3 * a2 * theta**2 + a1
    across = 2 * root * longitude * torch.cos(theta) / (3 * slope)
    up = a4 * theta**9 + a3 * theta**7 + a2 * theta**3 + a1 * theta
    return torch.stack([across, up], dim=1) * _WORLD


class _Fourier(nn.Module):
    """Sines and cosines of random frequencies."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.randn(_FREQUENCIES, 2) * scale, requires_grad=False)

    def forward(self, points: Tensor) -> Tensor:
        turned = 2 * torch.pi * points @ self.b.T
        return torch.cat([torch.cos(turned), torch.sin(turned)], dim=-1)


class _Capsule(nn.Module):
    """One scale."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [_Fourier(scale)]
        for inner in (2 * _FREQUENCIES, _HIDDEN, _HIDDEN):
            layers += [nn.Linear(inner, _HIDDEN), nn.ReLU()]
        self.capsule = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(_HIDDEN, SIZE))

    def forward(self, points: Tensor) -> Tensor:
        found: Tensor = self.head(self.capsule(points))
        return found


class LocationEncoder(nn.Module):
    """The sum of what all scales say."""

    def __init__(self, scales: Sequence[float] = SCALES) -> None:
        super().__init__()
        self._names = [f"LocEnc{number}" for number in range(len(scales))]
        for name, scale in zip(self._names, scales, strict=True):
            self.add_module(name, _Capsule(scale))

    def forward(self, places: Tensor) -> Tensor:
        """[N, SIZE] of places [N, 2], latitude and longitude in degrees."""
        points = equal_earth(places)
        return torch.stack([self.get_submodule(name)(points) for name in self._names]).sum(dim=0)
