"""The recipe of an evaluation: which answers are judged, against what, and how."""

from typing import Literal

from pydantic import Field

from georay.config.load import Location, Recipe


class EvaluateRecipe(Recipe):
    """Files of answers judged alike and laid side by side.

    predictions: the files of each row of the table, by the row's name; several files are several
    runs of one system. truth: where the pictures were taken, if the files do not say it themselves.
    raw_column: read the raw answers of a model in this column. extra: what becomes of answers about
    images without a truth. scenes: a folder of drawn scenes, which bring the clues of their
    pictures. conventions: by which things countries are known, a table with the columns country
    and text. formula, within: how distances are counted (see
    `georay.evaluation.metrics.Measuring`). output: the folder of figures.md, figures.json and
    report.html.
    """

    predictions: dict[str, tuple[Location, ...]] = Field(min_length=1)
    output: Location
    truth: Location | None = None
    scenes: Location | None = None
    conventions: Location | None = None
    raw_column: str | None = None
    extra: Literal["refuse", "leave out"] = "refuse"
    formula: Literal["haversine", "geodesic"] = "haversine"
    within: Literal["<=", "<"] = "<="
