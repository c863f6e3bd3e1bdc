"""Trees and plants as sprites: clumps of lit leaves, grown once per process from fixed seeds."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import skia

from georay.streetworld.atlas.colours import Rgb
from georay.streetworld.canvas.painter import Sprite, Stroke, polygon
from georay.streetworld.canvas.palette import mix, packed, scaled
from georay.streetworld.canvas.setting import Setting
from georay.streetworld.dice import Dice
from georay.streetworld.words.descriptions import COMMON_SPECIES

_SIDE = 320
_VARIANTS = 3
Crown = Literal["round", "cone", "column", "umbrella", "weeping", "fronds", "cactus", "rosette"]


@dataclass(frozen=True)
class Species:
    """How a plant looks: sizes in metres, `crown_base` and `spread` as shares of its height."""

    crown: Crown
    leaf: Rgb
    trunk: Rgb
    height: float
    spread: float
    crown_base: float
    density: float = 1.0
    label: str = "tree"
    blossom: Rgb | None = None

    @property
    def width(self) -> float:
        """Metres across."""
        return self.height * self.spread

    @property
    def unit(self) -> float:
        """Pixels of a sprite that one height takes: wide crowns must fit in too."""
        return (_SIDE - 20) / max(1.0, self.spread + 0.2)


_BARK = (86, 68, 54)
SPECIES: dict[str, Species] = {
    "oak": Species("round", (74, 104, 46), _BARK, 11, 0.9, 0.28),
    "lime": Species("round", (92, 128, 52), _BARK, 10, 0.72, 0.25),
    "plane": Species("round", (104, 132, 66), (176, 166, 142), 12, 0.8, 0.36, 0.85),
    "maple": Species("round", (190, 88, 38), _BARK, 10, 0.85, 0.28),
    "ginkgo": Species("column", (216, 178, 50), _BARK, 10, 0.5, 0.25),
    "cherry": Species("round", (240, 190, 206), (78, 58, 54), 6, 1.1, 0.35),
    "jacaranda": Species("umbrella", (150, 112, 190), _BARK, 9, 1.05, 0.4),
    "orange tree": Species("round", (52, 96, 40), _BARK, 4.5, 0.8, 0.4, blossom=(240, 140, 30)),
    "neem": Species("round", (78, 112, 48), (104, 84, 66), 10, 0.85, 0.3, 0.85),
    "ficus": Species("round", (42, 82, 38), (120, 108, 94), 9, 1.0, 0.34),
    "olive": Species("round", (126, 138, 100), (112, 98, 80), 5.5, 0.95, 0.3, 0.8),
    "birch": Species("weeping", (124, 148, 62), (232, 230, 222), 12, 0.5, 0.22, 0.7),
    "poplar": Species("column", (88, 122, 52), _BARK, 15, 0.24, 0.12),
    "cypress": Species("column", (38, 66, 40), _BARK, 12, 0.2, 0.05, 1.2),
    "spruce": Species("cone", (36, 64, 44), _BARK, 14, 0.45, 0.06),
    "cedar": Species("cone", (50, 76, 46), (118, 70, 50), 15, 0.34, 0.2),
    "pine": Species("umbrella", (58, 86, 52), (150, 92, 62), 13, 0.55, 0.55, 0.8),
    "stone pine": Species("umbrella", (62, 92, 46), (122, 86, 66), 12, 0.95, 0.68, 1.1),
    "acacia": Species("umbrella", (118, 124, 62), (98, 80, 62), 7, 1.4, 0.62, 0.7),
    "eucalyptus": Species("umbrella", (122, 138, 104), (208, 196, 178), 14, 0.75, 0.45, 0.5),
    "bamboo": Species("weeping", (128, 158, 62), (150, 164, 80), 9, 0.55, 0.1, 1.0),
    "palm": Species("fronds", (86, 122, 52), (146, 126, 100), 11, 0.5, 0.8, label="palm"),
    "date palm": Species("fronds", (106, 122, 74), (116, 88, 62), 8, 0.75, 0.7, 1.4, "palm"),
    "cactus": Species("cactus", (88, 126, 74), (70, 104, 60), 4.5, 0.55, 0.0, label="plant"),
    "agave": Species("rosette", (118, 150, 130), _BARK, 1.6, 1.5, 0.0, label="plant"),
    "bush": Species("rosette", (84, 112, 56), _BARK, 1.3, 1.5, 0.0, 3.0, label="plant"),
}


def paint_plant(setting: Setting, species: str, x: float, z: float, scale: float = 1.0) -> None:
    """One plant of a species standing at (x, z), with its shadow."""
    kind, camera, dice = SPECIES[species], setting.camera, setting.dice
    pixels = camera.pixels_per_metre(x, z) * scale * dice.between(0.82, 1.12)
    sprite = _sprite(species, dice.index(_VARIANTS))
    _shadow(setting, x, z, kind.width * scale * 0.5)
    column, row = camera.project(x, 0.0, z)
    side = kind.height * pixels * _SIDE / kind.unit
    box = skia.Rect(column - side / 2, row - side, column + side / 2, row + side * 0.01)
    clue = 0
    if species not in COMMON_SPECIES:
        clue = setting.ledger.shared("vegetation", species)
    setting.painter.stamp(sprite, box, setting.filter(camera.depth(x, z)), Stroke(kind.label, clue))


def _shadow(setting: Setting, x: float, z: float, radius: float) -> None:
    if setting.weather not in ("clear", "golden", "hazy"):
        return
    setting.painter.use(setting.camera.ground(0.15))
    away = -setting.light.sun_side * radius * 0.8
    oval = skia.Path.Oval(
        skia.Rect(x + away - radius, z - radius * 0.7, x + away + radius, z + radius * 0.7)
    )
    setting.painter.detail(oval, (20, 24, 34), 70 if setting.weather != "hazy" else 36)


@cache
def _sprite(species: str, variant: int) -> Sprite:
    kind = SPECIES[species]
    dice = Dice(5150, sorted(SPECIES).index(species), variant)
    picture = skia.Surface(_SIDE, _SIDE)
    outline = skia.Surface(_SIDE, _SIDE)
    brush = _Brush(picture.getCanvas(), outline.getCanvas(), kind, dice)
    _GROW[kind.crown](brush)
    return Sprite(
        picture.makeImageSnapshot().withDefaultMipmaps(), _solid(outline.makeImageSnapshot())
    )


def _solid(image: skia.Image) -> skia.Image:
    pixels = image.toarray(colorType=skia.kRGBA_8888_ColorType)
    alpha = ((pixels[:, :, 3] > 127) * 255).astype("uint8")
    return skia.Image.fromarray(alpha, colorType=skia.kAlpha_8_ColorType)


class _Brush:
    """Paints one sprite in shares of the plant's height, foot at (0, 0), up to y = 1."""

    def __init__(
        self, picture: skia.Canvas, outline: skia.Canvas, kind: Species, dice: Dice
    ) -> None:
        self.kind, self.dice = kind, dice
        self._canvases = (picture, outline)
        for canvas in self._canvases:
            canvas.translate(_SIDE / 2, _SIDE - 3)
            canvas.scale(kind.unit, -kind.unit)
        self._paint = skia.Paint(AntiAlias=True)

    def shape(self, path: skia.Path, colour: Rgb, alpha: int = 255) -> None:
        self._paint.setColor(packed(colour, alpha))
        for canvas in self._canvases:
            canvas.drawPath(path, self._paint)

    def light(self, path: skia.Path, colour: Rgb, alpha: int = 255) -> None:
        self._paint.setColor(packed(colour, alpha))
        self._canvases[0].drawPath(path, self._paint)

    def trunk(self, top: float, thick: float, lean: float = 0.0) -> None:
        colour = self.kind.trunk
        left = polygon([(-thick, 0), (lean - thick / 2, top), (lean, top), (0, 0)])
        right = polygon([(0, 0), (lean, top), (lean + thick / 2, top), (thick, 0)])
        self.shape(left, colour)
        self.shape(right, scaled(colour, 0.68))

    def clump(self, x: float, y: float, radius: float, shade: float) -> None:
        """A ball of leaves: solid inside, leafy at the rim, lit from above."""
        dice, leaf = self.dice, self.kind.leaf
        self.shape(_disc(x, y, radius * 0.8), scaled(leaf, 0.6 * shade))
        for _ in range(int(90 * self.kind.density)):
            angle, far = dice.between(0, math.tau), math.sqrt(dice.unit())
            dx, dy = math.cos(angle) * far, math.sin(angle) * far
            lift = 0.5 + 0.5 * (dy * 0.75 - dx * 0.25)
            tone = scaled(leaf, shade * (0.52 + 0.68 * lift) * dice.between(0.8, 1.22))
            if self.kind.blossom and dice.chance(0.06):
                tone = self.kind.blossom
            size = radius * dice.between(0.06, 0.17)
            self.shape(_disc(x + dx * radius * 1.08, y + dy * radius * 1.08, size), tone)


