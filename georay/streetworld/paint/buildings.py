"""Town fronts and houses: walls, windows, shopfronts, balconies and roofs in perspective."""

import math
from dataclasses import dataclass

import skia

from georay.streetworld.atlas.colours import NAMED, Rgb
from georay.streetworld.canvas import textures
from georay.streetworld.canvas.lettering import lettered
from georay.streetworld.canvas.painter import Stroke, polygon, rectangle, rectangles
from georay.streetworld.canvas.palette import mix, scaled
from georay.streetworld.canvas.setting import Setting
from georay.streetworld.words.descriptions import sign_words

_STOREY = 3.1
_SHOP = 3.9
_BOARDS = ("navy", "red", "dark green", "white", "yellow", "black", "maroon", "teal", "cream")


@dataclass(frozen=True)
class Block:
    """One building: its front lies in the plane x, from z to z + length along the road."""

    side: int
    x: float
    z: float
    length: float
    height: float
    wall: Rgb
    shop: bool

    @property
    def far(self) -> float:
        """Where the front ends."""
        return self.z + self.length


def paint_block(setting: Setting, block: Block, clue: int) -> None:
    """A town building: the gable that shows beside it, its front, then its roof."""
    stroke = Stroke("building", clue)
    _gable_end(setting, block, stroke, "building")
    _front(setting, block, stroke)
    _roof(setting, block, stroke)
    depth = max(0.0, setting.camera.depth(block.x, block.z))
    if depth < 110:
        _windows(setting, block)
        _trim(setting, block)
    if block.shop and depth < 70:
        paint_shop(setting, block)


def _front(setting: Setting, block: Block, stroke: Stroke) -> None:
    painter, depth = setting.painter, setting.camera.depth(block.x, block.z + block.length / 2)
    painter.use(setting.camera.along(block.x))
    face = rectangle(block.z, 0.0, block.far, block.height)
    painter.fill(face, setting.lit(block.wall, setting.sunlit(block.side), depth), stroke)
    if depth > 70:
        return
    tile, metres = textures.patches(), 11.0
    if setting.country.buildings.brick and NAMED["brick red"][2] + 60 > block.wall[2]:
        tile, metres = textures.bricks(), 2.2
    shade = textures.shader(tile, metres, block.z)
    painter.detail_with(face, skia.Paint(Shader=shade, AntiAlias=False))
    for top, alpha in ((0.5, 34), (1.4, 22), (3.2, 14)):
        painter.detail(rectangle(block.z, 0.0, block.far, top), (16, 16, 24), alpha)


def _gable_end(setting: Setting, block: Block, stroke: Stroke, label: str) -> None:
    """The wall square to the road at the near end."""
    if setting.camera.depth(block.x, block.z) < 1.0:
        return
    painter = setting.painter
    painter.use(setting.camera.across(block.z))
    depth = setting.camera.depth(block.x, block.z)
    room = (depth - 0.4) / max(1e-6, -block.side * math.sin(setting.camera.yaw))
    far = block.x + block.side * (min(14.0, room) if room > 0 else 14.0)
    wall = rectangle(min(block.x, far), 0.0, max(block.x, far), block.height)
    shade = setting.lit(mix(block.wall, NAMED["concrete"], 0.25), -0.1, depth)
    painter.fill(wall, scaled(shade, 0.86), Stroke(label, stroke.clue))


def _roof(setting: Setting, block: Block, stroke: Stroke) -> None:
    style = setting.country.buildings
    camera, painter = setting.camera, setting.painter
    z = max(
        block.z, camera.nearest(block.x + block.side * 8.5) + 0.3, camera.nearest(block.x) + 0.3
    )
    far = block.far
    if far <= z + 0.5:
        return
    depth = camera.depth(block.x, z)
    eave = block.x - block.side * 0.45
    if style.roof_form == "flat":
        painter.use(camera.along(block.x))
        band = rectangle(block.z, block.height, block.far, block.height + 0.7)
        lit = setting.lit(
            mix(block.wall, NAMED["light grey"], 0.4), setting.sunlit(block.side), depth
        )
        painter.fill(band, scaled(lit, 0.92), stroke)
        return
    rise = 1.6 if style.roof_form == "swept" else 2.6
    ridge, inset = block.x + block.side * 4.0, 1.8 if style.roof_form == "hip" else 0.0
    top = block.height + rise
    points = [
        camera.project(eave, block.height - 0.1, z),
        camera.project(ridge, top, z + inset),
        camera.project(ridge, top, max(far - inset, z + inset)),
        camera.project(eave, block.height - 0.1, far),
    ]
    painter.use_pixels()
    back = camera.project(block.x + block.side * 8.0, block.height - 0.1, z)
    gable = polygon([points[0], points[1], back])
    tone = setting.lit(block.wall if inset == 0 else style.roof, -0.2, depth)
    painter.fill(gable, scaled(tone, 0.85), stroke)
    tone = setting.lit(style.roof, 0.5 + 0.4 * setting.sunlit(block.side), depth)
    painter.fill(polygon(points), tone, stroke)
    _tiles(setting, points, tone, depth)
    lip = [
        points[0],
        points[3],
        camera.project(eave, block.height - 0.38, far),
        camera.project(eave, block.height - 0.38, z),
    ]
    painter.fill(polygon(lip), scaled(tone, 0.62), stroke)


