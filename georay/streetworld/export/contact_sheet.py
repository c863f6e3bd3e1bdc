"""A sheet with pictures of every country, to look at."""

import io
from pathlib import Path

import skia
from PIL import Image

from georay.core.manifest import write_atomic
from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.canvas.lettering import lettered
from georay.streetworld.canvas.setting import Kind
from georay.streetworld.world import StreetWorld

_KINDS: tuple[Kind, ...] = ("street", "street", "suburb", "road")
_COLUMNS = 2
TITLE_HEIGHT = 16


def write_contact_sheet(world: StreetWorld, path: Path, tile: int = 156) -> None:
    """Four scenes of each country, the one with the most clues of a few draws, as one picture."""
    countries = Atlas.load().countries
    rows = -(-len(countries) // _COLUMNS)
    width, height = _COLUMNS * (len(_KINDS) * tile + 8), rows * (tile + TITLE_HEIGHT)
    sheet = Image.new("RGB", (width, height), (250, 250, 248))
    for number, country in enumerate(countries):
        left = (number % _COLUMNS) * (len(_KINDS) * tile + 8)
        top = (number // _COLUMNS) * (tile + TITLE_HEIGHT)
        sheet.paste(title(country.name, len(_KINDS) * tile), (left, top))
        for column, kind in enumerate(_KINDS):
            city = country.cities[column % len(country.cities)]
            draws = [
                world.scene_of(100 * number + 10 * column + draw, country, city, kind)
                for draw in range(6)
            ]
            best = max(draws, key=lambda scene: scene.visible_clue_count)
            picture = Image.fromarray(best.image).resize((tile, tile), Image.Resampling.LANCZOS)
            sheet.paste(picture, (left + column * tile, top + TITLE_HEIGHT))
    buffer = io.BytesIO()
    sheet.quantize(200, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    write_atomic(path, buffer.getvalue())


def title(text: str, width: int) -> Image.Image:
    """A strip with a line of Latin text, to stand above a picture."""
    surface = skia.Surface(width, TITLE_HEIGHT)
    canvas = surface.getCanvas()
    canvas.clear(0xFFFAFAF8)
    canvas.scale(1, -1)
    word = lettered(text, "latin")
    ink = skia.Paint(AntiAlias=True, Color=0xFF202024)
    canvas.drawPath(word.placed(word.width * 4.5 + 4, 4 - TITLE_HEIGHT, 9), ink)
    return Image.fromarray(surface.toarray(colorType=skia.kRGBA_8888_ColorType)).convert("RGB")