def _disc(x: float, y: float, radius: float) -> skia.Path:
    return skia.Path.Circle(x, y, radius)


def _round(brush: _Brush) -> None:
    kind, dice = brush.kind, brush.dice
    half, base = kind.spread / 2, kind.crown_base
    brush.trunk(base + 0.25, 0.028)
    tall = (1 - base) / 2
    for ring in range(int(26 * kind.density)):
        angle, far = ring * 2.4, math.sqrt((ring + 0.5) / 26)
        x = math.cos(angle) * far * half * 0.72
        y = base + tall + math.sin(angle) * far * tall * 0.72
        brush.clump(x, y, 0.125 * dice.between(0.85, 1.2), 0.7 + 0.4 * (y - base))


def _weeping(brush: _Brush) -> None:
    kind, dice = brush.kind, brush.dice
    for lean in (-0.05, 0.03) if kind.trunk[1] < 200 else (0.02,):
        brush.trunk(0.9, 0.02, lean)
    for mark in range(9):
        y = 0.05 + 0.07 * mark
        brush.light(skia.Path.Rect(skia.Rect(-0.014, y, 0.008, y + 0.012)), (50, 48, 46), 170)
    for _ in range(int(26 * kind.density)):
        y = dice.between(kind.crown_base + 0.08, 0.95)
        reach = kind.spread / 2 * math.sin(math.pi * min(1, (1.04 - y) * 1.15))
        brush.clump(dice.between(-reach, reach), y, 0.075, 0.75 + 0.3 * y)


