"""What stands behind a street: relief, water, a skyline, a landmark."""

import math

import skia

from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.atlas.colours import NAMED, Rgb
from georay.streetworld.canvas.painter import Stroke, polygon, rectangle, rectangles
from georay.streetworld.canvas.palette import mix, scaled
from georay.streetworld.canvas.setting import Setting
from georay.streetworld.paint.ground import ground_strip
from georay.streetworld.paint.landmarks import paint_landmark
from georay.streetworld.words.descriptions import SAND_BEACH, SKYLINE, landmark_words

# Replicas that really stand abroad, such as the lattice towers of Tokyo's and Paris's kind that
# amusement parks and casinos rebuilt: the paper's figure 8 shows how they lead a model astray.
_REPLICAS = (
    "lattice tower",
    "clock tower",
    "pyramids",
    "triumphal arch",
    "pagoda",
    "temple on a hill",
)
_REPLICA_SHARE = 0.035
_TOWN_GLASS: tuple[str, ...] = ("glass", "light grey", "slate", "limestone", "light blue")


def paint_relief(setting: Setting) -> None:
    """Hills or mountains along the horizon."""
    relief, dice = setting.country.nature.relief, setting.dice
    if relief == "flat":
        return
    size, horizon = setting.painter.size, setting.camera.horizon
    tall = size * (0.14 if relief == "mountains" else 0.05)
    painter = setting.painter
    painter.use_pixels()
    for layer, haze in ((1.0, 0.62), (0.6, 0.42)):
        tone = mix(scaled(NAMED["olive"], 0.72), (70, 92, 120), 0.35)
        colour = mix(setting.lit(tone, 0.2, 0.0), setting.light.haze, haze)
        ridge = _ridge(setting, tall * layer, relief == "mountains")
        points = [(-2.0, horizon + 1), *ridge, (size + 2.0, horizon + 1)]
        painter.fill(polygon(points), colour, Stroke("mountain"))
    if relief == "mountains" and dice.chance(0.3):
        return


def _ridge(setting: Setting, tall: float, sharp: bool) -> list[tuple[float, float]]:
    dice, size, horizon = setting.dice, setting.painter.size, setting.camera.horizon
    phases = [dice.between(0, math.tau) for _ in range(4)]
    points = []
    for step in range(41):
        x = step / 40
        rise = 0.0
        for octave, phase in enumerate(phases):
            wave = math.sin(phase + x * (3.1, 7.3, 15.7, 31.0)[octave])
            rise += (1 - abs(wave) if sharp else 0.5 + wave / 2) * (0.5, 0.28, 0.14, 0.08)[octave]
        points.append((x * size, horizon - tall * rise))
    return points


def paint_sea(setting: Setting, side: int) -> None:
    """Water beyond the shore on one side, out to the horizon."""
    painter, camera, layout = setting.painter, setting.camera, setting.layout
    near = side * (layout.edge + 5.0)
    painter.use(camera.ground())
    clue = setting.ledger.shared("soil", SAND_BEACH)
    strand = _between(setting, side * layout.edge, near + side * 60, 400.0)
    painter.fill(strand, setting.lit("sand", 0.5, 25.0), Stroke("sand", clue))
    deep = mix(setting.lit((52, 108, 146), 0.4, 60.0), setting.light.haze, 0.2)
    painter.fill(
        _between(setting, near + side * 6, near + side * 3000, 6000.0), deep, Stroke("sea")
    )
    foam = skia.Path()
    for wave in range(4):
        x = near + side * (6.5 + wave * 2.2)
        foam.addPath(_between(setting, x, x + side * 0.5, 160.0))
    painter.detail(foam, setting.lit("white", 0.5, 20.0), 120)


def _between(setting: Setting, first: float, second: float, end: float) -> skia.Path:
    return ground_strip(setting, min(first, second), max(first, second), end)


def paint_skyline(setting: Setting) -> None:
    """Skyscrapers behind the street where the city has them."""
    dice, city = setting.dice, setting.city
    if not dice.chance(min(0.9, city.skyline * 1.15)):
        return
    clue = setting.ledger.shared("skyline", SKYLINE)
    for _ in range(3 + int(9 * city.skyline)):
        z = dice.between(160, 330)
        x = dice.between(-0.46, 0.46) * z
        _skyscraper(setting, x, z, dice.between(50, 80 + 110 * city.skyline), clue)


def _skyscraper(setting: Setting, x: float, z: float, tall: float, clue: int) -> None:
    dice, painter = setting.dice, setting.painter
    depth = setting.camera.depth(x, z)
    if depth < 60:
        return
    half = dice.between(9, 17)
    body: Rgb = setting.lit(dice.pick(_TOWN_GLASS), 0.3, depth * 0.6)
    painter.use(setting.camera.facing(x, z))
    painter.fill(rectangle(-half, 0, half, tall), body, Stroke("skyscraper", clue))
    painter.detail(rectangle(half * 0.35, 0, half, tall), scaled(body, 0.74))
    floors = rectangles((-half + 1, y, half - 1, y + 1.7) for y in _floors(tall))
    painter.detail(floors, scaled(mix(body, NAMED["glass"], 0.4), 0.66), 170)
    if dice.chance(0.4):
        crown = rectangle(-half * 0.5, tall, half * 0.5, tall + 7)
        painter.fill(crown, scaled(body, 0.85), Stroke("skyscraper", clue))


def _floors(tall: float) -> list[float]:
    return [4.0 * i + 2.0 for i in range(int(tall / 4) - 1)]


def paint_city_landmark(setting: Setting) -> None:
    """The city's landmark, or rarely a replica of someone else's, beyond the end of the street."""
    dice = setting.dice
    if dice.chance(_REPLICA_SHARE):
        name = dice.pick([r for r in _REPLICAS if r != setting.city.landmark[0]])
        clue = setting.ledger.new("landmark", f"a replica of a famous {name}", misleading=True)
        design = (name, "sandstone")
    elif dice.chance(0.42):
        design = setting.city.landmark
        clue = setting.ledger.new("landmark", landmark_words(design))
    else:
        return
    landmark = Atlas.load().landmarks[design[0]]
    z = max(70.0, landmark.height * max(1.6, 2.4 * landmark.reach) * dice.between(1.0, 1.4))
    x = dice.between(-0.13, 0.13) * z + math.tan(setting.camera.yaw) * z
    paint_landmark(setting, design, x, z, clue)
