"""The timeline of a server under a step of load, as an SVG of three panels."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, GAP, LEFT, TOP = 760, 120, 46, 64, 34
BLUE, ORANGE, GREY = "#2563eb", "#c2410c", "#6b7280"

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Timeline:
    """(second, value) of each quantity."""

    clients: Points
    replicas: Points
    answers_per_s: Points
    median_s: Points


def timeline_svg(found: Timeline) -> str:
    """Replicas and clients, answers per second, and their median seconds, one above the other."""
    end = found.replicas[-1][0]
    panels = [
        _panel(
            "replicas that run, and clients that ask (grey, right scale)",
            [(_stepped(found.replicas), BLUE, 4.0)],
            end,
        )
        + _clients(found.clients, end),
        _panel("answers per second", [(found.answers_per_s, BLUE, 0.0)], end),
        _panel("median seconds to an answer", [(found.median_s, ORANGE, 0.0)], end),
    ]
    bottom = TOP + len(panels) * (HEIGHT + GAP)
    drawn = "".join(
        f'<g transform="translate({LEFT},{TOP + number * (HEIGHT + GAP)})">{panel}</g>'
        for number, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 56} {bottom + 8}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="#333">'
        f'<rect width="100%" height="100%" fill="#fff"/>{drawn}'
        f'<text x="{LEFT + WIDTH / 2}" y="{bottom - 8}" text-anchor="middle">seconds</text></svg>\n'
    )


def _panel(title: str, lines: Sequence[tuple[Points, str, float]], end: float) -> str:
    """Axes and lines. Each line comes with the least value that its scale must reach."""
    top = max(max(least, _round(max(value for _, value in line))) for line, _, least in lines)
    ticks = "".join(
        f'<path d="M0 {HEIGHT * (1 - share)}h{WIDTH}" stroke="#e5e5e5"/>'
        f'<text x="-8" y="{HEIGHT * (1 - share) + 4}" text-anchor="end">{top * share:.3g}</text>'
        for share in (0, 0.5, 1)
    )
    seconds = "".join(
        f'<text x="{at / end * WIDTH:.1f}" y="{HEIGHT + 16}" text-anchor="middle">{at}</text>'
        for at in range(0, int(end) + 1, 20)
    )
    drawn = "".join(_line(line, colour, end, top) for line, colour, _ in lines)
    return f'<text y="-8" font-weight="600">{title}</text>{ticks}{seconds}{drawn}'


def _clients(clients: Points, end: float) -> str:
    top = _round(max(value for _, value in clients))
    labels = "".join(
        f'<text x="{WIDTH + 8}" y="{HEIGHT * (1 - share) + 4}" fill="{GREY}">{top * share:g}</text>'
        for share in (0, 0.5, 1)
    )
    return labels + _line(_stepped(clients), GREY, end, top, "5 4")


def _line(line: Points, colour: str, end: float, top: float, dashes: str = "none") -> str:
    points = " ".join(
        f"{at / end * WIDTH:.1f},{HEIGHT * (1 - value / top):.1f}" for at, value in line
    )
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dashes}"/>'
    )


def _stepped(points: Points) -> Points:
    """A line that stays at a value until the next is seen."""
    found: list[tuple[float, float]] = []
    for at, value in points:
        if found:
            found.append((at, found[-1][1]))
        found.append((at, value))
    return found


def _round(value: float) -> float:
    """The next larger number that reads well on an axis."""
    for step in (0.1, 0.2, 0.5, 1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100):
        if value <= step:
            return step
    return value