def _cone(brush: _Brush) -> None:
    kind, dice = brush.kind, brush.dice
    brush.trunk(0.5, 0.022)
    tiers = 11
    for tier in range(tiers):
        y = kind.crown_base + (0.95 - kind.crown_base) * tier / tiers
        reach = kind.spread / 2 * (1 - tier / tiers) * dice.between(0.9, 1.08)
        drop, rise = 0.045, 0.15
        jagged = [(0.0, y + rise)]
        for step in range(7):
            x = reach * (1 - 2 * step / 6)
            jagged.append((x, y - drop * (step % 2) * 0.9 + 0.02))
        shade = 0.72 + 0.35 * tier / tiers
        brush.shape(polygon(jagged), scaled(kind.leaf, shade))
        brush.light(
            polygon([(0.0, y + rise), (-reach, y + 0.02), (-reach * 0.3, y)]),
            scaled(kind.leaf, shade * 1.35),
            120,
        )


def _column(brush: _Brush) -> None:
    kind = brush.kind
    brush.trunk(0.4, 0.02)
    steps = 13
    for step in range(steps):
        share = step / (steps - 1)
        y = kind.crown_base + 0.06 + (0.9 - kind.crown_base) * share
        width = kind.spread / 2 * math.sin(math.pi * (0.16 + 0.8 * share)) ** 0.6
        for x in (-width * 0.45, width * 0.45, 0.0):
            brush.clump(x, y, width * 0.62 + 0.012, 0.76 + 0.3 * share)


def _umbrella(brush: _Brush) -> None:
    kind, dice = brush.kind, brush.dice
    lean = dice.between(-0.06, 0.06)
    brush.trunk(kind.crown_base + 0.08, 0.024, lean)
    half = kind.spread / 2
    for branch in (-0.7, -0.3, 0.35, 0.75):
        x = branch * half * 0.8
        path = [(lean - 0.01, kind.crown_base * 0.8), (lean + 0.01, kind.crown_base * 0.8)]
        brush.shape(polygon([*path, (x, 0.86)]), scaled(kind.trunk, 0.8))
    for step in range(int(15 * min(1.0, kind.density + 0.2))):
        x = half * 0.86 * (2 * ((step * 0.618) % 1) - 1)
        top = 0.93 - 0.16 * (x / half) ** 2
        low = kind.crown_base + 0.05
        y = low + (top - low) * dice.between(0.35, 1.0)
        brush.clump(x, y, min(0.11, (1 - kind.crown_base) * 0.36), 0.72 + 0.3 * y)


