"""Charts of a judgement as parts of SVG: a square of 100 units whose y axis grows upward."""

from dataclasses import dataclass

from georay.evaluation.confidence import Calibration, RiskCoverage


@dataclass(frozen=True)
class Bar:
    """A bin of the reliability plot; all in percent. low, high: the interval of `height`."""

    x: float
    width: float
    height: float
    low: float
    high: float
    mean: float
    title: str


def reliability_bars(found: Calibration) -> list[Bar]:
    """The share of right answers of each bin, over the confidence that they had on average."""
    bars = []
    for one in found.bins:
        right = one.accuracy
        assert right.low is not None and right.high is not None, "bins hold an answer"
        bars.append(
            Bar(
                x=100 * one.low,
                width=100 * (one.high - one.low),
                height=100 * one.share_right,
                low=100 * right.low,
                high=100 * right.high,
                mean=100 * one.mean_confidence,
                title=f"{one.num_answers:,} answers with confidence {one.low:.1f} to "
                f"{one.high:.1f}: {one.share_right:.1%} right",
            )
        )
    return bars


def risk_path(found: RiskCoverage) -> str:
    """The share of wrong answers over the share that is answered, as an SVG path."""
    points = [f"{100 * coverage:.2f} {100 - 100 * risk:.2f}" for coverage, risk in found.curve]
    return "M" + "L".join(points)