def _tiles(setting: Setting, points: list[tuple[float, float]], tone: Rgb, depth: float) -> None:
    """Courses of tiles: lines between the two slopes of the roof."""
    if depth > 60:
        return
    a, b, c, d = points
    for course in range(1, 7):
        share, wide = course / 7, 0.03
        low = [_between(a, b, share), _between(d, c, share)]
        high = [_between(d, c, share + wide), _between(a, b, share + wide)]
        setting.painter.detail(polygon(low + high), scaled(tone, 0.7), 150)


def _between(
    first: tuple[float, float], second: tuple[float, float], share: float
) -> tuple[float, float]:
    return (
        first[0] + (second[0] - first[0]) * share,
        first[1] + (second[1] - first[1]) * share,
    )


def _openings(setting: Setting, block: Block) -> list[tuple[float, float, float, float]]:
    """Window boxes (z low, y low, z high, y high) of the style's rhythm."""
    style = setting.country.buildings.windows
    pitch, width, tall = {
        "sash": (2.4, 1.05, 1.75),
        "shutters": (3.0, 0.95, 1.8),
        "panel": (2.7, 1.5, 1.45),
        "ribbon": (2.5, 1.9, 1.4),
        "arched": (2.9, 1.1, 1.9),
        "balcony": (2.7, 1.15, 2.2),
    }[style]
    base = _SHOP if block.shop else 0.9
    rows = int((block.height - base - 0.4) / _STOREY)
    columns = max(1, int((block.length - 0.6) / pitch))
    margin = (block.length - columns * pitch + pitch - width) / 2
    lift = 0.25 if style == "balcony" else 0.8
    boxes = []
    for row in range(rows):
        low = base + row * _STOREY + lift
        for column in range(columns):
            left = block.z + margin + column * pitch
            boxes.append((left, low, left + width, min(low + tall, block.height - 0.3)))
    return boxes


def _windows(setting: Setting, block: Block) -> None:
    painter, dice = setting.painter, setting.dice
    style = setting.country.buildings
    boxes = _openings(setting, block)
    depth = max(1.0, setting.camera.depth(block.x, block.z))
    facing = setting.sunlit(block.side)
    painter.use(setting.camera.along(block.x))
    if style.windows == "shutters":
        _shutters(setting, boxes, depth)
    frames = _panes(boxes, 0.13, style.windows == "arched")
    painter.detail(frames, setting.lit(style.trim, facing, depth))
    night = setting.weather == "dusk"
    groups: tuple[list[tuple[float, float, float, float]], ...] = ([], [], [])
    for box in boxes:
        groups[dice.index(3)].append(box)
    tones: tuple[Rgb, ...] = ((48, 60, 74), (74, 92, 110), (104, 124, 142))
    for group, tone in zip(groups, tones, strict=True):
        lit = setting.lit(tone, 0.3, depth)
        if night and dice.chance(0.6):
            lit = mix(lit, (255, 206, 120), 0.75)
        painter.detail(_panes(group, 0.0, style.windows == "arched"), lit)
    if depth < 45:
        _bars(setting, boxes, depth)


def _panes(
    boxes: list[tuple[float, float, float, float]], border: float, arched: bool
) -> skia.Path:
    path = rectangles((a - border, b - border, c + border, d + border) for a, b, c, d in boxes)
    if arched:
        for left, _, right, high in boxes:
            radius = (right - left) / 2 + border
            path.addCircle((left + right) / 2, high, radius)
    return path


def _bars(setting: Setting, boxes: list[tuple[float, float, float, float]], depth: float) -> None:
    thin = 0.035
    bars = skia.Path()
    for left, low, right, high in boxes:
        middle = (left + right) / 2
        bars.addRect(skia.Rect(middle - thin, low, middle + thin, high))
        bars.addRect(skia.Rect(left, (low + high) / 2 - thin, right, (low + high) / 2 + thin))
    setting.painter.detail(bars, setting.lit(setting.country.buildings.trim, 0.2, depth), 210)


