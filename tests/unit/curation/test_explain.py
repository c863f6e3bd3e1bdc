import numpy as np
from report_run import published_weights
from rich.console import Console

from georay.curation.explain import explain
from georay.locatability.labels import LABEL_INDEX, NUM_LABELS
from georay.locatability.score import contributions


def shown(area: dict[str, float], threshold: float = 0.4, name: str = "a.jpg", **limits) -> str:
    ratios = np.zeros(NUM_LABELS)
    for label, share in area.items():
        ratios[LABEL_INDEX[label]] = share
    console = Console(width=100, no_color=True, force_terminal=False)
    with console.capture() as capture:
        console.print(
            explain(name, contributions(ratios, published_weights()), threshold, **limits)
        )
    return capture.get()


def test_each_class_is_written_as_area_times_weight_largest_first():
    lines = [line.split() for line in shown({"sky": 0.64, "road": 0.36}).splitlines()]
    sums = [line[:6] for line in lines if line[:1] == ["■"]]
    assert sums[0] == ["■", "road", "0.36", "×", "1.00", "="]
    assert sums[1] == ["■", "sky", "0.64", "×", "0.17", "="]


def test_the_verdict_follows_the_threshold():
    assert "kept: at or above the threshold 0.4" in shown({"road": 0.4, "ceiling": 0.6})
    assert "dropped: below the threshold 0.5" in shown({"road": 0.4, "ceiling": 0.6}, 0.5)


def test_the_gauge_fills_up_to_the_score_and_marks_the_threshold():
    gauge = next(line for line in shown({"road": 0.8}).splitlines() if "┃" in line)
    cells = gauge.removeprefix("0 ").removesuffix(" 1")
    assert len(cells) == 50
    assert cells.index("┃") == 20
    assert cells.rstrip("─").replace("┃", "━") == "━" * 40


def test_classes_beyond_the_limit_are_summed_so_that_the_lines_still_add_up():
    text = shown({"road": 0.3, "sidewalk": 0.3, "building": 0.4}, max_parts=1)
    _, _, table = text.partition("class")
    road, rest, total = (line.split() for line in table.splitlines()[1:4])
    assert (road[1], " ".join(rest[:2]), total[0]) == ("road", "everything else", "locatability")
    assert abs(float(road[6]) + float(rest[2]) - float(total[1])) < 0.0015


def test_file_names_are_not_read_as_markup():
    assert "[bold]x[/bold].jpg" in shown({"road": 1.0}, name="[bold]x[/bold].jpg")
