import re
from html.parser import HTMLParser

from georay.training.report import curves, render_report
from georay.training.watch import StepRecord


def record(step: int, loss: float, grad_norm: float | None = 1.0) -> StepRecord:
    return StepRecord(step, loss, 1e-3, grad_norm, 8, 800, 0.5)


def manifest_of(**stages):
    return {
        "title": "A <run>",
        "recipe": {
            "base": {"model": "tiny"},
            "batches": {"global_batch": 64},
            "stages": [{"adapter": stage} for stage in stages],
        },
        "stages": stages,
        "finished_at": "2024-01-01T00:00:00+00:00",
        "machine": {"cores": 2, "processor": "a chip"},
        "versions": {"torch": "2.13"},
    }


FACTS = {
    "num_samples": 1200,
    "num_steps": 2,
    "train_loss": 1.5,
    "validation_loss": None,
    "num_validation": 0,
    "padding_share": 0.012,
    "notes": ["2 samples were left out: <x>"],
}


class Tags(HTMLParser):
    """Open tags in their order; raises nothing, so that the test can say what is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.opened.append(tag)


def test_the_page_shows_every_stage_with_its_curves_and_reaches_for_nothing_outside():
    page = render_report(
        manifest_of(reasoning=FACTS), {"reasoning": [record(0, 3.0), record(1, 1.5)]}, "seed: 0"
    )
    tags = Tags()
    tags.feed(page)
    assert tags.opened.count("svg") == 4
    assert "A &lt;run&gt;" in page
    assert "<x>" not in page
    assert "1,200" in page
    assert "1.5000" in page
    assert "1.2 % of the input" in page
    assert "seed: 0" in page
    assert not re.search(r"(?:src|href)=\"(?!data:)|https?://", page)


def test_a_run_without_stages_says_so():
    assert "the base stays as it is" in render_report(manifest_of(), {}, "stages: []")


def test_curves_span_their_frame_and_are_thinned_to_what_a_screen_shows():
    loss = curves([record(step, 4000.0 - step) for step in range(4000)])[0]
    points = [tuple(map(float, pair.split(","))) for pair in loss.path[1:].split(" L")]
    assert len(points) == 400
    assert points[0][0] == 64
    assert points[-1][0] == 548
    assert points[0][1] == 10, "the highest loss is at the top"
    assert points[-1][1] == 172
    assert (loss.first_step, loss.last_step, loss.last) == (1, 4000, "1")


def test_a_flat_curve_and_a_single_step_are_drawn():
    assert "nan" not in "".join(curve.path for curve in curves([record(0, 2.0)]))
    assert curves([]) == []


def test_a_norm_that_nobody_knows_is_not_drawn_as_zero():
    assert "gradient norm" in [curve.name for curve in curves([record(0, 2.0)])]
    assert "gradient norm" not in [curve.name for curve in curves([record(0, 2.0, None)])]


def test_a_run_that_stopped_says_why_above_the_curves_of_what_it_did():
    manifest = manifest_of(reasoning=FACTS)
    manifest["recipe"]["stages"].append({"adapter": "location"})
    steps = {"reasoning": [record(0, 3.0)], "location": [record(0, 9.0), record(1, 90.0)]}
    page = render_report(manifest, steps, "seed: 0", "step 2: the loss averages 90")
    assert "step 2: the loss averages 90" in page
    assert "Stopped 2024" in page
    assert page.count("<svg") == 8
    assert page.count("Samples learnt from") == 1, "the second stage did not end"
