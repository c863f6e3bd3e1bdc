"""The demo from a drawn world to its page, as small as it can be."""

import json
import re

from georay.config.demo import DemoRecipe
from georay.config.load import laid_over
from georay.factory.tune import tune
from georay.flow.demo import run_demo
from georay.flow.drawn import PACKAGED

SHIPPED = {"reasoning", "location"}


def test_the_demo_ends_with_a_page_of_figures_and_does_nothing_twice(cluster, tmp_path):
    smallest = {
        "output": tmp_path,
        "name": "test",
        "images": 45,
        "train": {"stages": [{"adapter": "reasoning"}, {"adapter": "location"}]},
        "predict": {
            "max_images": 6,
            "answering": {"constrained": False, "top_k": 0},  # ranked ones are held elsewhere
        },
        "rows": ["base", "reasoning only", "both stages"],
    }
    recipe = laid_over(PACKAGED / "demo.yaml", DemoRecipe, smallest)
    said: list[str] = []
    finished = run_demo(recipe, said.append)
    page = finished.report.read_text(encoding="utf-8")
    assert "both stages" in finished.text and "both stages" in page
    assert page.count("<figure>") == 6
    assert "No answer says how sure it is" in page and "uncalibrated" in page
    assert "right in 3.6% of the countries and 1.2% of the cities" in page  # of 28 and of 84
    for address in re.findall(r'href="([^"d][^"]*html)"', page):
        assert (finished.report.parent / address).exists(), address
    asked = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["recipe"]["answering"]["prompt"]
        for path in tmp_path.rglob("test-*.json")
    }
    assert asked == {
        "test-base": "location",
        "test-reasoning-only": "reasoning",  # all that its adapter learnt to answer
        "test-both-stages": "location",
    }
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    tuned = tune(recipe, said.append)  # the shipped adapters come from the same flow
    assert (tuned.figures, tuned.report) == (finished.text, finished.report)
    assert {path.parent.name for path in tuned.adapters.rglob("card.json")} == SHIPPED
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")} == kept
