"""The served page in a real browser: pictures in, answers out, and every state between."""

import csv
import io
import json
import math
import random
import time

import pytest

pytest.importorskip("playwright", reason="the browser tests need Playwright")
pytest.importorskip("axe_playwright_python", reason="the browser tests need axe-core")

from page_visit import (
    ANSWERED,
    Visit,
    chromium,
    faults,
    picture,
    tab_to,
)

TOO_MUCH = 6 << 20  # bytes; more than the server of the tests takes
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
PLACELESS = {
    "country": None,
    "country_name": None,
    "city": None,
    "latitude": None,
    "longitude": None,
    "confidence": None,
    "expected_distance_km": None,
    "reasons": None,
}


@pytest.fixture(scope="module")
def browser(chromium_program):
    with chromium(chromium_program) as opened:
        yield opened


@pytest.fixture
def visit(browser, server):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    visit = Visit(context.new_page(), server)
    yield visit
    context.close()
    assert visit.complaints == []
    assert visit.strangers == [], "the page asked someone else"


@pytest.fixture(scope="module")
def answered(browser, server):
    """A visit whose sample scene has been located; tests on it only look."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    visit = Visit(context.new_page(), server)
    visit.page.locator(".sample").first.click()
    visit.state(*ANSWERED)
    yield visit
    context.close()


def test_a_chosen_picture_gets_a_place_with_all_that_belongs_to_it(visit):
    visit.give(picture("street.png"))
    said = visit.state(*ANSWERED)
    page = visit.page
    assert visit.heading() in said
    assert page.locator(".bars li .number").count() == 5
    assert page.locator(".pin:not(.answer)").count() == 5
    assert page.locator(".reach").count() == 5
    assert page.locator(".land").get_attribute("d").startswith("M")
    assert page.locator(".photograph").evaluate("image => image.naturalWidth") == 320
    assert "may be wrong" in page.locator(".reasons figcaption").inner_text()
    assert page.locator(".reasons blockquote").inner_text().strip()


def test_a_sample_scene_is_located_with_one_click(answered):
    assert answered.heading()
    assert answered.page.locator(".photograph").evaluate("image => image.naturalWidth") > 100
    assert answered.complaints == []


def test_the_gauge_shows_the_score_and_the_threshold_and_the_classes_add_up(answered):
    page = answered.page
    assert "0.40" in page.locator(".track").get_attribute("aria-label")
    score = float(page.locator(".score").inner_text())
    parts = [float(text) for text in page.locator(".sum tbody .adds").all_inner_texts()]
    assert sum(parts) == pytest.approx(score, abs=0.005)
    fill = page.evaluate(
        "document.querySelector('.fill').offsetWidth / document.querySelector('.track').offsetWidth"
    )
    assert fill == pytest.approx(score, abs=0.01)


def test_the_bars_are_as_long_as_their_probabilities(answered):
    for row in answered.page.locator(".bars:not(.towns) li").all():
        said = row.locator("b").inner_text()
        if said.startswith(("below", "over")):
            continue
        length = row.evaluate(
            "row => row.querySelector('i').offsetWidth / row.querySelector('.bar').offsetWidth"
        )
        assert length == pytest.approx(float(said.rstrip("%")) / 100, abs=0.02)


def test_reasons_are_shown_while_they_are_written(visit):
    pieces = "".join(
        f"event: reasons\ndata: {json.dumps({'text': text})}\n\n" for text in ("Red ", "roofs.")
    )
    place = json.dumps({"file": "a.png", "status": "answered", "country": "CL", "candidates": []})
    visit.page.route(
        "**/v1/locate/stream",
        lambda route: route.fulfill(
            content_type="text/event-stream", body=f"event: place\ndata: {place}\n\n{pieces}"
        ),
    )
    visit.give(picture("a.png"))
    said = visit.state("failed")  # the stream ends without its last event
    assert "broke off" in said
    assert visit.page.locator(".reasons blockquote").inner_text() == "Red roofs."
    assert visit.heading() == "CL"


def test_without_a_stream_the_plain_answer_is_taken(visit):
    visit.page.route("**/v1/locate/stream", lambda route: route.fulfill(status=404, json={}))
    visit.give(picture("street.png"))
    visit.state(*ANSWERED)
    assert visit.page.locator(".reasons blockquote").inner_text().strip()


def test_a_text_file_is_rejected_in_the_servers_words(visit):
    visit.give({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"dear diary"})
    said = visit.state("rejected")
    assert "notes.txt was not accepted" in said
    assert "PNG" in said
    assert visit.page.locator("#answer").inner_text() == ""


def test_a_file_that_is_too_large_is_rejected_in_the_servers_words(visit):
    large = picture("large.png")
    large["buffer"] += bytes(TOO_MUCH)
    visit.give(large)
    said = visit.state("rejected", "failed")
    assert "large.png was not accepted" in said
    assert "large" in said.removeprefix("large.png")


def test_a_full_server_is_asked_again_when_it_said(visit):
    visit.next_answer_is(429, {"Retry-After": "2"}, "the server is full")
    visit.give(picture("street.png"))
    said = visit.state("busy")
    began = time.monotonic()
    assert "The server is full. Asking again in 2 seconds." in said
    visit.state("waiting", *ANSWERED)
    assert time.monotonic() - began > 1
    visit.state(*ANSWERED)
    assert visit.heading()


def test_a_lost_connection_is_owned_up_to_and_can_be_tried_again(visit):
    visit.page.route("**/v1/locate/stream", lambda route: route.abort(), times=1)
    visit.give(picture("street.png"))
    assert "could not be reached" in visit.state("failed")
    visit.page.get_by_role("button", name="Try again").click()
    visit.state(*ANSWERED)
    assert visit.heading()


def test_waiting_can_be_stopped(visit):
    visit.page.route("**/v1/locate/stream", lambda route: None)  # never answered
    visit.give(picture("street.png"))
    visit.state("waiting")
    visit.page.locator("#clock", has_text="1 s").wait_for()
    visit.page.get_by_role("button", name="Stop").click()
    assert visit.state("idle") == "Stopped."


@pytest.mark.parametrize(
    ("status", "heading"),
    [
        ("abstained", "Too uncertain to name a place"),
        ("refused", "The model declined to say"),
        ("unparseable", "No place in the answer"),
    ],
)
def test_an_answer_without_a_place_is_worded_kindly(visit, status, heading):
    visit.answers_changed_by(lambda result: result.update(PLACELESS, status=status))
    visit.give(picture("street.png"))
    assert heading in visit.state("careful")
    assert visit.heading() == heading
    assert visit.page.locator(".bars:not(.towns) li").count() == 5
    assert visit.page.locator(".pin.answer").count() == 0


@pytest.mark.parametrize(
    ("sureness", "state", "heading", "said"),
    [
        ("sure", "done", "Lyon, France", "72% sure of the country."),
        (None, "done", "Lyon, France", "72% sure of the country, uncalibrated."),
        ("unsure", "careful", "Not sure: perhaps Lyon, France", "72% sure of the country."),
        (
            "unfamiliar",
            "careful",
            "Not sure: perhaps Lyon, France",
            "not like those that the model",
        ),
    ],
)
def test_an_answer_says_whether_it_is_sure(visit, sureness, state, heading, said):
    lyon = {"city": "Lyon", "country_name": "France", "confidence": 0.72, "sureness": sureness}
    visit.answers_changed_by(lambda result: result.update(lyon, status="answered", warning=None))
    visit.give(picture("street.png"))
    visit.state(state)
    assert visit.heading() == heading
    certainty = visit.page.locator(".certainty").inner_text()
    assert said in certainty and ("72%" in certainty) == (sureness != "unfamiliar")


def test_a_model_that_knows_no_photographs_says_so_and_names_one_that_does(visit):
    assert not visit.page.locator("#caveat").is_visible()  # the model of the tests is not tiny
    caveat = "`tiny` knows drawn streets only: take another"
    models = {"object": "list", "data": [{"id": "tiny", "caveat": caveat}]}
    visit.page.route("**/v1/models", lambda route: route.fulfill(json=models))
    visit.page.reload()
    visit.page.locator("#caveat").wait_for()
    assert visit.page.locator("#caveat").inner_text() == f"{caveat}."


def test_a_picture_with_few_clues_gets_a_warning(visit):
    visit.give(picture("sky.png", colour="#8ec5f0"))
    assert "carries few clues" in visit.state("careful")
    assert "few clues" in visit.page.locator("#answer .note").inner_text()
    assert visit.page.locator(".verdict").inner_text() == "few clues"


def test_what_a_model_or_a_file_name_says_stays_text(visit):
    visit.answers_changed_by(
        lambda result: result.update(status="answered", reasons=HOSTILE, city=HOSTILE)
    )
    visit.give(picture(f"{HOSTILE}.png"), picture("b.png"))
    visit.state(*ANSWERED)
    page = visit.page
    assert page.locator(".reasons blockquote").inner_text() == HOSTILE
    assert HOSTILE in visit.heading()
    assert page.title() != "owned"
    assert page.locator("img[src='x']").count() == 0
    assert HOSTILE in page.locator(".link").first.inner_text()


def test_several_pictures_make_a_table_that_sorts_and_can_be_taken_away(visit):
    names = ["b.png", "=a.png", "c.png"]
    uploads = [
        picture(name, colour=tint)
        for name, tint in zip(names, ["red", "blue", "#889"], strict=True)
    ]
    visit.give(*uploads, {"name": "d.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    said = visit.state("careful")
    assert said == "3 of 4 pictures answered, 1 without an answer."
    page = visit.page
    assert _column(page, ".file") == [*names, "d.txt"]
    page.get_by_role("button", name="picture", exact=True).click()
    assert _column(page, ".file") == ["=a.png", "b.png", "c.png", "d.txt"]
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    page.get_by_role("button", name="sure").click()
    sure = [text for text in _column(page, "td:nth-child(4)") if text]
    assert [_percent(text) for text in sure] == sorted(map(_percent, sure), reverse=True)
    assert _column(page, ".file")[-1] == "d.txt", "what has no value comes last"

    rows = list(csv.DictReader(io.StringIO(_download(page, "CSV"), newline="")))
    assert sorted(row["file"] for row in rows) == sorted(["'=a.png", "b.png", "c.png", "d.txt"])
    assert [row["status"] for row in rows] == ["answered"] * 3 + ["rejected"]
    assert "PNG" in rows[3]["error"]
    features = json.loads(_download(page, "GeoJSON"))["features"]
    longitude, latitude = features[0]["geometry"]["coordinates"]
    assert float(rows[0]["longitude"]) == longitude
    assert float(rows[0]["latitude"]) == latitude
    assert features[3]["geometry"] is None


def test_a_row_shows_its_picture(visit):
    visit.give(picture("small.png", size=(200, 150)), picture("wide.png", size=(400, 150)))
    visit.state(*ANSWERED)
    visit.page.get_by_role("button", name="wide.png").click()
    assert visit.page.locator(".photograph").evaluate("image => image.naturalWidth") == 400
    visit.page.get_by_role("button", name="small.png").click()
    assert visit.page.locator(".photograph").evaluate("image => image.naturalWidth") == 200


def test_pictures_can_be_pasted_and_dropped(visit):
    give = """([kind, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, {type: 'image/png'}));
      const event = kind === 'paste'
        ? new ClipboardEvent('paste', {clipboardData: data, bubbles: true})
        : new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
      document.body.dispatchEvent(event);
    }"""
    for kind in ("paste", "drop"):
        visit.page.evaluate(give, [kind, list(picture("any.png")["buffer"])])
        visit.page.locator("figcaption.source", has_text=f"{kind}.png").wait_for()
        visit.state(*ANSWERED)
        assert visit.page.locator("figcaption.source").all_inner_texts()[-1].endswith(f"{kind}.png")


def test_the_keyboard_is_enough(visit):
    page = visit.page
    with page.expect_file_chooser():
        tab_to(page, "#files")
        page.keyboard.press("Enter")
    tab_to(page, ".sample")
    page.keyboard.press("Enter")
    visit.state(*ANSWERED)
    tab_to(page, ".frame input")
    assert visit.opacity_of_classes() == 0
    page.keyboard.press("Space")
    visit.until(lambda: visit.opacity_of_classes() > 0.5)


def test_states_are_spoken_and_the_ticking_clock_is_not(visit):
    spoken = visit.page.locator("#says")
    assert spoken.get_attribute("role") == "status"
    assert visit.page.locator("#clock").get_attribute("aria-hidden") == "true"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_the_page_fits_its_window(answered, width, dark):
    page = answered.page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if dark else "light")
    assert answered.sideways() <= 0
    boxes = page.evaluate(
        "[...document.querySelectorAll('main *')]"
        ".filter(e => e.offsetWidth && !e.closest('.hidden'))"
        ".map(e => e.getBoundingClientRect()).filter(b => b.width > 1)"
        ".map(b => [Math.floor(b.left), Math.ceil(b.right)])"
    )
    assert all(left >= 0 and right <= width for left, right in boxes)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_axe_finds_no_serious_fault_in_an_answer(answered, width, dark):
    answered.page.set_viewport_size({"width": width, "height": 800})
    answered.page.emulate_media(color_scheme="dark" if dark else "light")
    answered.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert faults(answered.page) == []


def test_axe_finds_no_serious_fault_in_the_other_states(visit):
    assert faults(visit.page) == [], "idle"
    text = {"name": "d.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    visit.give(text)
    visit.state("rejected")
    assert faults(visit.page) == [], "rejected"
    visit.give(picture("a.png"), picture("b.png"), text)
    visit.state("careful")
    assert faults(visit.page) == [], "table"


def test_motion_stops_for_readers_who_want_none(visit):
    visit.page.emulate_media(reduced_motion="reduce")
    visit.page.route("**/v1/locate/stream", lambda route: None)
    visit.give(picture("street.png"))
    visit.state("waiting")
    sign = "getComputedStyle(document.querySelector('.status .sign'))"
    assert visit.page.evaluate(f"{sign}.animationName") == "none"


def test_circles_hold_exactly_what_is_within_their_radius(visit):
    """Against the great-circle distance, also around poles and across the date line."""
    dice = random.Random(3)
    spots = [
        (dice.uniform(-180, 180), math.degrees(math.asin(dice.uniform(-1, 1)))) for _ in range(400)
    ]
    centres = [
        (-33, -70, 900), (10, 179.5, 2500), (-17, -178, 1200), (86, 40, 1500), (-89, 0, 4000),
        (60, 170, 4200), (0, 0, 10500), (20, -100, 15000), (0, 90, 19000),
    ]  # fmt: skip
    inside = """([spots, [latitude, longitude, radius]]) => Promise.all(
      [import('/static/sphere.js'), import('/static/projection.js')]).then(([sphere, flat]) => {
        const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
        const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
        document.body.append(svg);
        svg.append(path);
        path.setAttribute('fill-rule', 'evenodd');
        path.setAttribute('d', flat.areas(sphere.circle(latitude, longitude, radius)));
        const held = spots.map(([x, y]) => path.isPointInFill(new DOMPoint(...flat.project(x, y))));
        svg.remove();
        return held;
      })"""
    for latitude, longitude, radius in centres:
        held = visit.page.evaluate(inside, [spots, [latitude, longitude, radius]])
        for spot, is_held in zip(spots, held, strict=True):
            distance = _distance_km(latitude, longitude, spot[1], spot[0])
            if abs(distance - radius) > 40 and abs(spot[1]) < 88:
                assert is_held == (distance < radius), (latitude, longitude, radius, spot)


def _distance_km(latitude: float, longitude: float, other: float, east: float) -> float:
    phi, psi, across = map(math.radians, (latitude, other, east - longitude))
    half = (
        math.sin((psi - phi) / 2) ** 2 + math.cos(phi) * math.cos(psi) * math.sin(across / 2) ** 2
    )
    return 2 * 6371 * math.asin(math.sqrt(half))


def _column(page, cell: str) -> list[str]:
    return [text.strip() for text in page.locator(f".plain tbody {cell}").all_inner_texts()]


def _percent(text: str) -> float:
    return float(text.replace("below ", "").replace("over ", "").rstrip("%"))


def _download(page, kind: str) -> str:
    with page.expect_download() as started:
        page.get_by_role("button", name=f"Download {kind}").click()
    return started.value.path().read_bytes().decode()
