"""Does locatability find the pictures that can be placed? StreetWorld knows the truth.

    python -m benchmarks.locatability --photos ../shared/data/street_photos

Draws 2,000 held-out scenes, curates them with weights made from StreetWorld's own clues, and holds
the scores against the number of clues that each scene really shows: once with the areas that the
small segmenter sees, once with the true masks. Draws the paper's Figure 5 for the scenes and, where
a folder of photographs is given, for those beside it (docs/figure5.svg). Scenes are drawings.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr

from benchmarks.record import computing_commit, write_record
from georay.config.curate import CurateRecipe
from georay.config.load import parse_recipe
from georay.core.manifest import write_atomic
from georay.core.tables import SCORES
from georay.curation.curate import curate
from georay.curation.report.figures import BuildingCurve, building_curve
from georay.locatability.labels import ADE20K_LABELS, LABEL_INDEX, NUM_LABELS, short_name
from georay.locatability.score import locatability
from georay.locatability.weights import weights_from_json
from georay.streetworld.export.records import write_folder
from georay.streetworld.world import StreetWorld

CLUE_SEED, CLUE_SCENES = 7, 600
HELD_OUT_SEED, HELD_OUT_SCENES = 20_26, 2_000
THRESHOLD = 0.4
FIGURE = Path("docs/figure5.svg")
Floats = NDArray[np.float64]


def main() -> None:
    """Runs the study, writes its record and the figure, and prints the record's results."""
    computing_commit()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=Path, help="a folder of photographs for Figure 5")
    parser.add_argument("--scenes", type=int, default=HELD_OUT_SCENES)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        results, curves = study(Path(folder), options.scenes, options.photos)
    write_atomic(FIGURE, figure_svg(curves))
    config = {
        "clue_scenes": f"{CLUE_SCENES} of seed {CLUE_SEED}",
        "held_out_scenes": f"{options.scenes} of seed {HELD_OUT_SEED}",
        "segmenter": "small",
        "threshold": THRESHOLD,
    }
    path = write_record("locatability_streetworld", config, results)
    print(*(f"{key}: {value}" for key, value in results.items()), f"→ {path}, {FIGURE}", sep="\n")


def study(
    folder: Path, num_scenes: int, photos: Path | None
) -> tuple[dict[str, object], dict[str, BuildingCurve]]:
    """Scores against truth, and the building curves by name of the pictures."""
    write_folder(StreetWorld(CLUE_SEED), CLUE_SCENES, folder / "clues")
    scenes = folder / "scenes"
    write_folder(StreetWorld(HELD_OUT_SEED), num_scenes, scenes)
    recipe: dict[str, object] = {"weights": {"clues": str(folder / "clues" / "clues.parquet")}}
    seen = _curated(scenes / "labels.csv", folder / "run", recipe)
    labels = _by_file(scenes / "labels.csv")
    names = [Path(uri).name for uri in seen.column("uri").to_pylist()]
    num_clues = np.array([labels[name]["visible_clue_count"] for name in names])
    kinds = np.array([labels[name]["kind"] for name in names])
    ratios = _ratios(seen)
    weights = weights_from_json((folder / "run" / "weights.json").read_text()).values
    true_ratios = np.stack([_true_ratio(scenes / "masks" / f"{Path(n).stem}.png") for n in names])
    scores, true_scores = locatability(ratios, weights), locatability(true_ratios, weights)
    results: dict[str, object] = {
        "small_segmenter": _agreement(scores, num_clues),
        "true_masks": _agreement(true_scores, num_clues),
        "mean_abs_error_of_area_ratios": float(np.abs(ratios - true_ratios).sum(axis=1).mean()),
        "by_kind": _by_kind(kinds, scores, true_scores, num_clues),
        "heaviest_classes": _heaviest(weights, true_ratios, num_clues),
    }
    curves = {"StreetWorld scenes (drawn)": _curve(ratios, scores)}
    if photos:
        table = _curated(photos, folder / "photos", {})
        values = np.array(table.column("locatability").to_pylist())
        curves["Photographs, published weights"] = _curve(_ratios(table), values)
    results["figure5"] = {name: _curve_facts(curve) for name, curve in curves.items()}
    return results, curves


def _curated(source: Path, run: Path, more: dict[str, object]) -> pa.Table:
    content = {"inputs": [str(source)], "output": str(run), "threshold": THRESHOLD, **more}
    curate(parse_recipe(content, CurateRecipe, "benchmark"))
    scores = pa.dataset.dataset(run / "scores", schema=SCORES).to_table()
    return scores.filter(scores.column("error").is_null())


def _by_file(labels: Path) -> dict[str, dict[str, object]]:
    return {Path(row["file"]).name: row for row in pa.csv.read_csv(labels).to_pylist()}


def _ratios(scores: pa.Table) -> Floats:
    return np.array(scores.column("area_ratio").to_pylist(), dtype=np.float64)


def _true_ratio(mask: Path) -> Floats:
    pixels = np.asarray(Image.open(mask)).ravel()
    return np.asarray(np.bincount(pixels, minlength=NUM_LABELS) / pixels.size)


