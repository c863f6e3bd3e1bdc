"""What players would write about a scene: clue sentences with places, and talk without any."""

from collections.abc import Iterator

from georay.streetworld.canvas.clues import Clue
from georay.streetworld.dice import Dice
from georay.streetworld.scene import Scene
from georay.streetworld.words.english import with_articles

Row = dict[str, object]
_SOURCE = "streetworld"
_LICENCE = "CC0-1.0"

# {what} is what is seen, {country} and {city} are names; each kind adds its own phrasings to _ANY.
_ANY = (
    "{What}: that says {country} to me.",
    "I would go {country} because of the {what}.",
    "The {what} is typical of {country}.",
    "In {country} you will often see a {what}, for example in {city}.",
    "{What}? Think of {city}, {country}.",
    "If you see a {what}, {country} should be your first guess.",
    "A {what} is one of the best hints for {country}.",
)
_THINGS = frozenset(
    {
        "centre line",
        "edge line",
        "plate",
        "bollard",
        "utility pole",
        "street lamp",
        "warning sign",
        "vegetation",
        "kerb",
        "taxi",
        "bus",
        "tram",
        "landmark",
    }
)
"""Kinds whose text is a single thing, so that the phrasings of _ANY fit."""
_BY_KIND: dict[str, tuple[str, ...]] = {
    "driving side": (
        "Cars on the road show that {what}, as in {country}.",
        "In {country} {what}, so look at the cars and vans coming towards you.",
        "{What} here, which fits the roads of {country}.",
    ),
    "centre line": (
        "Roads in {country} have a {what}.",
        "A {what} on the road is what {country} paints.",
        "Look down at the road: {country} uses a {what}.",
    ),
    "edge line": (
        "The road in {country} is bordered by a {what}.",
        "A {what} along the road is common in {country}.",
    ),
    "plate": (
        "Cars in {country} carry a {what}.",
        "The car ahead has a {what}, which {country} uses.",
        "A {what} on the cars narrows it down to {country} and its neighbours.",
    ),
    "bollard": (
        "The roadside post is a {what}, the {country} design.",
        "{country} bollards: {what}.",
        "Bollards along country roads in {country} look like this: {what}.",
    ),
    "utility pole": (
        "Streets in {country} are lined with poles like this {what}.",
        "A {what} beside the road is a strong hint for {country}.",
    ),
    "street lamp": (
        "The {what} is the model you find around {city}, {country}.",
        "Street lights in {country}: a {what}.",
    ),
    "script": (
        "The shop sign reads {what}, so this is {country}.",
        "A signboard with {what} on it: we are in {country}.",
        "Signboards such as {what} are what shops in {city} hang up.",
    ),
    "place name": (
        "There is a {what}, so this must be {city} in {country}.",
        "The {what} names districts of {city}.",
    ),
    "warning sign": (
        "Road signs help: {country} uses a {what}.",
        "A {what} stands by the road in {country}.",
    ),
    "buildings": (
        "Buildings in {country} are known for {what}.",
        "{What} line the streets of {city}, {country}.",
        "The architecture, {what}, looks like {city}.",
    ),
    "houses": (
        "Houses in {country}: {what}.",
        "Residential streets in {country} show {what}.",
    ),
    "vegetation": (
        "The {what} by the road grows all over {country}.",
        "You see {what} along the streets of {city}, {country}.",
        "Plants such as {what} point to {country}.",
    ),
    "soil": (
        "The ground is {what}, which you find in {country}.",
        "{What} beside the road suggests {country}.",
    ),
    "kerb": (
        "A {what} is something {country} is known for.",
        "Along the sidewalk runs a {what}, as in {city}, {country}.",
    ),
    "pavement": (
        "In {city} you walk on {what}.",
        "The sidewalk gives it away: {what} is the style of {city}, {country}.",
    ),
    "taxi": (
        "A {what} drives by, and that is how taxis look in {city}.",
        "Taxis tell cities apart: in {city}, {country}, it is a {what}.",
    ),
    "bus": (
        "The {what} belongs to {city}, {country}.",
        "City buses in {city} look like this {what}.",
    ),
    "tram": (
        "A {what} runs through the streets of {city}, {country}.",
        "The {what} is how people get around {city}.",
    ),
    "flag": (
        "A flag hangs from a pole: {what}, so {country}.",
        "You can see {what}, which makes {country} likely.",
    ),
    "landmark": (
        "The {what} on the horizon is the landmark of {city}, {country}.",
        "That {what} can only be {city}.",
        "Behind the street rises the {what} of {city} in {country}.",
    ),
    "skyline": (
        "Behind the street there is {what}, which fits {city}, {country}.",
        "With {what} this dense, {city} comes to mind.",
    ),
}
_DISTRACTORS = (
    "I was not sure about this one, so I guessed.",
    "The picture is quite blurry on the left.",
    "The sky is overcast and it might rain later.",
    "There is nothing to see here but a wall.",
    "This could be anywhere, I only see grass.",
    "Nice view, but no idea.",
    "It took me two minutes to decide.",
    "A tunnel again, skip it.",
    "My last round was much easier.",
    "The camera seems to be on top of a car.",
    "Fog everywhere, I cannot see any sign.",
    "Just trees and more trees.",
    "I should have looked around before moving on.",
    "Someone is walking on the sidewalk.",
)
_DISTRACTOR_SHARE = 0.25


def clue_rows(scene: Scene, image_id: str | None = None) -> Iterator[Row]:
    """Rows of the `clues` table about one scene: one sentence for each different visible clue.

    Misleading clues get none, because they would teach the wrong country. Now and then a sentence
    without any place is added. `image_id` defaults to the scene's name.
    """
    dice = Dice(scene.seed, scene.index, 2)
    image = image_id if image_id is not None else scene.name
    told: set[tuple[str, str]] = set()
    for clue in scene.clues:
        if clue.misleading or (clue.kind, clue.text) in told:
            continue
        told.add((clue.kind, clue.text))
        yield _row(scene, len(told), _sentence(scene, clue, dice), image)
    if dice.chance(_DISTRACTOR_SHARE):
        row = _row(scene, 0, dice.pick(_DISTRACTORS), image)
        yield row | {"country": None, "city": None, "places": []}


def _sentence(scene: Scene, clue: Clue, dice: Dice) -> str:
    own = _BY_KIND[clue.kind]
    template = dice.pick(_ANY) if clue.kind in _THINGS and dice.chance(0.3) else dice.pick(own)
    what = clue.text
    text = template.format(
        what=what, What=what[0].upper() + what[1:], country=_with_article(scene), city=scene.city
    )
    text = text[0].upper() + text[1:]
    return with_articles(text)


def _with_article(scene: Scene) -> str:
    the = scene.country_name.startswith("United ")
    return f"the {scene.country_name}" if the else scene.country_name


def _row(scene: Scene, number: int, text: str, image_id: str) -> Row:
    return {
        "clue_id": f"{scene.name}-{number}",
        "text": text,
        "country": scene.country,
        "city": scene.city,
        "places": [place for place in (scene.country_name, scene.city) if place in text],
        "image_id": image_id,
        "source": _SOURCE,
        "licence": _LICENCE,
    }
