"""Guides as people write them: Markdown or an HTML export, with the country in a heading."""

from collections.abc import Iterator
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from georay.clues.sources.sentence import Sentence
from georay.core.gazetteer import Gazetteer

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = ("p", "li", "td", "blockquote", "figcaption", "dd")
_SILENT = ("script", "style", "nav", "header", "footer", "template", "noscript", "title")
_FEWEST_WORDS = 4


def read_markdown(text: str, gazetteer: Gazetteer) -> Iterator[Sentence]:
    """The paragraphs and list items of a Markdown guide; see `read_html`."""
    yield from read_html(MarkdownIt("commonmark").enable("table").render(text), gazetteer)


def read_html(text: str, gazetteer: Gazetteer) -> Iterator[Sentence]:
    """The paragraphs, list items and table cells of a guide, each as one sentence.

    The innermost heading above it that names a country says its country; a picture in or right
    before it is its picture. Blocks of fewer than four words (menus, labels) are left out.
    """
    parser = _GuideParser(gazetteer)
    parser.feed(text)
    parser.close()
    yield from parser.sentences()


class _GuideParser(HTMLParser):
    def __init__(self, gazetteer: Gazetteer) -> None:
        super().__init__(convert_charrefs=True)
        self._gazetteer = gazetteer
        self._countries: dict[int, str | None] = {}
        self._heading: int | None = None
        self._silent = 0
        self._words: list[str] = []
        self._image: str | None = None
        self._found: list[Sentence] = []

    def sentences(self) -> Iterator[Sentence]:
        self._end_block()
        yield from self._found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _HEADINGS:
            self._end_block()
            self._heading, self._image = _HEADINGS.index(tag), None
        elif tag in _BLOCKS:
            self._end_block()
        elif tag == "img":
            self._image = dict(attrs).get("src") or self._image

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _HEADINGS and self._heading is not None:
            self._end_heading(self._heading)
        elif tag in _BLOCKS:
            self._end_block()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._words += data.split()

    def _end_heading(self, level: int) -> None:
        country = self._gazetteer.country(" ".join(self._words))
        kept = {above: name for above, name in self._countries.items() if above < level}
        self._countries = kept | ({level: country} if country else {})
        self._heading, self._words = None, []

    def _end_block(self) -> None:
        if len(self._words) >= _FEWEST_WORDS:
            country = self._countries[max(self._countries)] if self._countries else None
            text = " ".join(self._words)
            self._found.append(
                Sentence(text, len(self._found) + 1, country=country, image=self._image)
            )
            self._image = None
        self._words = []