def _agreement(scores: Floats, num_clues: Floats) -> dict[str, object]:
    """Rank correlation with the truth, and the scenes without any clue among kept and dropped."""
    kept, clueless = scores >= THRESHOLD, num_clues == 0
    return {
        "spearman_with_visible_clues": float(spearmanr(scores, num_clues).statistic),
        "num_kept": int(kept.sum()),
        "num_dropped": int((~kept).sum()),
        "clueless_share_of_all": float(clueless.mean()),
        "clueless_share_of_kept": float(clueless[kept].mean()) if kept.any() else None,
        "clueless_share_of_dropped": float(clueless[~kept].mean()) if (~kept).any() else None,
        "mean_score_clueless": float(scores[clueless].mean()),
        "mean_score_with_clues": float(scores[~clueless].mean()),
    }


def _by_kind(
    kinds: NDArray[np.str_], scores: Floats, true_scores: Floats, num_clues: Floats
) -> dict[str, dict[str, float]]:
    """Why: which kinds of scene score high although they show nothing, and the reverse."""
    return {
        str(kind): {
            "scenes": int((kinds == kind).sum()),
            "mean_clues": round(float(num_clues[kinds == kind].mean()), 2),
            "mean_locatability": round(float(scores[kinds == kind].mean()), 3),
            "mean_locatability_true_masks": round(float(true_scores[kinds == kind].mean()), 3),
            "kept_share": round(float((scores[kinds == kind] >= THRESHOLD).mean()), 3),
        }
        for kind in np.unique(kinds)
    }


def _heaviest(weights: Floats, ratios: Floats, num_clues: Floats) -> dict[str, dict[str, float]]:
    """The classes that add most to the scores, and what they add without and with clues."""
    added = ratios.mean(axis=0) * weights
    clueless = num_clues == 0
    return {
        short_name(ADE20K_LABELS[i]): {
            "weight": round(float(weights[i]), 3),
            "added_without_clues": round(float(ratios[clueless, i].mean() * weights[i]), 3),
            "added_with_clues": round(float(ratios[~clueless, i].mean() * weights[i]), 3),
        }
        for i in np.argsort(-added)[:10]
    }


def _curve(ratios: Floats, scores: Floats) -> BuildingCurve:
    bins = 20 if len(scores) >= 1000 else 10
    return building_curve(ratios[:, LABEL_INDEX["building"]], scores, bins)


def _curve_facts(curve: BuildingCurve) -> list[dict[str, float | None]]:
    return [
        {
            "building_share": round(float(low), 3),
            "pictures": int(count),
            "mean": None if np.isnan(mean) else round(float(mean), 4),
            "sd": None if np.isnan(sd) else round(float(sd), 4),
        }
        for low, count, mean, sd in zip(
            curve.edges, curve.count, curve.mean, curve.spread, strict=False
        )
    ]


def figure_svg(curves: dict[str, BuildingCurve]) -> str:
    """Mean locatability ± one standard deviation against building share, a panel per set."""
    width, height, gap = 380, 260, 70
    panels = "".join(
        f'<g transform="translate({60 + i * (width + gap)},50)">'
        f"{_panel(name, curve, width, height)}</g>"
        for i, (name, curve) in enumerate(curves.items())
    )
    full = 60 + len(curves) * (width + gap)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full} {height + 110}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="#333">'
        f'<rect width="100%" height="100%" fill="#fff"/>{panels}</svg>\n'
    )


def _panel(name: str, curve: BuildingCurve, width: int, height: int) -> str:
    top = 0.8

    def at(share: float, value: float) -> str:
        return f"{share * width:.1f},{height - min(max(value, 0), top) / top * height:.1f}"

    centre = (curve.edges[:-1] + curve.edges[1:]) / 2
    rows = [
        (x, m, s)
        for x, m, s in zip(centre, curve.mean, curve.spread, strict=True)
        if np.isfinite(m)
    ]
    line = " ".join(at(x, m) for x, m, _ in rows)
    upper = [at(x, m + s) for x, m, s in rows]
    lower = [at(x, m - s) for x, m, s in reversed(rows)]
    ticks = "".join(
        f'<text x="{v * width}" y="{height + 18}" text-anchor="middle">{v:.2f}</text>'
        f'<text x="-8" y="{height - v * height + 4}" text-anchor="end">{v * top:.2f}</text>'
        f'<path d="M0 {height - v * height}h{width}" stroke="#e5e5e5"/>'
        for v in (0, 0.25, 0.5, 0.75, 1)
    )
    threshold = height - THRESHOLD / top * height
    return (
        f'<text y="-18" font-weight="600">{name}, {int(curve.count.sum()):,}</text>{ticks}'
        f'<line x1="0" x2="{width}" y1="{threshold}" y2="{threshold}" stroke="#c2410c" '
        f'stroke-dasharray="4 4"/>'
        f'<polygon points="{" ".join(upper + lower)}" fill="#2563eb" opacity="0.15"/>'
        f'<polyline points="{line}" fill="none" stroke="#2563eb" stroke-width="2.5"/>'
        f'<text x="{width / 2}" y="{height + 40}" text-anchor="middle">'
        f"share of the picture that is building</text>"
        f'<text transform="translate(-44,{height / 2}) rotate(-90)" text-anchor="middle">'
        f"locatability</text>"
    )


if __name__ == "__main__":
    main()
