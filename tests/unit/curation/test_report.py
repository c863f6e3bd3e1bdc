import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor
from report_run import (
    charted,
    failed_row,
    published_weights,
    report_data,
    scored_row,
    street_class_map,
    street_rows,
)

from georay.core.tables import SCORES, rows_to_table
from georay.core.world_outline import project
from georay.curation.examples import extremes
from georay.curation.report import render_report
from georay.curation.report.counts import errors_by_kind, funnel, listed_errors
from georay.curation.report.data import charted_scores, scored_pictures
from georay.curation.report.figures import (
    bin_places,
    building_curve,
    kept_at,
    locatability_histogram,
)
from georay.curation.report.pieces import building_chart
from georay.curation.report.worldmap import world_map
from georay.errors import TableMismatch
from georay.locatability.colours import class_colour
from georay.locatability.labels import LABEL_INDEX
from georay.locatability.pictures import overlay_uri, photograph_uri

CHARTS = ("pair", "method", "funnel", "histogram", "building", "weights", "gallery", "map")
VOID = {"meta", "link", "img", "input", "path", "wbr"}


class Reader(HTMLParser):
    """What a browser would see: the tags that stay open, ids, addresses, text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        self.addresses += [names[key] for key in ("src", "href") if key in names]
        self.ids += [names["id"]] if "id" in names else []
        if tag not in VOID:
            self.open.append(tag)
        if tag != "wbr":
            self.text += " "

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data

    def words(self) -> str:
        return " ".join(self.text.split())


@pytest.fixture(scope="module")
def run():
    copies = scored_row(90, street_class_map(0.5, 0.2), copies=3)
    return [*street_rows(), copies, failed_row("a.jpg"), failed_row("b.jpg", "empty", copies=2)]


@pytest.fixture(scope="module")
def page(run):
    return Reader(render_report(report_data(run)))


def picture_of(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


# figures


@given(
    st.lists(st.floats(0, 1), max_size=60), st.sampled_from([0.0, 0.25, 0.4, 0.413, 0.6, 0.95, 1.0])
)
def test_the_histogram_counts_every_score_once_and_splits_at_the_threshold(scores, threshold):
    values = np.array(scores, dtype=np.float64)
    histogram = locatability_histogram(values, threshold)
    assert histogram.kept.sum() == sum(score >= threshold for score in scores)
    assert histogram.dropped.sum() == sum(score < threshold for score in scores)
    assert histogram.edges[-1] > threshold


@pytest.mark.parametrize("threshold", [0.35, 0.4, 0.45, 0.42])
def test_a_round_threshold_falls_between_two_bars(threshold):
    edges = locatability_histogram(np.array([0.1, 0.7]), threshold).edges
    assert np.abs(edges - threshold).min() < 1e-9


def test_trying_a_threshold_counts_scores_at_or_above_it():
    scores = np.array([0.1, 0.4, 0.4, 0.7])
    assert kept_at(scores, np.array([0.0, 0.4, 0.41, 0.8])).tolist() == [4, 3, 1, 0]


def test_the_building_curve_is_the_mean_and_spread_per_share_and_skips_thin_bins():
    share = np.array([0.05, 0.05, 0.05, 0.15, 0.95, 1.0, 0.91])
    score = np.array([0.2, 0.4, 0.6, 0.9, 0.1, 0.1, 0.1])
    curve = building_curve(share, score, num_bins=10)
    assert curve.count.tolist() == [3, 1, 0, 0, 0, 0, 0, 0, 0, 3]
    assert curve.mean[0] == pytest.approx(0.4)
    assert curve.spread[0] == pytest.approx(np.std([0.2, 0.4, 0.6]))
    assert np.isnan(curve.mean[1:9]).all()
    assert curve.mean[9] == pytest.approx(0.1)


def test_places_keep_every_picture_until_the_cap_and_then_the_fullest_cells():
    latitude = np.array([10.1, 10.2, 50.0, -33.9])
    longitude = np.array([20.1, 20.2, -0.1, 18.4])
    kept = np.array([True, False, True, False])
    places = bin_places(latitude, longitude, kept)
    assert (places.kept.sum(), places.dropped.sum()) == (2, 2)
    assert len(places.kept) == 3
    fullest = bin_places(latitude, longitude, kept, max_places=1)
    assert (fullest.latitude[0], fullest.longitude[0]) == (10.25, 20.25)
    assert (fullest.kept[0], fullest.dropped[0]) == (1, 1)


def test_the_building_chart_shows_pictures_when_few_and_their_density_when_many():
    few = scored_pictures(charted(street_rows(24)).rows, 0.4)
    many = scored_pictures(charted(street_rows(24) * 50).rows, 0.4)
    assert building_chart(few, 0.8).dots.count("M") == 24
    assert building_chart(few, 0.8).density == []
    assert building_chart(many, 0.8).dots == ""
    assert building_chart(many, 0.8).density


# the map


def inside(x: float, y: float, path: str) -> bool:
    """Whether a point lies on the land of an SVG path, by the even-odd rule."""
    hits = 0
    for ring in path.split("z")[:-1]:
        points = np.array(re.findall(r"-?[\d.]+", ring), dtype=float).reshape(-1, 2).cumsum(axis=0)
        (x0, y0), (x1, y1) = points.T, np.roll(points, -1, axis=0).T
        crosses = (y0 > y) != (y1 > y)
        at = x0 + (y - y0) / np.where(y1 == y0, 1, y1 - y0) * (x1 - x0)
        hits += int((crosses & (at > x)).sum())
    return hits % 2 == 1


@pytest.mark.parametrize(
    ("place", "latitude", "longitude", "is_land"),
    [
        ("Paris", 48.9, 2.4, True),
        ("Nairobi", -1.3, 36.8, True),
        ("Chukotka, beyond the date line", 67.0, -174.0, True),
        ("Alice Springs", -23.7, 133.9, True),
        ("the middle of the Atlantic", 30.0, -40.0, False),
        ("the Bering Sea", 58.0, 178.0, False),
    ],
)
def test_the_map_puts_places_on_land_or_sea_where_they_are(place, latitude, longitude, is_land):
    x, y = project(np.array([longitude]), np.array([latitude]))
    land = world_map(bin_places(*np.zeros((2, 0)), np.zeros(0, dtype=bool))).land
    assert inside(x[0], y[0], land) == is_land, place


def test_the_map_shows_antarctica_only_when_pictures_lie_there():
    def height(latitude: float) -> float:
        places = bin_places(np.array([latitude]), np.array([0.0]), np.array([True]))
        return float(world_map(places).view_box.split()[3])

    assert height(-75.0) > height(50.0) + 50


# pictures


def test_an_overlay_has_the_photographs_proportions_and_the_classes_colours():
    class_map = street_class_map(road=0.5, building=0.25)
    overlay = picture_of(overlay_uri(class_map, (800, 400), max_side=200)).convert("RGB")
    assert overlay.size == (200, 100)
    assert overlay.getpixel((100, 95)) == ImageColor.getrgb(class_colour("road"))
    assert overlay.getpixel((100, 40)) == ImageColor.getrgb(class_colour("building"))


def test_embedded_photographs_are_small_and_carry_no_metadata():
    photograph = Image.new("RGB", (3000, 1500), "teal")
    photograph.info["comment"] = b"secret"
    small = picture_of(photograph_uri(photograph, max_side=500))
    assert small.size == (500, 250)
    assert len(small.getexif()) == 0
    assert "comment" not in small.info


# counts


def test_the_funnel_accounts_for_every_file(run):
    scores = charted(run)
    pictures = scored_pictures(scores.rows, 0.4)
    steps = {step.name: step.count for step in funnel(scores, pictures, "0.40")}
    kept = sum((row.get("locatability") or 0) >= 0.4 for row in run)
    assert steps == {
        "files found": 30,
        "readable": 27,
        "different pictures": 25,
        "scored": 25,
        "kept": kept,
    }
    assert 0 < kept < 25


def test_errors_are_counted_in_files_and_every_copy_is_named(run):
    scores = charted([*run, failed_row("c.jpg", "empty", copies=2, duplicate_uris=["d.jpg"])])
    assert errors_by_kind(scores.rows) == [("empty", 4), ("truncated", 1)]
    assert {error.file for error in listed_errors(scores.failures)} >= {"a.jpg", "c.jpg", "d.jpg"}


def test_a_path_may_break_at_its_slashes_and_reads_the_same():
    path = "one/two/three.jpg"
    html = render_report(report_data([failed_row(path)]))
    assert "two/<wbr>three" in html
    assert path in Reader(html).words()


def test_a_picture_that_decoded_but_could_not_be_scored_is_readable(run):
    broken = failed_row("e.jpg", "segmentation", width=10, height=10)
    scores = charted([*run, broken])
    steps = {s.name: s for s in funnel(scores, scored_pictures(scores.rows, 0.4), "0.40")}
    assert steps["readable"].count == 28
    assert steps["scored"].lost == "1 failure while scoring"


def test_the_ends_are_those_of_the_whole_run_however_it_is_cut(run):
    table = rows_to_table([*run, *street_rows(24)], SCORES)
    scored = [row for row in table.to_pylist() if row["locatability"] is not None]
    ids = [r["image_id"] for r in sorted(scored, key=lambda r: (-r["locatability"], r["image_id"]))]
    for size in (3, 7, 1000):
        found = charted_scores(table.to_batches(max_chunksize=size)).ends
        assert found["image_id"].to_pylist() == ids[:6] + ids[-6:]
    most, least = extremes(charted(street_rows(5)).ends)
    assert [len(most), len(least)] == [3, 2]
    assert most[0]["locatability"] > least[0]["locatability"] <= least[1]["locatability"]


# the page


def test_every_chart_is_on_the_page_and_every_tag_is_closed(page):
    assert page.open == []
    assert set(page.ids) >= {*CHARTS, "errors", "facts"}


def test_the_page_loads_nothing_from_anywhere(page, run):
    assert page.addresses
    assert all(address.startswith("data:") for address in page.addresses)
    html = render_report(report_data(run))
    assert "default-src 'none'" in html
    assert "@import" not in html and "url(" not in html


def test_the_worked_example_adds_up_to_the_score(run):
    data = report_data(run)
    html = render_report(data)
    table = html[html.index('id="method"') : html.index('id="funnel"')]
    *parts, total = map(float, re.findall(r'class="result">([\d.]+)<', table))
    assert total == pytest.approx(data.most[0].row["locatability"], abs=5e-4)
    assert sum(parts) == pytest.approx(total, abs=0.003)


def test_hostile_names_and_reasons_stay_text():
    hostile = '"><script>alert(1)</script><img src=http://x.invalid/y>.jpg'
    rows = street_rows(6)
    rows[0] |= {"uri": f"folder/{hostile}", "city": hostile, "country": hostile}
    data = report_data([*rows, failed_row(hostile, error=hostile)], title=hostile)
    page = Reader(render_report(data))
    assert page.open == []
    assert all(address.startswith("data:") for address in page.addresses)
    assert hostile in page.text


@pytest.mark.parametrize(
    ("rows", "threshold", "says"),
    [
        ([], 0.4, "This run holds no pictures"),
        ([failed_row("x.jpg")], 0.4, "No picture of this run could be scored"),
        (street_rows(9), 0.99, "None of 9 pictures tells enough"),
        (street_rows(9), 0.0, "All 9 pictures tell enough"),
        (street_rows(1), 0.4, "This picture tells enough"),
        (street_rows(2), 0.4, "1 of 2 pictures tells enough"),
    ],
    ids=["no images", "all errors", "none kept", "all kept", "one image", "two images"],
)
def test_the_page_reads_well_for_unusual_runs(rows, threshold, says):
    page = Reader(render_report(report_data(rows, threshold=threshold)))
    assert page.open == []
    assert says in page.words()
    assert "nan" not in page.words().lower().split()


def test_without_coordinates_the_page_says_why_there_is_no_map():
    rows = [row | {"latitude": None, "longitude": None} for row in street_rows(6)]
    words = Reader(render_report(report_data(rows))).words()
    assert "No picture of this run carries coordinates" in words


def test_a_threshold_between_hundredths_is_not_rounded():
    assert report_data([], threshold=0.4).threshold_text == "0.40"
    assert report_data([], threshold=0.425).threshold_text == "0.425"


def test_the_page_does_not_grow_with_the_run():
    few = [*street_rows(40), *(failed_row(f"{i}.jpg") for i in range(10))]

    def size(times: int) -> int:
        data = report_data([], num_examples=0)
        return len(render_report(replace(data, scores=charted(few * times))))

    assert size(400) < 1.1 * size(40)


def test_a_table_of_another_kind_is_refused_by_name():
    scores = rows_to_table(street_rows(3), SCORES).drop(["image_id"])
    with pytest.raises(TableMismatch, match="image_id"):
        charted_scores(scores.to_batches())


def test_the_weights_chart_starts_with_the_heaviest_class(page):
    words = page.words()
    heaviest = LABEL_INDEX["road"]
    assert published_weights().argmax() == heaviest
    assert "class weight covers road 1.00" in words


def test_pictures_that_the_segmenter_does_not_know_are_told_and_where_to_turn(run):
    assert "MaskFormer" not in Reader(render_report(report_data(run))).words()
    strange = [row | {"outside_segmenter": at < 2} for at, row in enumerate(run)]
    words = Reader(render_report(report_data(strange))).words()
    assert "2 of 25 scored pictures lie outside what this segmenter knows" in words
    assert "use the paper's MaskFormer" in words
