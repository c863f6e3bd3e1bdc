"""The landmarks of the table's cities, by the name that the rows use."""

from georay.streetworld.landmark_shapes import (
    BALL_TOWER,
    GOLDEN_DOMES,
    LATTICE,
    MOSQUE,
    PAGODA,
    SPIRES,
    TEMPLE,
    Landmark,
    mirrored,
)

LANDMARKS: dict[str, Landmark] = {
    "clock tower": Landmark(
        "tower",
        96,
        (("box", -0.09, 0, 0.09, 0.8), ("face", 0, 0.68, 0.065, 0), ("point", 0, 0.1, 0.8, 1.0)),
    ),
    "glass slab tower": Landmark("tower", 160, (("box", -0.13, 0, 0.13, 1.0),), True),
    "castle": Landmark(
        "building",
        110,
        (
            ("hill", 0, 1.5, 0, 0.6),
            ("box", -0.7, 0.55, 0.6, 0.75),
            ("crown", -0.7, 0.75, 0.6, 0.8),
            ("box", -0.2, 0.7, 0.15, 0.95),
        ),
    ),
    "spire": Landmark("tower", 120, (("point", 0, 0.022, 0, 1.0),)),
    "twin spires": Landmark("tower", 130, (("box", -0.2, 0, 0.2, 0.42), *SPIRES)),
    "yellow spires": Landmark("tower", 90, (("box", -0.3, 0, 0.3, 0.4), *SPIRES)),
    "dome": Landmark(
        "building",
        120,
        (
            ("box", -0.5, 0, 0.5, 0.4),
            ("columns", -0.3, 0.4, 0.3, 0.55),
            ("dome", 0, 0.3, 0.55, 0.9),
            ("box", -0.03, 0.88, 0.03, 1.0),
        ),
    ),
    "lattice tower": Landmark("tower", 300, LATTICE),
    "pencil tower": Landmark(
        "tower", 165, (("box", -0.09, 0, 0.09, 0.86), ("point", 0, 0.09, 0.86, 1))
    ),
    "basilica": Landmark(
        "building",
        150,
        (
            ("hill", 0, 1.3, 0, 0.55),
            ("box", -0.35, 0.52, 0.3, 0.68),
            ("box", -0.3, 0.6, -0.16, 0.93),
            ("ball", -0.23, 0.97, 0.03, 0),
            ("dome", 0.14, 0.13, 0.68, 0.82),
        ),
    ),
    "ball tower": Landmark("tower", 250, BALL_TOWER),
    "onion towers": Landmark(
        "tower",
        100,
        (
            ("box", -0.3, 0, 0.3, 0.4),
            *mirrored(("box", 0.1, 0, 0.28, 0.76), ("onion", 0.19, 0.11, 0.76, 1)),
        ),
    ),
    "leaning towers": Landmark(
        "tower", 115, (("lean", -0.42, 0.2, 0, 1.0), ("lean", 0.42, -0.2, 0, 1.0)), True
    ),
    "needle spires": Landmark(
        "tower",
        140,
        (
            ("box", -0.4, 0, 0.4, 0.3),
            *mirrored(("point", 0.1, 0.08, 0.25, 1.0), ("point", 0.3, 0.07, 0.25, 0.8)),
            ("point", 0, 0.07, 0.3, 0.7),
        ),
    ),
    "bell tower": Landmark(
        "tower",
        95,
        (
            ("box", -0.12, 0, 0.12, 0.7),
            ("box", -0.08, 0.7, 0.08, 0.86),
            ("point", 0, 0.08, 0.86, 1.0),
        ),
    ),
    "volcano": Landmark("mountain", 260, (("peak", 0, 2.4, 0, 1.0), ("peak", -0.9, 1.4, 0, 0.72))),
    "temple on a hill": Landmark("building", 120, TEMPLE),
    "round tower": Landmark(
        "tower",
        70,
        (
            ("box", -0.26, 0, 0.26, 0.85),
            ("crown", -0.28, 0.85, 0.28, 0.92),
            ("box", -0.14, 0.9, 0.14, 1.0),
        ),
    ),
    "crown tower": Landmark(
        "tower",
        100,
        (
            ("box", -0.12, 0, 0.12, 0.66),
            ("point", 0, 0.11, 0.66, 1.0),
            *mirrored(("point", 0.1, 0.03, 0.64, 0.82)),
        ),
    ),
    "twisted tower": Landmark(
        "tower", 185, (("lean", -0.06, 0.1, 0, 0.5), ("lean", 0.04, -0.1, 0.5, 1.0)), True
    ),
    "wedding cake tower": Landmark(
        "tower",
        220,
        (
            ("box", -0.42, 0, 0.42, 0.25),
            ("box", -0.26, 0.25, 0.26, 0.48),
            ("box", -0.13, 0.48, 0.13, 0.76),
            ("point", 0, 0.09, 0.76, 1),
        ),
        True,
    ),
    "harbour crane": Landmark(
        "tower",
        80,
        (("box", -0.3, 0, 0.3, 0.55), ("lean", 0.0, 0.12, 0.5, 1.0), ("box", -0.1, 0.7, 0.45, 0.8)),
    ),
    "golden spire": Landmark(
        "tower",
        122,
        (
            ("box", -0.16, 0, 0.16, 0.4),
            ("box", -0.07, 0.4, 0.07, 0.55),
            ("point", 0, 0.035, 0.55, 1.0),
        ),
    ),
    "minarets": Landmark("tower", 90, MOSQUE),
    "golden domes": Landmark("building", 70, GOLDEN_DOMES),
    "golden dome": Landmark(
        "building",
        75,
        (
            ("box", -0.5, 0, 0.5, 0.45),
            ("box", -0.32, 0.45, 0.32, 0.56),
            ("dome", 0, 0.32, 0.56, 1.0),
        ),
    ),
    "mosque": Landmark("tower", 105, MOSQUE),
    "trio towers": Landmark(
        "tower",
        190,
        (
            ("box", -0.34, 0, -0.16, 0.9),
            ("dome", 0, 0.1, 0.95, 1.0),
            ("box", -0.1, 0, 0.1, 0.97),
            ("box", 0.16, 0, 0.34, 0.85),
        ),
        True,
    ),
    "stepped needle": Landmark(
        "tower",
        420,
        (
            ("box", -0.1, 0, 0.1, 0.3),
            ("box", -0.075, 0.3, 0.06, 0.5),
            ("box", -0.05, 0.5, 0.045, 0.68),
            ("point", 0, 0.032, 0.68, 1.0),
        ),
        True,
    ),
    "pyramids": Landmark(
        "building",
        140,
        (
            ("point", 0.0, 0.85, 0, 1.0),
            ("point", 1.2, 0.6, 0, 0.72),
            ("point", -1.15, 0.4, 0, 0.45),
        ),
    ),
    "fortress": Landmark(
        "building",
        60,
        (
            ("box", -0.9, 0, 0.9, 0.4),
            ("crown", -0.9, 0.4, 0.9, 0.46),
            ("box", -0.3, 0.4, 0.3, 0.9),
            ("crown", -0.32, 0.9, 0.32, 1.0),
        ),
    ),
    "obelisk": Landmark("tower", 85, (("taper", 0, 0.065, 0, 0.93), ("point", 0, 0.05, 0.93, 1.0))),
    "table mountain": Landmark("mountain", 240, (("mesa", 0, 2.2, 0, 1.0),)),
    "arch": Landmark("tower", 110, (("arc", 0, 0.9, 0, 1.0),)),
    "triumphal arch": Landmark(
        "tower", 60, (("gate", 0, 0.36, 0, 0.9), ("box", -0.4, 0.86, 0.4, 1.0))
    ),
    "palace gate": Landmark(
        "building",
        60,
        (
            ("gate", 0, 0.9, 0, 0.5),
            ("eaves", 0, 0.8, 0.5, 0.68),
            ("box", -0.6, 0.62, 0.6, 0.76),
            ("eaves", 0, 0.7, 0.76, 1.0),
        ),
    ),
    "pink palace": Landmark(
        "building",
        55,
        (
            ("box", -0.9, 0, 0.9, 0.45),
            ("box", -0.6, 0.45, 0.6, 0.68),
            *mirrored(("onion", 0.7, 0.12, 0.45, 0.66), ("onion", 0.4, 0.12, 0.68, 0.88)),
            ("onion", 0, 0.2, 0.68, 1.0),
        ),
        True,
    ),
    "stupa": Landmark(
        "tower",
        80,
        (
            ("box", -0.4, 0, 0.4, 0.12),
            ("taper", 0, 0.34, 0.12, 0.3),
            ("dome", 0, 0.24, 0.3, 0.56),
            ("point", 0, 0.09, 0.52, 1.0),
        ),
    ),
    "giant statue": Landmark(
        "tower",
        95,
        (
            ("hill", 0, 1.3, 0, 0.45),
            ("dome", 0, 0.32, 0.42, 0.62),
            ("taper", 0, 0.17, 0.5, 0.84),
            ("ball", 0, 0.9, 0.075, 0),
        ),
    ),
    "pagoda": Landmark("tower", 60, PAGODA),
    "white keep": Landmark(
        "building",
        75,
        (
            ("hill", 0, 0.9, 0, 0.25),
            ("box", -0.4, 0.2, 0.4, 0.45),
            ("eaves", 0, 0.5, 0.42, 0.56),
            ("box", -0.28, 0.5, 0.28, 0.68),
            ("eaves", 0, 0.38, 0.66, 0.78),
            ("eaves", 0, 0.28, 0.82, 1.0),
            ("box", -0.18, 0.75, 0.18, 0.86),
        ),
    ),
    "hill needle": Landmark(
        "tower",
        240,
        (
            ("hill", 0, 1.4, 0, 0.5),
            ("box", -0.022, 0.45, 0.022, 0.72),
            ("box", -0.06, 0.72, 0.06, 0.8),
            ("box", -0.012, 0.8, 0.012, 1.0),
        ),
    ),
    "pearl tower": Landmark(
        "tower",
        300,
        (
            ("leg", 0, 0.14, 0, 0.25),
            ("ball", 0, 0.24, 0.09, 0),
            ("box", -0.035, 0.2, 0.035, 0.66),
            ("ball", 0, 0.62, 0.065, 0),
            ("ball", 0, 0.76, 0.025, 0),
            ("box", -0.01, 0.7, 0.01, 1.0),
        ),
    ),
    "art deco tower": Landmark(
        "tower",
        340,
        (
            ("box", -0.2, 0, 0.2, 0.3),
            ("box", -0.14, 0.3, 0.14, 0.72),
            ("box", -0.08, 0.72, 0.08, 0.84),
            ("point", 0, 0.035, 0.84, 1.0),
        ),
        True,
    ),
    "saucer tower": Landmark(
        "tower",
        184,
        (
            ("leg", 0, 0.13, 0, 0.8),
            ("box", -0.03, 0.4, 0.03, 0.85),
            ("eaves", 0, 0.21, 0.79, 0.88),
            ("box", -0.01, 0.86, 0.01, 1.0),
        ),
    ),
    "slender tower": Landmark(
        "tower",
        480,
        (
            ("taper", 0, 0.05, 0, 0.66),
            ("eaves", 0, 0.055, 0.63, 0.68),
            ("box", -0.013, 0.66, 0.013, 0.82),
            ("box", -0.006, 0.8, 0.006, 1.0),
        ),
    ),
    "leaning mast": Landmark(
        "tower", 165, (("lean", -0.4, 0.55, 0, 1.0), ("dome", 0.4, 0.6, 0, 0.3))
    ),
    "winged column": Landmark(
        "tower",
        60,
        (
            ("box", -0.14, 0, 0.14, 0.12),
            ("taper", 0, 0.05, 0.12, 0.78),
            ("ball", 0, 0.82, 0.03, 0),
            ("point", 0, 0.03, 0.82, 0.96),
            ("lean", 0.06, 0.12, 0.86, 1.0),
            ("lean", -0.06, -0.12, 0.86, 1.0),
        ),
    ),
    "statue on a peak": Landmark(
        "mountain",
        300,
        (
            ("peak", 0, 0.9, 0, 0.86),
            ("box", -0.014, 0.82, 0.014, 0.97),
            ("box", -0.06, 0.925, 0.06, 0.945),
            ("ball", 0, 0.98, 0.013, 0),
        ),
    ),
    "radio mast": Landmark(
        "tower",
        210,
        (("leg", 0, 0.1, 0.25, 0.8), ("box", -0.2, 0, 0.2, 0.3), ("box", -0.015, 0.7, 0.015, 1.0)),
    ),
    "twin slabs": Landmark(
        "tower",
        110,
        (("box", -0.24, 0, -0.04, 1.0), ("box", 0.04, 0, 0.24, 1.0), ("box", -0.1, 0.4, 0.1, 0.5)),
        True,
    ),
    "snow peaks": Landmark(
        "mountain",
        280,
        (("snow", -1.1, 1.2, 0, 0.8), ("snow", 0.2, 1.5, 0, 1.0), ("snow", 1.7, 1.1, 0, 0.7)),
    ),
    "gold-topped tower": Landmark(
        "tower", 300, (("box", -0.1, 0, 0.1, 0.9), ("box", -0.08, 0.9, 0.08, 1.0)), True
    ),
    "bell spire": Landmark(
        "tower",
        90,
        (("point", -0.1, 0.16, 0, 0.8), ("point", 0.1, 0.16, 0, 0.8), ("point", 0, 0.1, 0.1, 1.0)),
    ),
}
