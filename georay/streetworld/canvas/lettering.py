"""Words as outlines: shaped by HarfBuzz in the font of their script, so they bend with a plane."""

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

import skia
import uharfbuzz as hb

_BOLD = 700.0


@dataclass(frozen=True)
class FontFile:
    """A font inside an installed package; `face` is its number in a collection."""

    package: str
    path: str
    face: int = 0
    variable: bool = True


FONTS: dict[str, FontFile] = {
    "latin": FontFile("fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf"),
    "cyrillic": FontFile("fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf"),
    "greek": FontFile("fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf"),
    "arabic": FontFile("fontpkg_noto_sans_arabic", "files/NotoSansArabic[wdth,wght].ttf"),
    "hebrew": FontFile("fontpkg_rubik", "files/Rubik[wght].ttf"),
    "devanagari": FontFile(
        "fontpkg_noto_sans_devanagari", "files/NotoSansDevanagari[wdth,wght].ttf"
    ),
    "thai": FontFile("fontpkg_noto_sans_thai", "files/NotoSansThai[wdth,wght].ttf"),
    "kana and kanji": FontFile("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc", 0, False),
    "hangul": FontFile("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc", 1, False),
    "hanzi": FontFile("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc", 2, False),
}
"""Script of a sign -> the font that draws it."""

_SCRIPT_OF_NAME = {
    "CYRILLIC": "cyrillic",
    "GREEK": "greek",
    "ARABIC": "arabic",
    "HEBREW": "hebrew",
    "DEVANAGARI": "devanagari",
    "THAI": "thai",
    "HIRAGANA": "kana and kanji",
    "KATAKANA": "kana and kanji",
    "HANGUL": "hangul",
    "CJK": "hanzi",
}


@dataclass(frozen=True)
class Word:
    """An outline one unit high, baseline at y = 0 growing up, and its width in the same unit."""

    path: skia.Path
    width: float

    def placed(self, x: float, y: float, height: float) -> skia.Path:
        """The outline centred on x with its baseline at y, `height` units high."""
        moved = skia.Path()
        left = x - self.width * height / 2
        matrix = skia.Matrix.MakeAll(height, 0, left, 0, height, y, 0, 0, 1)
        self.path.transform(matrix, moved)
        return moved

    def mirrored(self, x: float, y: float, height: float) -> skia.Path:
        """As `placed`, for a plane whose first axis runs to the left as seen."""
        moved = skia.Path()
        left = x + self.width * height / 2
        matrix = skia.Matrix.MakeAll(-height, 0, left, 0, height, y, 0, 0, 1)
        self.path.transform(matrix, moved)
        return moved


def script_of(text: str) -> str:
    """The script of a text: that of its first letter which is not Latin, or "latin"."""
    for letter in text:
        first = unicodedata.name(letter, "").split(" ")[0]
        if first in _SCRIPT_OF_NAME:
            return _SCRIPT_OF_NAME[first]
    return "latin"


@lru_cache(maxsize=1024)  # number plates never end, shop signs come back
def lettered(text: str, script: str) -> Word:
    """The text as one line in the font of `script`, its capitals about one unit high.

    Letters that the script's font lacks (Latin words on a sign elsewhere) come from the Latin one.
    """
    drawn = script if script == "latin" or _covers(script, text) else script_of(text)
    font = _font(drawn)
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(font, buffer)
    unit = font.face.upem * 0.72
    pen = _PathPen(unit)
    x = 0.0
    for glyph, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        pen.move_to_glyph(x + place.x_offset, place.y_offset)
        font.draw_glyph(glyph.codepoint, _draw_funcs(), pen)
        x += place.x_advance
    return Word(pen.path, x / unit)


def missing_letters(text: str, script: str) -> set[str]:
    """The letters of the text that the font of `script` cannot draw."""
    font = _font(script)
    return {c for c in text if not c.isspace() and font.get_nominal_glyph(ord(c)) is None}


def _covers(script: str, text: str) -> bool:
    return not missing_letters(text, script)


class _PathPen:
    """Collects the outlines of a line of glyphs in one path."""

    def __init__(self, unit: float) -> None:
        self.path = skia.Path()
        self._unit = unit
        self._x = self._y = 0.0

    def move_to_glyph(self, x: float, y: float) -> None:
        self._x, self._y = x, y

    def at(self, x: float, y: float) -> tuple[float, float]:
        return (self._x + x) / self._unit, (self._y + y) / self._unit


@cache
def _draw_funcs() -> hb.DrawFuncs:
    funcs = hb.DrawFuncs()
    funcs.set_move_to_func(lambda x, y, pen: pen.path.moveTo(*pen.at(x, y)))
    funcs.set_line_to_func(lambda x, y, pen: pen.path.lineTo(*pen.at(x, y)))
    funcs.set_quadratic_to_func(
        lambda a, b, x, y, pen: pen.path.quadTo(*pen.at(a, b), *pen.at(x, y))
    )
    funcs.set_cubic_to_func(
        lambda a, b, c, d, x, y, pen: pen.path.cubicTo(*pen.at(a, b), *pen.at(c, d), *pen.at(x, y))
    )
    funcs.set_close_path_func(lambda pen: pen.path.close())
    return funcs


@cache
def _font(script: str) -> hb.Font:
    file = FONTS[script]
    font = hb.Font(hb.Face(_blob(file.package, file.path), file.face))
    if file.variable:
        font.set_variations({"wght": _BOLD})
    return font


@cache
def _blob(package: str, path: str) -> hb.Blob:
    return hb.Blob(resources.files(package).joinpath(path).read_bytes())
