"""The tables and the figure of docs/baselines.md, from the records.

python -m benchmarks.baselines_page    # writes them again; the benchmarks do so at their end
"""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.record import FOLDER
from georay.core.manifest import write_atomic

NOT_RUN: Mapping[str, str] = {"llava": "LLaVA", "qwen-vl": "Qwen-VL", "gpt-4v": "GPT-4V"}
"""Recipes by their names, with those of their rows."""

_DOCS = Path(__file__).parents[1] / "docs"
PAGE, FIGURE = _DOCS / "baselines.md", _DOCS / "baselines.svg"
NAMES_NO_TOWN = "georay, reasoning only"
_COLOURS = ("#cbd5e1", "#93c5fd", "#3b82f6", "#1e3a8a")
_WIDTH, _ROW, _LEFT, _TOP = 420, 26, 190, 78

Record = Mapping[str, Any]
Figure = Mapping[str, float | None]


def write_page(path: Path) -> None:
    """Puts the tables of a record into the page, and draws the figure."""
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    write_block("systems", systems_table(results))
    write_block("speeds", speeds_table(results))
    write_atomic(FIGURE, clues_svg(results))
    write_block("figure", [f"![Right countries by the number of clues]({FIGURE.name})"])


def write_photographs(path: Path) -> None:
    """Puts the table of real photographs into the page."""
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    write_block("photographs", photographs_table(results))


def write_block(name: str, lines: Sequence[str]) -> None:
    """Replaces what stands between two comments of the page. Raises ValueError without them."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, found, rest = text.partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{PAGE.name} has no place between {begin!r} and {end!r}")
    write_atomic(PAGE, "\n".join([head + begin, "", *lines, "", end]) + tail)


def systems_table(results: Record) -> list[str]:
    """Right answers of all pictures; the best in bold, with * what no test tells from it."""
    parts = results["by_amount"]
    heads = ["", "country", "town", "within 750 km"]
    heads += [f"country, {name} clues" for name in parts]
    rows = []
    for label in _by_country(results):
        row = results["systems"][label]
        names_town = label != NAMES_NO_TOWN
        cells = [_marked(label, results["best"]["country"], percent(row["country"]))]
        cells.append(
            _marked(label, results["best"]["city"], percent(row["city"]))
            if names_town
            else "not asked"
        )
        cells.append(percent(row["within_750_km"]) if names_town else "not asked")
        cells += [
            _marked(label, part["best"], percent(part["systems"][label])) for part in parts.values()
        ]
        rows.append([label, *cells])
    rows += [[label, *["not run"] * (len(heads) - 1)] for label in NOT_RUN.values()]
    return _markdown(heads, rows)


def speeds_table(results: Record) -> list[str]:
    """How much each learnt in its minutes, and how fast it learns and answers."""
    heads = ["", "minutes", "steps", "epochs", "pictures learnt per second", "answered per second"]
    rows = []
    for label in _by_country(results):
        took = results["took"][label]
        learnt = ["another budget", "", "", ""]
        if "minutes" in took:
            epochs = " + ".join(f"{one:g}" for one in took["epochs"])
            learnt = [f"{took['minutes']:.1f}", f"{took['num_steps']:,}", epochs]
            learnt.append(f"{took['learnt_per_second']:,.0f}")
        rows.append([label, *learnt, f"{took['answered_per_second']:,.0f}"])
    return _markdown(heads, rows)


def photographs_table(results: Record) -> list[str]:
    """Right countries and places within distances, of every system and of the floors."""
    systems, floors = results["systems"], results["floors"]
    distances = list(floors["nearest_towns_name"])
    heads = ["", "country", *(f"within {one}" for one in distances), "says most often"]
    rows = []
    for label in sorted(systems, key=lambda one: -systems[one]["country"]["value"]):
        row = systems[label]
        name, count = row["commonest_answer"] or ("-", 0)
        said = f"{name} ({count} of {results['photographs']})"
        near = [percent(row["within"][one]) for one in distances]
        rows.append([label, percent(row["country"]), *near, said])
    nothing = [""] * len(distances)
    always, code = percent(floors["always_the_commonest"]), floors["commonest_country"]
    rows.append(["*always the commonest country*", always, *nothing, code])
    chance = f"{100 * floors['a_drawn_country_by_chance']:.1f} %"
    rows.append(["*a drawn country by chance*", chance, *nothing, ""])
    best = [f"{100 * one:.1f} %" for one in floors["nearest_towns_name"].values()]
    rows.append(["*the nearest town's name*", "", *best, ""])
    return _markdown(heads, rows)


def percent(figure: Figure) -> str:
    """A share with its interval."""
    value, low, high = figure["value"], figure["low"], figure["high"]
    if value is None or low is None or high is None:
        return "-"
    return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _by_country(results: Record) -> list[str]:
    systems = results["systems"]
    return sorted(systems, key=lambda label: -systems[label]["country"]["value"])


def _marked(label: str, best: Record, text: str) -> str:
    if label == best["row"]:
        return f"**{text}**"
    return f"{text} *" if label in best["not_told_apart"] else text


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *rows)]


def clues_svg(results: Record) -> str:
    """A line per system, with a dot for the right countries in each band of clues."""
    bands, labels = results["by_clues"], _by_country(results)
    dots = {
        label: [band["systems"][label]["value"] or 0.0 for band in bands.values()]
        for label in labels
    }
    top = 0.1 * -(-max(value for each in dots.values() for value in each) // 0.1)
    lines = "".join(_line(label, dots[label], top, n) for n, label in enumerate(labels))
    height = len(labels) * _ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 40} '
        f'{_TOP + height + 40}" font-family="system-ui, sans-serif" font-size="13" fill="#333">'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="16" y="24" font-weight="600">Right countries by the number of clues that a '
        f"scene shows</text>{_legend(bands)}"
        f'<g transform="translate({_LEFT},{_TOP})">{_scale(top, height)}{lines}</g></svg>\n'
    )


def _legend(bands: Record) -> str:
    drawn, x = [], 22.0
    for (name, band), colour in zip(bands.items(), _COLOURS, strict=False):
        text = f"{name} ({band['images']})"
        drawn.append(
            f'<circle cx="{x}" cy="46" r="5" fill="{colour}" stroke="#475569"/>'
            f'<text x="{x + 10}" y="50">{escape(text)}</text>'
        )
        x += 34 + 7.2 * len(text)
    return "".join(drawn)


def _scale(top: float, height: int) -> str:
    num_steps = round(top / 0.1)
    return "".join(
        f'<path d="M{_WIDTH * n / num_steps:.1f} 0v{height}" stroke="#e5e5e5"/>'
        f'<text x="{_WIDTH * n / num_steps:.1f}" y="{height + 18}" text-anchor="middle">'
        f"{n * 10} %</text>"
        for n in range(num_steps + 1)
    )


def _line(label: str, values: Sequence[float], top: float, number: int) -> str:
    y = number * _ROW + _ROW / 2
    places = [_WIDTH * value / top for value in values]
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{colour}" stroke="#475569"/>'
        for x, colour in zip(places, _COLOURS, strict=False)
    )
    return (
        f'<text x="-12" y="{y + 4}" text-anchor="end">{escape(label)}</text>'
        f'<path d="M{min(places):.1f} {y}H{max(places):.1f}" stroke="#94a3b8"/>{dots}'
    )


def main() -> None:
    """Writes the page's tables and the figure from the records that there are."""
    writers = {"baselines.json": write_page, "real_photographs.json": write_photographs}
    for name, write in writers.items():
        if (FOLDER / name).exists():
            write(FOLDER / name)


if __name__ == "__main__":
    main()