def _shutters(
    setting: Setting, boxes: list[tuple[float, float, float, float]], depth: float
) -> None:
    leaves = skia.Path()
    for left, low, right, high in boxes:
        wide = (right - left) * 0.52
        leaves.addRect(skia.Rect(left - wide - 0.06, low, left - 0.06, high))
        leaves.addRect(skia.Rect(right + 0.06, low, right + wide + 0.06, high))
    shade = setting.lit(setting.country.buildings.shutters, 0.1, depth)
    setting.painter.detail(leaves, shade)


def _trim(setting: Setting, block: Block) -> None:
    """Balconies, cornices and air conditioners."""
    style, painter, dice = setting.country.buildings, setting.painter, setting.dice
    boxes = _openings(setting, block)
    depth = max(1.0, setting.camera.depth(block.x, block.z))
    painter.use(setting.camera.along(block.x))
    if style.windows == "balcony" and boxes:
        _balconies(setting, boxes, depth)
    units, shades = skia.Path(), skia.Path()
    for left, low, _, _ in boxes:
        if dice.chance(style.air_conditioners):
            units.addRect(skia.Rect(left, low - 0.62, left + 0.85, low - 0.05))
            shades.addCircle(left + 0.32, low - 0.34, 0.22)
    painter.detail(units, setting.lit("light grey", 0.3, depth))
    painter.detail(shades, setting.lit("dark grey", 0.1, depth), 190)
    lines = rectangles(
        (block.z, y, block.far, y + 0.16) for y in (block.height - 0.2, _SHOP - 0.12)
    )
    painter.detail(lines, setting.lit(mix(block.wall, NAMED["white"], 0.45), 0.4, depth), 220)


def _balconies(
    setting: Setting, boxes: list[tuple[float, float, float, float]], depth: float
) -> None:
    slabs, rails, shade = skia.Path(), skia.Path(), skia.Path()
    for left, low, right, _ in boxes:
        slabs.addRect(skia.Rect(left - 0.35, low - 0.2, right + 0.35, low))
        shade.addRect(skia.Rect(left - 0.35, low - 0.55, right + 0.35, low - 0.2))
        rails.addRect(skia.Rect(left - 0.35, low + 0.85, right + 0.35, low + 0.93))
        if depth < 40:
            for bar in range(9):
                at = left - 0.33 + (right - left + 0.66) * bar / 8
                rails.addRect(skia.Rect(at - 0.02, low, at + 0.02, low + 0.9))
    painter = setting.painter
    painter.detail(shade, (10, 10, 16), 70)
    painter.detail(slabs, setting.lit("light grey", 0.4, depth))
    painter.detail(rails, setting.lit("black", 0.2, depth), 225)


def paint_shop(setting: Setting, block: Block) -> None:
    """A shopfront: glass, door, a board with words in the country's script, an awning."""
    painter, dice, signs = setting.painter, setting.dice, setting.country.signs
    depth = max(1.0, setting.camera.depth(block.x, block.z))
    painter.use(setting.camera.along(block.x))
    left, right = block.z + 0.4, block.far - 0.4
    board = dice.pick(_BOARDS)
    ink = "white" if sum(NAMED[board]) < 420 else dice.pick(("black", "red", "navy"))
    painter.detail(rectangle(left, 0.0, right, 2.75), setting.lit(board, -0.3, depth))
    glass = [(at, 0.5, min(at + 1.9, right - 0.15), 2.6) for at in _steps(left + 0.15, right, 2.1)]
    painter.detail(rectangles(glass), setting.lit((62, 76, 86), 0.3, depth))
    warm = [(a + 0.1, 0.6, c - 0.1, 1.3) for a, _, c, _ in glass]
    painter.detail(rectangles(warm), setting.lit("ochre", 0.2, depth), 120)
    text, script, misleading = _shop_words(setting)
    word = lettered(text, script)
    wide = min(right - left, max(3.0, word.width * 0.7 + 0.8), 9.0)
    middle = (left + right) / 2
    clue = setting.ledger.new("script", _sign_words(setting, text, misleading), misleading)
    box = rectangle(middle - wide / 2, 2.72, middle + wide / 2, 3.72)
    painter.fill(box, setting.lit(board, 0.5, depth), Stroke("signboard", clue))
    size = min(0.56, (wide - 0.4) / word.width)
    letters = word.placed if block.side < 0 else word.mirrored
    painter.detail(letters(middle, 3.22 - size * 0.5, size), setting.lit(ink, 0.6, depth))
    if dice.chance(setting.country.buildings.awnings):
        _awning(setting, block, left, right, depth)
    if signs.vertical and dice.chance(0.85):
        _blade_sign(setting, block, text, script, misleading)


