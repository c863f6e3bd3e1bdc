"""The report of a run of street views: whole, safe, and of one size whatever the run's."""

import io
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from PIL import Image

from georay.acquisition.download.place_map import place_map
from georay.acquisition.download.report import render_report
from georay.acquisition.download.run_files import VIEWS
from georay.acquisition.download.summary import summarize
from georay.acquisition.providers import Terms
from georay.config.collect import CollectRecipe
from georay.config.load import parse_recipe
from georay.core.tables import MISSING_VIEWS, STREET_VIEWS, conform, rows_to_table

TERMS = Terms("Loop <b>back</b>", "https://terms.test", "Name us.", blurs=True)
RECIPE = parse_recipe(
    {"points": "p", "output": "o", "provider": {"name": "panoramax"}}, CollectRecipe, "t"
)


class Wellformed(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in {"meta", "link", "img", "br", "path"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "path":
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def report(rows, num_points, keep=2):
    table = rows_to_table(rows, VIEWS)
    taken = [row["error"] is None for row in table.to_pylist()]
    mask = pa.array(taken, pa.bool_())
    images = conform(table.filter(mask), STREET_VIEWS, "images")
    missing = conform(table.filter(pc.invert(mask)), MISSING_VIEWS, "missing")
    summary = summarize(table, num_points, num_points * keep, "o", TERMS.source)
    page = render_report(images, missing, RECIPE, TERMS, summary)
    reader = Wellformed()
    reader.feed(page)
    assert not reader.open
    return page, " ".join(reader.text)


def view(number, path, error=None):
    place = {"latitude": 48.0 + number / 100, "longitude": 2.0, "country": "FR", "city": "<Paris>"}
    key = {"point_id": f"p{number}", "side": "front", "heading": 90.0}
    if error:
        return {**key, **place, "error": error, "error_kind": error}
    return {**key, **place, "image_id": "i", "uri": str(path), "attribution": "Ada & co",
            "licence": "CC0"}  # fmt: skip


@pytest.fixture
def picture(tmp_path):
    buffer = io.BytesIO()
    Image.new("RGB", (900, 600), "teal").save(buffer, "JPEG")
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    return tmp_path / "a.jpg"


def test_the_page_says_what_became_of_every_view(picture):
    rows = [view(1, picture), view(2, picture), view(3, picture, "no imagery"),
            view(4, picture, "timeout")]  # fmt: skip
    page, text = report(rows, 5)
    for part in ("2 street views at 2 of 5 points", "no imagery", "timeout", "Ada & co", "France"):
        assert part in text
    assert "looking east" in page
    assert "<b>back</b>" not in page and "<Paris>" not in page, "strangers' text is escaped"
    assert page.count("data:image/jpeg") == 2
    assert "http-equiv" in page and 'src="http' not in page


def test_a_run_without_a_picture_has_a_page():
    _, text = report([], 3)
    assert "0 street views at 0 of 3 points" in text


def test_the_page_does_not_grow_with_the_run(picture):
    small, _ = report([view(n % 50, picture) | {"point_id": f"p{n}"} for n in range(50)], 50)
    large, _ = report([view(n % 50, picture) | {"point_id": f"p{n}"} for n in range(5000)], 5000)
    assert len(large) < 1.02 * len(small)


@pytest.mark.parametrize(
    "places",
    [np.array([[48.0, 2.0]]), np.array([[-80.0, -179.0], [80.0, 179.0]]), np.empty((0, 2))],
)
def test_every_place_lies_on_its_map(places):
    drawn = place_map(places, np.empty((0, 2)))
    width, height = map(float, drawn.view_box.split()[2:])
    assert 0.2 * width <= height <= 2.2 * width
    for dots in drawn.dots:
        for move in dots.path.split("M")[1:]:
            x, y = map(float, move.removesuffix("h0").split())
            assert 0 <= x <= width and 0 <= y <= height