def _fronds(brush: _Brush) -> None:
    kind, dice = brush.kind, brush.dice
    lean = dice.between(-0.05, 0.05)
    top = 0.82
    brush.trunk(top, 0.022 if kind.density < 1.2 else 0.034, lean)
    for ring in range(18):
        y = top * ring / 18
        x = lean * y / top
        brush.light(skia.Path.Rect(skia.Rect(x - 0.022, y, x + 0.022, y + 0.008)), (60, 48, 38), 90)
    count = int(17 * kind.density)
    for frond in range(count):
        angle = math.pi * (-0.22 + 1.44 * ((frond * 0.618) % 1))
        _frond(brush, lean, top, angle, kind.spread / 2 * dice.between(0.8, 1.05))


def _frond(brush: _Brush, x: float, y: float, angle: float, reach: float) -> None:
    lean_x, lean_y = math.cos(angle), math.sin(angle)
    tip = (x + lean_x * reach, y + lean_y * reach * 0.62 - abs(lean_x) * 0.12)
    bend = (x + lean_x * reach * 0.55, y + lean_y * reach * 0.7 + 0.06)
    tone = scaled(brush.kind.leaf, 0.72 + 0.34 * max(0.0, lean_y) + brush.dice.between(0, 0.15))
    blade = skia.Path()
    blade.moveTo(x, y)
    blade.quadTo(*bend, *tip)
    blade.quadTo(bend[0], bend[1] - 0.075, x, y - 0.01)
    blade.close()
    brush.shape(blade, tone)
    rib = skia.Path()
    rib.moveTo(x, y)
    rib.quadTo(*bend, *tip)
    rib.quadTo(bend[0], bend[1] - 0.018, x, y)
    brush.light(rib, scaled(tone, 1.3), 160)


def _cactus(brush: _Brush) -> None:
    dice = brush.dice
    arms = [(-0.2, 0.34, dice.between(0.6, 0.78)), (0.19, 0.26, dice.between(0.5, 0.85))]
    for x, low, high in arms:
        elbow = skia.Rect(min(0.0, x) - 0.045, low, max(0.0, x) + 0.045, low + 0.09)
        for box in (elbow, skia.Rect(x - 0.045, low, x + 0.045, high)):
            _ribbed(brush, box)
    _ribbed(brush, skia.Rect(-0.065, 0.0, 0.065, 1.0))


def _ribbed(brush: _Brush, box: skia.Rect) -> None:
    leaf = brush.kind.leaf
    round_box = skia.Path.RRect(skia.RRect.MakeRectXY(box, 0.045, 0.045))
    brush.shape(round_box, leaf)
    width = box.width() / 5
    for rib in range(5):
        left = box.left() + width * rib
        stripe = skia.Path.Rect(
            skia.Rect(left, box.top() + 0.03, left + width * 0.4, box.bottom() - 0.03)
        )
        brush.light(stripe, scaled(leaf, 0.6 if rib > 2 else 1.25), 120)


def _rosette(brush: _Brush) -> None:
    kind, dice = brush.kind, brush.dice
    if kind.density > 2:
        for step in range(12):
            x = 0.6 * (2 * ((step * 0.618) % 1) - 1)
            brush.clump(x * 0.8, 0.3 + 0.4 * dice.unit() * (1 - abs(x)), 0.22, 0.9)
        return
    for leaf in range(13):
        angle = math.pi * (0.06 + 0.88 * leaf / 12)
        tip = (math.cos(angle) * 0.72, 0.06 + math.sin(angle) * 0.9)
        foot = 0.09 * math.sin(angle) + 0.03
        blade = polygon([(-foot, 0.0), (tip[0] * 0.4 - foot, tip[1] * 0.45), tip, (foot, 0.0)])
        brush.shape(blade, mix(scaled(kind.leaf, 0.7), kind.leaf, leaf % 2))


_GROW = {
    "round": _round,
    "cone": _cone,
    "column": _column,
    "umbrella": _umbrella,
    "weeping": _weeping,
    "fronds": _fronds,
    "cactus": _cactus,
    "rosette": _rosette,
}
