"""The report in a real browser: wide and narrow, light and dark."""

import pytest
from browser import Browser
from report_run import failed_row, report_data, street_rows

from georay.curation.report import render_report

LONG_NAME = "a-very-long-folder-name-without-any-space/" * 6 + "picture.jpg"
CHARTS = ("pair", "method", "funnel", "histogram", "building", "weights", "gallery", "map")


@pytest.fixture(scope="module")
def browser(chromium_program, tmp_path_factory):
    with Browser(chromium_program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    rows = street_rows()
    rows[0] |= {"uri": LONG_NAME}
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(report_data([*rows, failed_row(LONG_NAME)])), encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_fits_its_window_without_a_complaint(browser, page, width, dark):
    browser.problems.clear()
    browser.open(page, width, 900, dark=dark)
    assert browser.problems == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [360, 1440])
def test_every_chart_is_drawn_inside_the_window(browser, page, width):
    browser.open(page, width, 900)
    for chart in CHARTS:
        box = f"document.getElementById('{chart}').getBoundingClientRect()"
        left, right, height = browser.evaluate(f"(b => [b.left, b.right, b.height])({box})")
        assert left >= 0 and right <= width and height > 80, chart
    bars = browser.evaluate(
        "[...document.querySelectorAll('.bin i.kept')].filter(b => b.clientHeight > 4).length"
    )
    assert bars > 2


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_the_page_in_both_schemes(browser, page, dark):
    browser.open(page, 1440, 900, dark=dark)
    colours = browser.evaluate(
        "['.lead', 'h1', '.source', '.is-kept .verdict', '.threshold b'].map(s => "
        "getComputedStyle(document.querySelector(s)).color)"
    )
    paper = _luminance(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert (paper < 0.1) == dark
    for colour in colours:
        light, deep = sorted([_luminance(colour), paper], reverse=True)
        assert (light + 0.05) / (deep + 0.05) >= 4.5, colour  # WCAG AA


def test_the_classes_of_a_photograph_appear_when_switched_on(browser, page):
    browser.open(page, 1440, 900)
    opacity = "Number(getComputedStyle(document.querySelector('#pair .overlay')).opacity)"
    browser.evaluate("document.querySelector('.overlay').style.transition = 'none'")
    assert browser.evaluate(opacity) == 0
    browser.evaluate("document.querySelector('#pair input').click()")
    assert browser.evaluate(opacity) > 0.5


def test_the_threshold_can_be_tried_out(browser, page):
    browser.open(page, 1440, 900)
    browser.evaluate(
        "(s => { s.value = '0.2'; s.dispatchEvent(new Event('input')); })"
        "(document.getElementById('what-if'))"
    )
    kept = sum(float(str(row["locatability"])) >= 0.2 for row in street_rows())
    assert f"0.20 would keep {kept} " in browser.evaluate(
        "document.querySelector('output').textContent"
    )


def _luminance(colour: str) -> float:
    """Relative luminance of an rgb(…) colour (WCAG 2.1)."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
