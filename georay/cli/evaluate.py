"""The verbs `predict` and `evaluate`: a model's answers, and the paper's figures from them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from georay.cli.output import AsJson, path_or_uri, say
from georay.cli.recipes import Free, Settings, given

if TYPE_CHECKING:
    from georay.core.paths import AnyPath

TruthPath = Annotated[
    str | None,
    typer.Option(
        parser=path_or_uri,
        help="Where the pictures were taken: CSV, JSON lines, Parquet (scores of a curation too), "
        "or a folder of photographs with coordinates in their EXIF. Joined by id.",
    ),
]
RawColumn = Annotated[
    str | None, typer.Option(help="Read the raw answers of a model in this column.")
]
AllowExtra = Annotated[
    bool, typer.Option("--allow-extra", help="Leave out answers about images without a truth.")
]
Geodesic = Annotated[
    bool, typer.Option("--geodesic", help="Distances on the ellipsoid, not on a sphere.")
]
Below = Annotated[
    bool, typer.Option("--below", help="Count what is nearer than a threshold, not equal to it.")
]
ScenesPath = Annotated[
    str | None,
    typer.Option(
        parser=path_or_uri,
        help="A folder of drawn scenes (georay streetworld): are the reasons of the answers true "
        "of these pictures, and of the country answered? A truth with a column `clues` asks the "
        "same of any pictures.",
    ),
]
ConventionsPath = Annotated[
    str | None,
    typer.Option(
        parser=path_or_uri,
        help="By which things countries are known: a table with columns `country` and `text`, in "
        "the words of the clues.",
    ),
]
MarkdownPath = Annotated[
    str | None, typer.Option(parser=path_or_uri, help="Write the figures here too.")
]
PagePath = Annotated[
    str | None, typer.Option(parser=path_or_uri, help="Write a page with maps and charts here.")
]


def predict(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe of predictions, YAML.",
            parser=path_or_uri,
        ),
    ],
    samples: Annotated[
        list[str] | None,
        typer.Option(
            parser=path_or_uri,
            help="Ask about this file or folder instead; may be given more than once.",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Ask this model instead.")] = None,
    adapters: Annotated[
        str | None,
        typer.Option(
            help="With the adapters that a training run left here; `none` asks the bare model."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(parser=path_or_uri, help="The Parquet file to write instead of the recipe's."),
    ] = None,
    free: Free = False,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Ask a model about held-out pictures, and keep its answers beside the truth.

    Stopped half-way? Run the same command again: it goes on where it was.

    Example: georay predict jobs/recipes/predict-tiny.yaml --adapters runs/both/adapters
    --out runs/both.parquet

    Example: georay predict jobs/recipes/predict-tiny.yaml --free --out runs/as-the-paper.parquet
    """
    from georay.config.load import laid_over
    from georay.config.predict import FREE, PredictRecipe
    from georay.evaluation.predict import predict as run

    options: dict[str, Any] = {"samples": samples, "model": model, "adapters": adapters}
    options |= {"output": out, "answering": FREE if free else None}
    summary = run(laid_over(recipe, PredictRecipe, given(options), settings or ()))
    say(summary.as_text(), summary.to_json(), as_json)


def evaluate(
    predictions: Annotated[
        list[str],
        typer.Argument(
            help="Files of predictions, each with a row's name before it if you like: "
            "both=seed0.parquet both=seed1.parquet are two runs of one row. Answers of other "
            "programs too: CSV, JSON lines or Parquet with columns such as image_id, pred_lat, "
            "true_country.",
            show_default=False,
        ),
    ],
    truth: TruthPath = None,
    raw_column: RawColumn = None,
    allow_extra: AllowExtra = False,
    geodesic: Geodesic = False,
    below: Below = False,
    scenes: ScenesPath = None,
    conventions: ConventionsPath = None,
    markdown: MarkdownPath = None,
    html: PagePath = None,
    as_json: AsJson = False,
) -> None:
    """Count accuracy, recall, F1, distances and more of predictions, with their intervals.

    Several files also make a table with a row for each name, like the paper's tables 1 and 2, and
    tests whether one is better than another on the same images.

    Example: georay evaluate ours=runs/both.parquet theirs=answers.csv --truth labels.csv
    --html runs/report.html
    """
    from georay.core.manifest import write_atomic
    from georay.core.paths import path_of
    from georay.evaluation.inputs.conventions import read_conventions
    from georay.evaluation.inputs.scenes import read_scenes
    from georay.evaluation.inputs.truth import read_truth
    from georay.evaluation.judging import Inputs
    from georay.evaluation.metrics import Measuring
    from georay.evaluation.report.judgement import render_judgements
    from georay.evaluation.side_by_side import judge

    measuring = Measuring(
        formula="geodesic" if geodesic else "haversine", within="<" if below else "<="
    )
    inputs = Inputs(
        truth=read_truth(path_of(truth)) if truth is not None else None,
        raw_column=raw_column,
        extra="leave out" if allow_extra else "refuse",
        scenes=read_scenes(path_of(scenes)) if scenes is not None else None,
        conventions=None if conventions is None else read_conventions(path_of(conventions)),
    )
    found = judge(_rows(predictions), inputs, measuring)
    if markdown is not None:
        write_atomic(path_of(markdown), found.as_markdown())
    if html is not None:
        write_atomic(path_of(html), render_judgements(found))
    say(found.as_text(), found.to_json(), as_json)


def _rows(arguments: list[str]) -> "dict[str, list[AnyPath]]":
    """The files of each row, by its name: the one given, else the file's own."""
    from georay.core.paths import path_of
    from georay.core.storage import is_uri

    rows: dict[str, list[AnyPath]] = {}
    for argument in arguments:
        name, sign, file = argument.partition("=")
        is_named = bool(sign) and not is_uri(argument) and not Path(argument).exists()
        path = path_of(path_or_uri(file if is_named else argument))
        name = name if is_named else path.stem
        if name in rows and not is_named:
            raise ValueError(
                f"two files are called {name!r}; name the rows, as in NAME={argument}, and give "
                "runs of one model the same name"
            )
        rows.setdefault(name, []).append(path)
    return rows
