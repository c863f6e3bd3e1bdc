"""Other label sets in terms of ADE20K's 150 labels.

A name resolves in this order: ADE20K's own label or any one of its synonyms, then the explicit
table of its data set below. There is no guess by similarity: an unknown name is an error.
"""

from collections.abc import Mapping, Sequence

from georay.locatability.labels import ADE20K_LABELS, LABEL_INDEX

ADE20K_SPELLINGS: dict[str, str] = {
    # As other releases of ADE20K's 150 classes (SegFormer's, MSeg's) spell them.
    "airplane": "plane",
    "apparel": "clothes",
    "ashcan": "trash can",
    "bathtub": "tub",
    "railing": "rail",
    "streetlight": "street lamp",
    "swimming pool": "pool",
    "television receiver": "tv",
    "waterfall": "falls",
    "windowpane": "window",
}

CAMVID: dict[str, str] = {
    "pavement": "sidewalk",
    "sign": "signboard",
    "signsymbol": "signboard",
    "column_pole": "pole",
    "pedestrian": "person",
    "bicyclist": "bicycle",
}

CITYSCAPES: dict[str, str] = {
    "traffic sign": "signboard",
    "vegetation": "tree",
    "terrain": "earth",
    "rider": "person",
    "train": "bus",
    "motorcycle": "minibike",
}

MAPILLARY_VISTAS: dict[str, str] = {
    "bird": "animal",
    "ground animal": "animal",
    "curb": "sidewalk",
    "guard rail": "rail",
    "barrier": "fence",
    "bike lane": "road",
    "crosswalk - plain": "road",
    "curb cut": "sidewalk",
    "parking": "road",
    "pedestrian area": "sidewalk",
    "rail track": "land",
    "service lane": "road",
    "tunnel": "building",
    "bicyclist": "person",
    "motorcyclist": "person",
    "other rider": "person",
    "lane marking - crosswalk": "road",
    "lane marking - general": "road",
    "snow": "earth",
    "banner": "poster",
    "bike rack": "rail",
    "billboard": "signboard",
    "catch basin": "road",
    "cctv camera": "pole",
    "fire hydrant": "pole",
    "junction box": "box",
    "mailbox": "box",
    "manhole": "road",
    "phone booth": "booth",
    "pothole": "road",
    "street light": "street lamp",
    "traffic sign frame": "pole",
    "utility pole": "pole",
    "traffic sign (back)": "signboard",
    "traffic sign (front)": "signboard",
    "caravan": "van",
    "on rails": "bus",
    "other vehicle": "car",
    "trailer": "truck",
    "wheeled slow": "plaything",
    "car mount": "car",
    "ego vehicle": "car",
}

COCO_PANOPTIC: dict[str, str] = {
    "banner": "poster",
    "cardboard": "box",
    "door-stuff": "door",
    "floor-wood": "floor",
    "fruit": "food",
    "gravel": "earth",
    "mirror-stuff": "mirror",
    "net": "fence",
    "platform": "sidewalk",
    "playingfield": "field",
    "railroad": "land",
    "roof": "building",
    "snow": "earth",
    "wall-brick": "wall",
    "wall-stone": "wall",
    "wall-tile": "wall",
    "wall-wood": "wall",
    "water-other": "water",
    "window-blind": "blind",
    "window-other": "window",
    "tree-merged": "tree",
    "fence-merged": "fence",
    "ceiling-merged": "ceiling",
    "sky-other-merged": "sky",
    "cabinet-merged": "cabinet",
    "table-merged": "table",
    "floor-other-merged": "floor",
    "pavement-merged": "sidewalk",
    "mountain-merged": "mountain",
    "grass-merged": "grass",
    "dirt-merged": "earth",
    "paper-merged": "poster",
    "food-other-merged": "food",
    "building-other-merged": "building",
    "rock-merged": "rock",
    "wall-other-merged": "wall",
    "rug-merged": "rug",
    "motorcycle": "minibike",
    "train": "bus",
    "fire hydrant": "pole",
    "stop sign": "signboard",
    "parking meter": "pole",
    **dict.fromkeys(
        ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"),
        "animal",
    ),
    **dict.fromkeys(("backpack", "handbag", "suitcase"), "bag"),
    "umbrella": "canopy",
    "tie": "clothes",
    **dict.fromkeys(
        (
            "frisbee",
            "skis",
            "snowboard",
            "kite",
            "baseball bat",
            "baseball glove",
            "skateboard",
            "surfboard",
            "tennis racket",
            "teddy bear",
        ),
        "plaything",
    ),
    "sports ball": "ball",
    **dict.fromkeys(("wine glass", "cup"), "glass"),
    **dict.fromkeys(("fork", "knife", "spoon"), "plate"),
    "bowl": "pot",
    **dict.fromkeys(
        (
            "banana",
            "apple",
            "sandwich",
            "orange",
            "broccoli",
            "carrot",
            "hot dog",
            "pizza",
            "donut",
            "cake",
        ),
        "food",
    ),
    "couch": "sofa",
    "potted plant": "plant",
    "dining table": "table",
    "laptop": "computer",
    **dict.fromkeys(("mouse", "remote", "keyboard", "cell phone"), "computer"),
    "toaster": "oven",
    **dict.fromkeys(("scissors", "hair drier", "toothbrush"), "plaything"),
}

TABLES: tuple[Mapping[str, str], ...] = (
    ADE20K_SPELLINGS,
    CAMVID,
    CITYSCAPES,
    MAPILLARY_VISTAS,
    COCO_PANOPTIC,
)


def ade20k_ids(names: Sequence[str]) -> list[int]:
    """ADE20K class id of each class name of a model.

    Raises ValueError naming every class that no table maps.
    """
    resolved = [_resolve(name) for name in names]
    unknown = [name for name, found in zip(names, resolved, strict=True) if found is None]
    if unknown:
        raise ValueError(
            f"no ADE20K label for the model's classes {unknown}: add them to a table in "
            "georay/models/segmenters/label_maps.py"
        )
    return [found for found in resolved if found is not None]


def _synonyms() -> dict[str, int]:
    """Every synonym of every label; the first label that has one keeps it."""
    found: dict[str, int] = {}
    for label, index in LABEL_INDEX.items():
        found.setdefault(label.strip().lower(), index)
    for index, label in enumerate(ADE20K_LABELS):
        for synonym in label.split(","):
            found.setdefault(synonym.strip().lower(), index)
    return found


_SYNONYMS = _synonyms()


def _resolve(name: str) -> int | None:
    key = name.strip().lower()
    if key in _SYNONYMS:
        return _SYNONYMS[key]
    for table in TABLES:
        if key in table:
            return LABEL_INDEX[table[key]]
    return None
