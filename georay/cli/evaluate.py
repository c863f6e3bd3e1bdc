"""The verbs `predict` and `evaluate`: a model's answers, and the paper's figures from them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from georay.cli.output import AsJson, local_path, say

if TYPE_CHECKING:
    from georay.evaluation.metrics import Measuring
    from georay.evaluation.tables import Comparison


def predict(
    recipe: Annotated[
        Path,
        typer.Argument(
            help="A recipe of predictions, YAML.",
            parser=local_path,
        ),
    ],
    samples: Annotated[
        list[Path] | None,
        typer.Option(
            parser=local_path,
            help="Ask about this file or folder instead; may be given more than once.",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Ask this model instead.")] = None,
    adapters: Annotated[
        str | None, typer.Option(help="With the adapters that a training run left here.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="The Parquet file to write instead of the recipe's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a model about held-out pictures, and keep its answers beside the truth.

    Stopped half-way? Run the same command again: it goes on where it was.

    Example: georay predict jobs/recipes/predict-tiny.yaml --adapters runs/both/adapters
    --out runs/both.parquet
    """
    from georay.config.load import load_recipe, parse_recipe
    from georay.config.predict import PredictRecipe
    from georay.evaluation.predict import predict as run

    content = load_recipe(recipe, PredictRecipe).model_dump(mode="json")
    named = {"model": model, "adapters": adapters, "output": out}
    given: dict[str, object] = {key: value for key, value in named.items() if value is not None}
    if model is not None:
        given["revision"] = None  # the recipe's belongs to the recipe's model
    if samples:
        given["samples"] = [str(one) for one in samples]
    summary = run(parse_recipe(content | given, PredictRecipe, str(recipe)))
    say(summary.as_text(), summary.to_json(), as_json)


def evaluate(
    predictions: Annotated[
        list[str],
        typer.Argument(
            help="Files of predictions, each with a row's name before it if you like: "
            "both=seed0.parquet both=seed1.parquet are two runs of one row. Answers of other "
            "programs too: CSV or Parquet with columns such as image_id, pred_lat, true_country.",
            show_default=False,
        ),
    ],
    geodesic: Annotated[
        bool, typer.Option("--geodesic", help="Distances on the ellipsoid, not on a sphere.")
    ] = False,
    below: Annotated[
        bool,
        typer.Option("--below", help="Count what is nearer than a threshold, not equal to it."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Count accuracy, recall, F1 and distances of predictions, with their intervals.

    Several files also make a table with a row for each name, like the paper's tables 1 and 2.

    Example: georay evaluate base=runs/base.parquet both=runs/both.parquet
    """
    from georay.evaluation.metrics import Measuring

    measuring = Measuring(
        formula="geodesic" if geodesic else "haversine", within="<" if below else "<="
    )
    comparison = _comparison(_rows(predictions), measuring)
    found = [one for row in comparison.rows for one in row.evaluations]
    texts = [one.as_text() for one in found]
    facts: dict[str, object] = {"evaluations": [one.to_json() for one in found]}
    if len(found) > 1:
        texts.append(comparison.as_markdown())
        facts["table"] = comparison.to_json()
    say("\n\n".join(texts), facts, as_json)


def _rows(arguments: list[str]) -> dict[str, list[Path]]:
    """The files of each row, by its name: the one given, else the file's own."""
    rows: dict[str, list[Path]] = {}
    for argument in arguments:
        name, sign, file = argument.partition("=")
        path = local_path(file if sign and not Path(argument).exists() else argument)
        is_named = path != Path(argument)
        name = name if is_named else path.stem
        if name in rows and not is_named:
            raise ValueError(
                f"two files are called {name!r}; name the rows, as in NAME={argument}, and give "
                "runs of one model the same name"
            )
        rows.setdefault(name, []).append(path)
    return rows


def _comparison(rows: dict[str, list[Path]], measuring: "Measuring") -> "Comparison":
    from georay.evaluation.metrics import evaluate_file
    from georay.evaluation.tables import compare

    measured = {
        name: [evaluate_file(path, measuring) for path in paths] for name, paths in rows.items()
    }
    return compare("Predictions side by side", measured)
