"""StreetWorld: any scene of a drawn world by its number."""

from functools import cache

import skia

from georay.core.gazetteer import Gazetteer
from georay.streetworld.atlas.atlas import Atlas
from georay.streetworld.atlas.schema import City, Country
from georay.streetworld.canvas import textures
from georay.streetworld.canvas.camera import Camera
from georay.streetworld.canvas.clues import ClueLedger
from georay.streetworld.canvas.painter import Painter
from georay.streetworld.canvas.setting import Kind, Setting
from georay.streetworld.dice import Dice
from georay.streetworld.paint.compose import compose, layout_of
from georay.streetworld.paint.sky import WEATHERS, light_of
from georay.streetworld.scene import Scene
from georay.streetworld.words.caption import caption_of

DEFAULT_SIZE = 448
KINDS_OF_SCENE: tuple[tuple[Kind, float], ...] = (
    ("street", 0.35),
    ("suburb", 0.14),
    ("road", 0.13),
    ("coast", 0.11),
    ("tunnel", 0.04),
    ("wall", 0.08),
    ("forest", 0.05),
    ("fog", 0.04),
    ("field", 0.06),
)
"""How often each kind of scene comes: more than a quarter can be placed by nobody."""
_REACH = 0.05  # degrees: scenes lie within about 5 km of their city's centre


class StreetWorld:
    """A drawn world that is the same for the same seed, on every machine and in any order.

    seed: any non-negative integer. size: pixels of a side, at least 64.
    Raises ValueError if either is out of range.
    """

    def __init__(self, seed: int, size: int = DEFAULT_SIZE) -> None:
        if seed < 0:
            raise ValueError(f"the seed must not be negative, got {seed}")
        if size < 64:
            raise ValueError(f"scenes need at least 64 pixels a side, got {size}")
        self.seed = seed
        self.size = size

    def scene(self, index: int) -> Scene:
        """Scene number `index`, drawn without any other. Raises ValueError if it is negative."""
        if index < 0:
            raise ValueError(f"scenes are numbered from 0, got {index}")
        dice = Dice(self.seed, index)
        country, city = dice.pick(Atlas.load().places)
        kind = dice.weighted(KINDS_OF_SCENE)
        if kind == "coast" and not city.sea:
            kind = "street"
        return self._draw(index, country, city, kind, dice)

    def scene_of(self, index: int, country: Country, city: City, kind: Kind) -> Scene:
        """Scene number `index` of one city and kind, for contact sheets and experiments."""
        return self._draw(index, country, city, kind, Dice(self.seed, index, 1))

    def _draw(self, index: int, country: Country, city: City, kind: Kind, dice: Dice) -> Scene:
        setting = begin(country, city, kind, self.size, dice)
        compose(setting)
        _film_grain(setting)
        mask, numbers = setting.painter.truth()
        latitude, longitude = _centre(country.code, city.name)
        return Scene(
            seed=self.seed,
            index=index,
            image=setting.painter.picture(),
            mask=mask,
            clues=setting.ledger.visible(mask, numbers),
            caption=caption_of(setting),
            country=country.code,
            country_name=country.name,
            city=city.name,
            latitude=round(latitude + dice.between(-_REACH, _REACH), 5),
            longitude=round(longitude + dice.between(-_REACH, _REACH), 5),
            heading=round(dice.between(0.0, 360.0), 1),
            kind=kind,
            weather=setting.weather,
        )


def begin(country: Country, city: City, kind: Kind, size: int, dice: Dice) -> Setting:
    """An empty scene: its weather, light, camera and road are decided, nothing is drawn."""
    weather = dice.weighted(WEATHERS)
    if kind == "tunnel":
        weather = "overcast"
    return Setting(
        country=country,
        city=city,
        kind=kind,
        weather=weather,
        layout=layout_of(kind, dice),
        light=light_of(weather, dice),
        camera=_camera(size, 1 if country.side == "right" else -1, dice),
        painter=Painter(size),
        dice=dice,
        ledger=ClueLedger(),
    )


def _camera(size: int, keep: int, dice: Dice) -> Camera:
    """A camera on a car's roof in its own lane, looking more or less along the road."""
    return Camera(
        size=size,
        focal=size * dice.between(0.72, 0.95),
        horizon=size * dice.between(0.47, 0.58),
        eye=dice.between(2.0, 2.6),
        x=keep * dice.between(1.3, 2.0),
        yaw=dice.between(-0.24, 0.24),
    )


def _film_grain(setting: Setting) -> None:
    """The fine noise of a sensor, so that flat areas are not flatter than a photograph's."""
    dice = setting.dice
    shader = textures.shader(textures.grain(), 256.0, dice.index(256), dice.index(256))
    setting.painter.wash(skia.Paint(Shader=shader, Alphaf=0.7))


@cache
def _centre(country: str, city: str) -> tuple[float, float]:
    place = Gazetteer.load().resolve(city, country)
    assert place is not None, f"the gazetteer lacks {city}, {country}"
    return place.latitude, place.longitude
