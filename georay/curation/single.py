"""One picture, scored and explained without a cluster."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from georay.config.curate import CurateRecipe, SegmenterRecipe
from georay.core.images import ImageLimits, Photograph
from georay.core.panoramas import View
from georay.core.picture_files import PictureFile, decoded_views
from georay.core.storage import read_bytes
from georay.curation.weighting import resolve_weights
from georay.errors import UnreadableImage
from georay.locatability.score import Contribution, contributions
from georay.models.segmenter import load_segmenter
from georay.models.segmenters.base import Segmenter
from georay.models.segmenters.hub import pinned_revision


@dataclass(frozen=True)
class PictureScore:
    """Locatability of one picture and what each class adds to it."""

    title: str
    locatability: float
    parts: list[Contribution]

    def to_json(self) -> dict[str, object]:
        return {
            "file": self.title,
            "locatability": self.locatability,
            "classes": [
                {"label": p.label, "area_ratio": p.area_ratio, "weight": p.weight}
                | {"contribution": p.contribution}
                for p in self.parts
            ],
        }


@dataclass(frozen=True)
class Unscored:
    """A picture that could not be read, and why."""

    title: str
    error: str

    def to_json(self) -> dict[str, object]:
        return {"file": self.title, "error": self.error}


def score_picture(picture: str, recipe: CurateRecipe) -> list[PictureScore | Unscored]:
    """The score of a picture, or those of a panorama's views, as the recipe has it.

    picture: a path or a uri. Raises ValueError or ModelUnavailable where no picture at all could
    be scored.
    """
    weights = resolve_weights(recipe.weights, Path(recipe.output) / "made_weights.json")
    limits = ImageLimits(recipe.limits.max_pixels, recipe.limits.max_bytes)
    try:
        source = PictureFile.find(picture)
        raw = read_bytes(source.file, limits.max_bytes)
        photograph = source.decode(raw, limits, recipe.limits.shortest_side)
    except (OSError, ValueError, UnreadableImage) as problem:
        return [Unscored(picture, getattr(problem, "strerror", None) or str(problem))]
    named = _pictures(picture, photograph, recipe)
    ratios = _segmenter(recipe.segmenter).area_ratios([one.image for _, one in named])
    parts = [contributions(ratio, weights.values) for ratio in ratios]
    return [
        PictureScore(name, sum(part.contribution for part in some), some)
        for (name, _), some in zip(named, parts, strict=True)
    ]


def _pictures(
    name: str, photograph: Photograph, recipe: CurateRecipe
) -> list[tuple[str, Photograph]]:
    """The picture itself, or the views of a panorama, by name."""
    panorama = photograph.panorama
    headings = panorama.view_headings() if panorama and recipe.panoramas == "views" else []
    if not headings:
        return [(name, photograph)]
    names = [View(name, heading).uri for heading in headings]
    return list(zip(names, decoded_views(photograph, headings), strict=True))


@cache
def _segmenter(choice: SegmenterRecipe) -> Segmenter:
    revision = pinned_revision(choice.model, choice.revision)
    return load_segmenter(choice.model, revision=revision, exact=choice.exact, device=choice.device)
