"""A picture of points on roads: one SVG per city."""

from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import shapely

from georay.acquisition.roads.city import CityPoints
from georay.acquisition.roads.network import Floats, Network
from georay.acquisition.roads.projection import unwrapped

SIDE = 1000.0
_MARGIN = 24.0
_FOOT = 44.0
_FINEST = 0.4  # pixels; what is smaller is not drawn
_WIDE = frozenset({"motorway", "trunk", "primary"})
_MIDDLE = frozenset({"secondary", "tertiary"})
_SCALES_M = (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000)
# Attributes and not a style sheet: every viewer draws them.
_LINE = 'fill="none" stroke-linejoin="round" stroke-linecap="round"'
_ROADS = (
    f'{_LINE} stroke="#b9bec6" stroke-width="1"',
    f'{_LINE} stroke="#98a0ab" stroke-width="1.6"',
    f'{_LINE} stroke="#7b8491" stroke-width="2.4"',
)
_EDGE = 'fill="none" stroke="#3b6ea8" stroke-width="1.2" stroke-dasharray="5 4"'
_CHOSEN = 'fill="#d1352b" stroke="#fff" stroke-width="0.8"'
_GAP = 'fill="#f0a11b" stroke="#fff" stroke-width="0.8"'
_LEFT_OUT = 'fill="none" stroke="#d1352b" stroke-width="0.8"'
_TEXT = 'font-family="sans-serif" font-size="14" fill="#222"'
_SMALL = 'font-family="sans-serif" font-size="11" fill="#555"'


class _Page:
    """From metres to pixels, the whole network on one page."""

    def __init__(self, shown: Floats) -> None:
        self._low, high = shown.min(axis=0), shown.max(axis=0)
        self._scale = (SIDE - 2 * _MARGIN) / max(*(high - self._low), 1.0)
        self.width, self.map_height = (high - self._low) * self._scale + 2 * _MARGIN
        self.width = max(self.width, 420.0)

    def pixels(self, metres: Floats) -> Floats:
        x, y = ((metres - self._low) * self._scale + _MARGIN).T
        return np.stack([x, self.map_height - y], axis=1)

    def scale_bar(self) -> tuple[int, float]:
        """(metres, pixels) of a round length that takes about a fifth of the page."""
        metres = max(m for m in _SCALES_M if m * self._scale <= SIDE / 5 or m == _SCALES_M[0])
        return metres, metres * self._scale


def draw(city: CityPoints, title: str) -> str:
    """An SVG of the roads with the chosen points, those that fill gaps, and those left out."""
    network = city.network
    page = _Page(_shown(city))
    height = page.map_height + _FOOT
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {page.width:.0f} {height:.0f}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{page.width:.0f}" height="{height:.0f}" fill="#fff"/>',
        *_roads(network, page),
        _edge(city, page),
        *_dots(city, page),
        *_foot(city, page, title),
        "</svg>",
    ]
    return "\n".join(piece for piece in pieces if piece) + "\n"


def _shown(city: CityPoints) -> Floats:
    """Places that the page must reach: the roads, and the boundary where there is one."""
    nodes = city.network.metres[np.unique(city.network.segments)]
    if city.boundary is None:
        return nodes
    return np.concatenate([nodes, shapely.get_coordinates(city.boundary.area)])


def _roads(network: Network, page: _Page) -> list[str]:
    classes = np.array([road.road_class.removesuffix("_link") for road in network.roads])
    width = np.where(np.isin(classes, list(_WIDE)), 2, np.isin(classes, list(_MIDDLE)).astype(int))
    of_segment = width[network.road_of]
    pixels = page.pixels(network.metres)
    drawn = []
    for rank, look in enumerate(_ROADS):
        lines = shapely.linestrings(pixels[network.segments[of_segment == rank]])
        joined = shapely.line_merge(shapely.multilinestrings(lines))
        parts = shapely.simplify(shapely.get_parts(joined), _FINEST)
        path = "".join(_path(part) for part in parts if part.length > _FINEST)
        drawn.append(f'<path {look} d="{path}"/>')
    return drawn


def _path(line: shapely.Geometry) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in shapely.get_coordinates(line))


def _edge(city: CityPoints, page: _Page) -> str:
    if city.boundary is None:
        return ""
    rings = shapely.get_parts(shapely.boundary(city.boundary.area))
    drawn = [shapely.transform(ring, page.pixels) for ring in rings]
    return f'<path {_EDGE} d="{"".join(map(_path, drawn))}"/>'


def _dots(city: CityPoints, page: _Page) -> list[str]:
    placed = np.array(city.points["placed"].to_pylist(), dtype=object)
    groups = (
        (_LEFT_OUT, city.left_out),
        (_GAP, city.points.filter(pa.array(placed == "gap", pa.bool_()))),
        (_CHOSEN, city.points.filter(pa.array(placed == "interval", pa.bool_()))),
    )
    size = 3.2 if city.points.num_rows > 1500 else 4.5
    return [
        f'<circle {look} cx="{x:.1f}" cy="{y:.1f}" r="{size}"/>'
        for look, table in groups
        for x, y in page.pixels(_metres(city.network, table))
    ]


def _metres(network: Network, table: pa.Table) -> Floats:
    longitude = unwrapped(table["longitude"].to_numpy(), network.plane.longitude)
    return network.plane.to_metres(np.stack([longitude, table["latitude"].to_numpy()], axis=1))


def _foot(city: CityPoints, page: _Page, title: str) -> list[str]:
    metres, length = page.scale_bar()
    label = f"{metres:,} m" if metres < 1000 else f"{metres // 1000:,} km"
    top = page.map_height + 14
    right = page.width - _MARGIN
    counts = f"{title} · red: at intervals, amber: in gaps"
    if city.left_out.num_rows:
        counts += ", hollow: not chosen"
    return [
        f'<text {_TEXT} x="{_MARGIN}" y="{top:.0f}">{escape(counts)}</text>',
        f'<text {_SMALL} x="{_MARGIN}" y="{top + 18:.0f}">'
        "roads © OpenStreetMap contributors, ODbL</text>",
        f'<path d="M{right - length:.1f} {top + 14:.1f}h{length:.1f}" stroke="#222"/>',
        f'<text {_SMALL} text-anchor="end" x="{right - length - 8:.0f}" y="{top + 18:.0f}">'
        f"{label}</text>",
    ]
