"""The colour of each segmentation class, the same in every picture, chart and terminal."""

from georay.locatability.labels import LABEL_INDEX

OTHER_COLOUR = "#9aa3ab"

CLASS_COLOURS: dict[str, str] = {
    # ground that is driven and walked on: violets
    "road": "#8a63d2",
    "sidewalk": "#cf7fc6",
    "path": "#a98be0",
    "dirt track": "#9b7bb0",
    "runway": "#6f56a8",
    "stairs": "#b79ad6",
    "bridge": "#7a5c9e",
    # built: oranges and browns
    "building": "#e08a4f",
    "house": "#f0b27a",
    "skyscraper": "#c46a3c",
    "hovel": "#b98a63",
    "tower": "#b5583a",
    "wall": "#c8a98b",
    "fence": "#9c6b4a",
    "door": "#8f4f2f",
    "window": "#f4cfa3",
    "awning": "#d9a441",
    "canopy": "#c49a3f",
    "column": "#d8b394",
    # growing: greens
    "tree": "#3f9f57",
    "grass": "#93c94f",
    "plant": "#6fbf8b",
    "palm": "#1f8f80",
    "field": "#c3cf5a",
    "flower": "#e58fb0",
    # land
    "earth": "#b8935a",
    "land": "#a9854f",
    "mountain": "#7f7a5f",
    "hill": "#97985c",
    "rock": "#8b8279",
    "sand": "#e3cd8b",
    # air and water: blues
    "sky": "#7fc3f2",
    "water": "#3f8fd0",
    "sea": "#2f74b5",
    "river": "#4aa3c9",
    "lake": "#3c86a8",
    # things that move: reds
    "car": "#e5484d",
    "bus": "#b3306a",
    "truck": "#a12c3f",
    "van": "#f07a6a",
    "minibike": "#d6336c",
    "bicycle": "#ff7d9c",
    "person": "#ffcf3f",
    # street furniture: strong blues and yellows, because it is small
    "signboard": "#2563eb",
    "pole": "#4b5b8c",
    "street lamp": "#f5a50b",
    "traffic light": "#fb5607",
    "flag": "#0ea5b7",
    "trade name": "#4f7df3",
    "bench": "#7a8b52",
    "trash can": "#5f6f73",
}
"""One fixed colour per class that streets show, by the label's first synonym."""


def class_colour(label: str) -> str:
    """The overlay colour of a class, as #rrggbb; a neutral grey for indoor classes."""
    return CLASS_COLOURS.get(label, OTHER_COLOUR)


def class_palette() -> list[int]:
    """Red, green and blue of 256 ids in a row, as an image palette takes them.

    Beyond the 150 classes, which is what a segmenter does not know, they are grey.
    """
    colours = [OTHER_COLOUR] * 256
    for label, colour in CLASS_COLOURS.items():
        colours[LABEL_INDEX[label]] = colour
    return [int(colour[at : at + 2], 16) for colour in colours for at in (1, 3, 5)]
