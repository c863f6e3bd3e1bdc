"""report.html of a training run: what was learnt, how it went, and from what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from georay.pages import render_page
from georay.training.watch import StepRecord

WIDTH, HEIGHT = 560, 200
_LEFT, _BOTTOM, _TOP, _RIGHT = 64, 28, 10, 12
_MOST_POINTS = 400


@dataclass(frozen=True)
class Curve:
    """One quantity over the steps as an SVG path; the frame is WIDTH × HEIGHT pixels."""

    name: str
    path: str
    lowest: str
    highest: str
    last: str
    first_step: int
    last_step: int


def render_report(
    manifest: dict[str, Any],
    steps: dict[str, list[StepRecord]],
    recipe: str,
    problem: str | None = None,
) -> str:
    """The page, whole in itself. steps: of each stage by its name; recipe: as YAML.

    problem: why the run stopped, if it did; stages that have begun are shown by their curves.
    """
    stages = [
        {"name": name, "facts": manifest["stages"].get(name), "curves": curves(done)}
        for name, done in steps.items()
        if done or name in manifest["stages"]
    ]
    return render_page(
        __package__,
        "report.html",
        manifest=manifest,
        stages=stages,
        recipe=recipe,
        problem=problem,
        frame={"width": WIDTH, "height": HEIGHT, "left": _LEFT, "bottom": HEIGHT - _BOTTOM},
    )


def curves(steps: Sequence[StepRecord]) -> list[Curve]:
    """Loss, learning rate, gradient norm and speed; none for a stage without steps."""
    if not steps:
        return []
    seconds = [max(one.seconds, 1e-9) for one in steps]
    norms = [one.grad_norm for one in steps if one.grad_norm is not None]
    found = {
        "loss (nats per answer token)": [one.loss for one in steps],
        "learning rate": [one.learning_rate for one in steps],
        "gradient norm": norms if len(norms) == len(steps) else [],  # not every engine tells it
        "tokens per second": [one.num_tokens / s for one, s in zip(steps, seconds, strict=True)],
    }
    numbers = [one.step for one in steps]
    return [_curve(name, numbers, values) for name, values in found.items() if values]


def _curve(name: str, steps: Sequence[int], values: Sequence[float]) -> Curve:
    """Thinned to what a screen can show; each point is the mean of the steps it stands for."""
    size = -(-len(values) // _MOST_POINTS)
    starts = range(0, len(values), size)
    means = [sum(part) / len(part) for part in (values[start : start + size] for start in starts)]
    low, high = min(means), max(means)
    across = (WIDTH - _LEFT - _RIGHT) / max(1, len(means) - 1)
    up = (HEIGHT - _TOP - _BOTTOM) / (high - low) if high > low else 0.0
    points = [
        f"{_LEFT + place * across:.1f},{HEIGHT - _BOTTOM - (value - low) * up:.1f}"
        for place, value in enumerate(means)
    ]
    return Curve(
        name=name,
        path="M" + " L".join(points),
        lowest=f"{low:.4g}",
        highest=f"{high:.4g}",
        last=f"{values[-1]:.4g}",
        first_step=steps[0] + 1,
        last_step=steps[-1] + 1,
    )
