"""Throughput and efficiency over the number of nodes, as an SVG of two panels."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.nodes_fit import Point, fit, strong_efficiency, weak_efficiency

WIDTH, HEIGHT, LEFT, TOP, GAP = 340, 240, 64, 44, 84
BLUE, ORANGE, GREY = "#2563eb", "#c2410c", "#9ca3af"

Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class _Panel:
    """A plot over the number of nodes, doubling from step to step; `top` of its linear scale."""

    most_nodes: int
    top: float

    def x(self, nodes: float) -> float:
        return math.log2(nodes) / max(1.0, math.log2(self.most_nodes)) * WIDTH

    def y(self, value: float) -> float:
        return HEIGHT * (1 - value / self.top)

    def frame(self, title: str) -> str:
        steps = [2**power for power in range(int(math.log2(self.most_nodes)) + 1)]
        nodes = "".join(
            f'<text x="{self.x(one):.1f}" y="{HEIGHT + 18}" text-anchor="middle">{one}</text>'
            for one in steps
        )
        levels = "".join(
            f'<path d="M0 {self.y(self.top * share):.1f}h{WIDTH}" stroke="#e5e5e5"/>'
            f'<text x="-8" y="{self.y(self.top * share) + 4:.1f}" text-anchor="end">'
            f"{self.top * share:.3g}</text>"
            for share in (0, 0.25, 0.5, 0.75, 1)
        )
        name = f'<text x="{WIDTH / 2}" y="{HEIGHT + 38}" text-anchor="middle">nodes</text>'
        return f'<text y="-14" font-weight="600">{title}</text>{levels}{nodes}{name}'

    def line(self, points: Line, colour: str, dashes: str = "none") -> str:
        at = " ".join(f"{self.x(n):.1f},{self.y(value):.1f}" for n, value in points)
        return (
            f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dashes}"/>'
        )

    def mark(self, nodes: float, value: float, colour: str, is_saturated: bool) -> str:
        fill = "#fff" if is_saturated else colour
        return (
            f'<circle cx="{self.x(nodes):.1f}" cy="{self.y(value):.1f}" r="4.5" '
            f'fill="{fill}" stroke="{colour}" stroke-width="2"/>'
        )

    def whisker(self, nodes: float, low: float, high: float, colour: str) -> str:
        return (
            f'<path d="M{self.x(nodes):.1f} {self.y(low):.1f}V{self.y(high):.1f}" '
            f'stroke="{colour}" stroke-width="1.5"/>'
        )


def scaling_svg(title: str, strong: Sequence[Point], weak: Sequence[Point]) -> str:
    """Rows a second with the fit, dashed beyond what was measured; efficiency beside it.

    Hollow marks: the host was saturated, and the fit leaves them out.
    """
    panels = [_throughput(title, strong, weak), _efficiency(strong, weak)]
    drawn = "".join(
        f'<g transform="translate({LEFT + number * (WIDTH + GAP)},{TOP})">{panel}</g>'
        for number, panel in enumerate(panels)
    )
    right, bottom = LEFT + 2 * WIDTH + GAP + 30, TOP + HEIGHT + 76
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {bottom}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="#333">'
        f'<rect width="100%" height="100%" fill="#fff"/>{drawn}'
        f'<text x="{LEFT}" y="{bottom - 10}"><tspan fill="{BLUE}">strong: one size</tspan>   '
        f'<tspan fill="{ORANGE}">weak: one size a node</tspan>   '
        f'<tspan fill="{GREY}">grey: ideal; line: fit, dashed where nothing was measured; '
        f"hollow: host saturated</tspan></text></svg>\n"
    )


def _throughput(title: str, strong: Sequence[Point], weak: Sequence[Point]) -> str:
    points = [*strong, *weak]
    most = max(one.num_nodes for one in points)
    found = fit(list(dict.fromkeys(points)))
    shown = most if found is None else max(most, found.most_nodes)
    first = min(strong, key=lambda one: one.num_nodes)
    ideal = first.rows_per_s / first.num_nodes
    panel = _Panel(
        shown, max(ideal * shown, *(one.num_rows / one.fastest for one in points)) * 1.05
    )
    drawn = panel.frame(f"{title}: rows per second")
    drawn += panel.line(_curve(lambda n: ideal * n, 1, shown), GREY, "2 4")
    rate = None if found is None else _rates(found.seconds, first.num_rows)
    if found is not None and rate is not None:
        measured = max(one.num_nodes for one in found.points)
        drawn += panel.line(_curve(rate, 1, measured), BLUE)
        drawn += panel.line(_curve(rate, measured, shown), BLUE, "7 5")
    for members, colour in ((weak, ORANGE), (strong, BLUE)):
        for one in members:
            low, high = one.num_rows / one.slowest, one.num_rows / one.fastest
            drawn += panel.whisker(one.num_nodes, low, high, colour)
            drawn += panel.mark(one.num_nodes, one.rows_per_s, colour, one.is_saturated)
    return drawn


def _rates(seconds: Callable[[float, float], float], num_rows: int) -> Callable[[float], float]:
    return lambda nodes: num_rows / seconds(nodes, num_rows)


def _efficiency(strong: Sequence[Point], weak: Sequence[Point]) -> str:
    panel = _Panel(max(one.num_nodes for one in [*strong, *weak]), 1.1)
    drawn = panel.frame("efficiency")
    drawn += panel.line([(1, 1.0), (panel.most_nodes, 1.0)], GREY, "2 4")
    kinds: list[tuple[Sequence[Point], Mapping[int, float], str]] = [
        (weak, weak_efficiency(weak), ORANGE),
        (strong, strong_efficiency(strong), BLUE),
    ]
    for members, efficiency, colour in kinds:
        drawn += panel.line(sorted(efficiency.items()), colour)
        for one in members:
            value = efficiency[one.num_nodes]
            drawn += panel.mark(one.num_nodes, value, colour, one.is_saturated)
    return drawn


def _curve(value: Callable[[float], float], first: int, last: int) -> Line:
    """A function at twenty steps from one number of nodes to another, each the same factor on."""
    if last == first:
        return [(first, value(first))]
    return [
        (nodes, value(nodes))
        for nodes in (first * (last / first) ** (step / 20) for step in range(21))
    ]
