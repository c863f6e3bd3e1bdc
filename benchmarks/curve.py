"""A curve with error bars as an SVG, for the figures of docs/."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 420, 260
_COLOURS = ("#2563eb", "#c2410c", "#047857")


@dataclass(frozen=True)
class Point:
    """A mean at x in [0, 1], and one standard deviation; None where there is none."""

    x: float
    mean: float
    sd: float | None


def curves_svg(
    title: str, x_label: str, y_label: str, curves: Mapping[str, Sequence[Point]]
) -> str:
    """Curves over one axis of shares, each with bars of one standard deviation."""
    highest = max(p.mean + (p.sd or 0) for points in curves.values() for p in points)
    top = 0.2 * -(-highest // 0.2) or 0.2
    drawn = "".join(
        _curve(name, points, top, _COLOURS[i % len(_COLOURS)], i)
        for i, (name, points) in enumerate(curves.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + 190} {_HEIGHT + 110}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="#333">'
        f'<rect width="100%" height="100%" fill="#fff"/><g transform="translate(70,50)">'
        f'<text y="-18" font-weight="600">{escape(title)}</text>{_axes(top)}{drawn}'
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT + 42}" text-anchor="middle">{escape(x_label)}</text>'
        f'<text transform="translate(-48,{_HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text></g></svg>\n"
    )


def _axes(top: float) -> str:
    return "".join(
        f'<text x="{v * _WIDTH}" y="{_HEIGHT + 18}" text-anchor="middle">{v:.0%}</text>'
        f'<text x="-8" y="{_HEIGHT - v * _HEIGHT + 4}" text-anchor="end">{v * top:.2f}</text>'
        f'<path d="M0 {_HEIGHT - v * _HEIGHT}h{_WIDTH}" stroke="#e5e5e5"/>'
        for v in (0, 0.25, 0.5, 0.75, 1)
    )


def _curve(name: str, points: Sequence[Point], top: float, colour: str, number: int) -> str:
    places = [(p.x * _WIDTH, _HEIGHT * (1 - p.mean / top), p) for p in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
    bars = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
        + (
            f'<path d="M{x:.1f} {y - bar:.1f}v{2 * bar:.1f}" stroke="{colour}" stroke-width="2"/>'
            if (bar := _HEIGHT * (p.sd or 0) / top)
            else ""
        )
        for x, y, p in places
    )
    return (
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>{bars}'
        f'<text x="{_WIDTH + 12}" y="{16 + 20 * number}" fill="{colour}">{escape(name)}</text>'
    )
