"""A reader's visit to the served page: what tests do on it and look for, in a real browser."""

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, Route, sync_playwright

ANSWERED = ("done", "careful")
_PATIENCE_MS = 60_000
Upload = dict[str, Any]


@contextmanager
def chromium(program: str) -> Iterator[Browser]:
    """A headless browser for the time of some tests."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


class Visit:
    """One tab with the page in it. `complaints`: what the browser's console held against it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        page.set_default_timeout(_PATIENCE_MS)
        page.on("pageerror", lambda problem: self.complaints.append(str(problem)))
        page.on("console", lambda said: said.type == "error" and self._complain(said.text))
        page.on("request", lambda asked: self._note(asked.url))
        page.goto(address)
        page.locator("#samples li").first.wait_for()

    def give(self, *uploads: Upload) -> None:
        """Chooses files as a reader does."""
        self.page.set_input_files("#files", list(uploads))

    def state(self, *kinds: str) -> str:
        """Waits until the page is in one of these states, and says in which words."""
        any_of = ", ".join(f'#status[data-kind="{kind}"]' for kind in kinds)
        self.page.locator(any_of).wait_for()
        return self.page.locator("#says").inner_text()

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits for what Playwright cannot: the page's own policy forbids it to evaluate texts."""
        deadline = time.monotonic() + _PATIENCE_MS / 1000
        while not holds():
            assert time.monotonic() < deadline, "it never came to be"
            self.page.wait_for_timeout(50)

    def heading(self) -> str:
        return self.page.locator("#place").inner_text()

    def opacity_of_classes(self) -> float:
        """How visible the classes are that lie over the picture."""
        overlay = "getComputedStyle(document.querySelector('.overlay'))"
        return float(self.page.evaluate(f"Number({overlay}.opacity)"))

    def sideways(self) -> int:
        """CSS pixels by which the page is wider than its window."""
        return int(
            self.page.evaluate("document.documentElement.scrollWidth - document.body.clientWidth")
        )

    def next_answer_is(self, status: int, headers: dict[str, str], message: str) -> None:
        """The next request about a picture is refused in the server's stead; later ones pass."""
        body = json.dumps({"error": {"code": "busy", "message": message, "request_id": "r"}})

        def refuse(route: Route) -> None:
            route.fulfill(
                status=status, headers=headers, content_type="application/json", body=body
            )

        self.page.route("**/v1/locate/stream", refuse, times=1)

    def answers_changed_by(self, change: Callable[[dict[str, Any]], None]) -> None:
        """From now on the server's answers are altered on their way to the page."""

        def tamper(route: Route) -> None:
            response = route.fetch()
            answer = response.json()
            for result in answer["results"]:
                change(result)
            route.fulfill(response=response, json=answer)

        self.page.route("**/v1/locate", tamper)
        self.page.route("**/v1/locate/stream", lambda route: route.fulfill(status=404, json={}))

    def _complain(self, text: str) -> None:
        if not text.startswith("Failed to load resource"):  # a refusal is part of the game
            self.complaints.append(text)

    def _note(self, url: str) -> None:
        if not url.startswith((self.address, "blob:", "data:")):
            self.strangers.append(url)


def picture(name: str, size: tuple[int, int] = (320, 200), colour: str = "#7d8a5c") -> Upload:
    """A small PNG as a file to upload."""
    stored = io.BytesIO()
    Image.new("RGB", size, colour).save(stored, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": stored.getvalue()}


def tab_to(page: Page, selector: str) -> None:
    """Tabs onwards until the element has the focus; everything on the way shows that it has it."""
    for _ in range(60):
        page.keyboard.press("Tab")
        outlined = page.evaluate(
            "[document.activeElement, document.activeElement.closest('label')].some("
            "e => e && getComputedStyle(e).outlineStyle !== 'none')"
        )
        assert outlined, page.evaluate("document.activeElement.outerHTML")
        if page.evaluate(f"document.activeElement.matches({selector!r})"):
            return
    raise AssertionError(f"the Tab key never reaches {selector}")


def faults(page: Page) -> list[str]:
    """Serious and critical faults that axe-core finds, with the elements that have them."""
    report = Axe().run(page).response
    return [
        f"{fault['id']}: {fault['nodes'][0]['html']}"
        for fault in report["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