def _sign_words(setting: Setting, text: str, misleading: bool) -> str:
    return sign_words(text, "foreign" if misleading else setting.country.signs.language)


def _shop_words(setting: Setting) -> tuple[str, str, bool]:
    """The words on a board; now and then foreign ones, which mislead."""
    dice, signs = setting.dice, setting.country.signs
    if dice.chance(0.05):
        foreign = dice.pick(
            (
                ("Trattoria Roma", "latin"),
                ("Café de Paris", "latin"),
                ("寿司", "kana and kanji"),
                ("Taj Mahal", "latin"),
                ("KEBAP", "latin"),
                ("北京饭店", "hanzi"),
            )
        )
        return foreign[0], foreign[1], True
    return dice.pick(signs.shops), signs.script, False


def _steps(start: float, end: float, step: float) -> list[float]:
    return [start + step * i for i in range(int((end - start) / step))]


def _awning(setting: Setting, block: Block, left: float, right: float, depth: float) -> None:
    camera, painter, dice = setting.camera, setting.painter, setting.dice
    out = block.x - block.side * 1.3
    left = max(left, camera.nearest(block.x) + 0.3, camera.nearest(out) + 0.3)
    if right - left < 1.5:
        return
    colour = dice.pick(("red", "dark green", "navy", "cream", "ochre", "maroon"))
    painter.use_pixels()
    stripes = max(2, int((right - left) / 0.6))
    for stripe in range(stripes):
        a = left + (right - left) * stripe / stripes
        b = left + (right - left) * (stripe + 1) / stripes
        shade = colour if stripe % 2 else "cream"
        quad = [
            camera.project(block.x, 2.78, a),
            camera.project(block.x, 2.78, b),
            camera.project(out, 2.3, b),
            camera.project(out, 2.3, a),
        ]
        painter.fill(polygon(quad), setting.lit(shade, 0.5, depth), Stroke("awning"))


def _blade_sign(setting: Setting, block: Block, text: str, script: str, misleading: bool) -> None:
    """A sign that stands out from the front, written downwards."""
    dice, painter, z = setting.dice, setting.painter, block.z + setting.dice.between(0.6, 1.6)
    depth = setting.camera.depth(block.x, z)
    if depth < 4.0:
        return
    letters = [c for c in text if not c.isspace()][:5]
    if script == "thai":
        letters = [text]
    tall = 0.95 * len(letters) + 0.3 if script != "thai" else 1.2
    wide = 1.0 if script != "thai" else 2.4
    near = block.x - block.side * 0.25
    far = near - block.side * wide
    middle, low = (near + far) / 2, 4.3
    clue = setting.ledger.new("script", _sign_words(setting, text, misleading), misleading)
    painter.use(setting.camera.across(z))
    board = dice.pick(("red", "white", "yellow", "blue", "green", "magenta"))
    box = rectangle(min(near, far), low, max(near, far), low + tall)
    painter.fill(box, setting.lit(board, 0.3, depth), Stroke("signboard", clue))
    ink = setting.lit("white" if sum(NAMED[board]) < 440 else "black", 0.5, depth)
    for index, letter in enumerate(letters):
        word = lettered(letter, script)
        size = min(0.62, wide * 0.8 / word.width)
        painter.detail(word.placed(middle, low + tall - 0.82 - 0.95 * index, size), ink)


def paint_house(setting: Setting, block: Block, clue: int) -> None:
    """A detached house with a pitched roof and a garden before it."""
    style, painter, camera = setting.country.buildings, setting.painter, setting.camera
    stroke = Stroke("house", clue)
    depth = camera.depth(block.x, block.z)
    if depth < 2.5:
        return
    _gable_end(setting, block, stroke, "house")
    _front(setting, block, stroke)
    painter.use(camera.across(block.z))
    if style.roof_form in ("gable", "swept", "hip"):
        middle = block.x + block.side * 4.5
        peak = [
            (block.x - block.side * 0.4, block.height),
            (middle, block.height + 2.8),
            (block.x + block.side * 9.0, block.height),
        ]
        painter.fill(polygon(peak), scaled(setting.lit(block.wall, -0.1, depth), 0.9), stroke)
    _roof(setting, block, stroke)
    _windows(setting, block)
    painter.use(camera.along(block.x))
    door = block.z + block.length * 0.45
    painter.detail(rectangle(door, 0.0, door + 1.0, 2.1), setting.lit("dark brown", 0.2, depth))
