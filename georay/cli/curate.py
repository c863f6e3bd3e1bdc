"""Verbs of locatability curation: curate, select, score, weights."""

from typing import TYPE_CHECKING, Annotated

import typer

from georay.cli.output import AsJson, path_or_uri, say
from georay.cli.recipes import RecipeOption, Settings, given, split_recipe

if TYPE_CHECKING:
    from georay.curation.summary import Summary

Segmenter = Annotated[
    str | None,
    typer.Option(
        help="`small` (comes with georay), a hub id, or a local folder.", show_default="small"
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        help="`published` (the paper's authors') or a weights.json.", show_default="published"
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(help="Keep images with at least this locatability.", show_default="0.4"),
]


def curate(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECIPE|INPUT",
            help="Folder, 'glob', .csv or .parquet with a file or uri column; several are joined. "
            "A recipe, YAML, may come first; what else is given is laid over it.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(help="Folder of the run.", show_default=False, parser=path_or_uri),
    ] = None,
    weights: Weights = None,
    clues: Annotated[
        str | None, typer.Option(help="Make the weights from these clue sentences.")
    ] = None,
    threshold: Threshold = None,
    segmenter: Segmenter = None,
    settings: Settings = None,
    recipe: RecipeOption = None,
    as_json: AsJson = False,
) -> None:
    """Score photographs and keep the ones that show where they were taken.

    Writes scores, the curated table, a manifest and report.html into --out. Stopped half-way?
    Run the same command again: only what is missing is scored.

    Example: georay curate photos/ --out runs/photos

    Example: georay curate jobs/recipes/curate-small.yaml --set workers.num_actors=1
    """
    from georay.config.curate import CurateRecipe
    from georay.config.load import laid_over
    from georay.curation.curate import curate as run

    path, pictures = split_recipe(inputs or (), recipe)
    if path is None and not (pictures and out is not None):
        raise ValueError("give INPUT and --out, or a RECIPE; see `georay curate --help`")
    options = {
        "inputs": pictures,
        "output": out,
        "threshold": threshold,
        "segmenter": {"model": segmenter},
    }
    options = given(options) | _weights_choice(weights, clues)
    summary = run(laid_over(path, CurateRecipe, options, settings or ()))
    _say_summary(summary, as_json)


def select(
    run: Annotated[
        str,
        typer.Argument(help="Folder of a finished run.", parser=path_or_uri),
    ],
    threshold: Annotated[float, typer.Option(help="Keep images with at least this locatability.")],
    as_json: AsJson = False,
) -> None:
    """Select again from a finished run at another threshold; takes seconds, runs no model."""
    from georay.core.paths import path_of
    from georay.curation.curate import reselect

    _say_summary(reselect(path_of(run), threshold), as_json)


def score(
    images: Annotated[list[str], typer.Argument(help="Pictures to explain; paths or uris.")],
    weights: Weights = None,
    threshold: Threshold = None,
    segmenter: Segmenter = None,
    as_json: AsJson = False,
) -> None:
    """Explain the locatability of single pictures, class by class.

    A picture that cannot be read is named, and costs no other one its score.
    """
    from rich.console import Console

    from georay.config.curate import CurateRecipe
    from georay.config.load import laid_over
    from georay.curation.explain import explain
    from georay.curation.single import PictureScore, score_picture

    options = {
        "inputs": images,
        "output": ".",
        "weights": {"source": weights},
        "threshold": threshold,
        "segmenter": {"model": segmenter},
    }
    chosen = laid_over(None, CurateRecipe, given(options))
    results = [one for picture in images for one in score_picture(picture, chosen)]
    if as_json:
        say("", [result.to_json() for result in results], as_json)
    else:
        for result in results:
            if isinstance(result, PictureScore):
                Console().print(explain(result.title, result.parts, chosen.threshold))
    if failed := [result for result in results if not isinstance(result, PictureScore)]:
        named = "; ".join(f"{one.title}: {one.error}" for one in failed)
        raise ValueError(f"{len(failed)} of {len(images)} pictures got no score: {named}")


def weights(
    clues: Annotated[
        str, typer.Argument(help=".csv, .jsonl or .parquet with a column clue or text.")
    ],
    out: Annotated[
        str,
        typer.Option(help="File to write, for `curate --weights`.", parser=path_or_uri),
    ] = "weights.json",
    scope: Annotated[str, typer.Option(help="Min-max over: global, row or column.")] = "global",
    threshold: Annotated[float, typer.Option(help="Similarities below it count as 0.")] = 0.5,
    as_json: AsJson = False,
) -> None:
    """Make class weights from clue sentences and compare them with the published ones.

    Example: georay weights clues.csv --out weights.json
    """
    from georay.config.curate import WeightsRecipe
    from georay.config.load import parse_recipe
    from georay.core.manifest import write_json
    from georay.core.paths import path_of
    from georay.curation.weighting import agreement_with_published, make_weights

    file = path_of(out)
    if file.is_dir():
        raise ValueError(f"{file} is a folder; name a file, for instance {file / 'weights.json'}")
    content = {"clues": clues, "scope": scope, "threshold": threshold}
    made = make_weights(parse_recipe(content, WeightsRecipe, "given by options"))
    write_json(file, made.to_json())
    agreement = agreement_with_published(made)
    text = (
        f"{made.num_clues:,} clues → {file}\n"
        f"against the published weights: Spearman {agreement.spearman:.3f}, "
        f"Pearson {agreement.pearson:.3f}\n" + _top_classes(made.values)
    )
    facts = {
        "file": str(file),
        "num_clues": made.num_clues,
        "spearman": agreement.spearman,
        "pearson": agreement.pearson,
        "id": made.id,
    }
    say(text, facts, as_json)


def _top_classes(values: object, number: int = 10) -> str:
    import numpy as np

    from georay.locatability.labels import ADE20K_LABELS, short_name

    array = np.asarray(values)
    top = np.argsort(-array)[:number]
    return "\n".join(f"  {array[i]:.2f} {short_name(ADE20K_LABELS[i])}" for i in top)


def _weights_choice(weights: str | None, clues: str | None) -> dict[str, object]:
    if weights and clues:
        raise ValueError("--weights and --clues exclude each other: weights are read or made")
    if weights:
        return {"weights": {"source": weights, "clues": None}}
    return {"weights": {"clues": clues}} if clues else {}


def _say_summary(summary: "Summary", as_json: bool) -> None:
    from georay.core.paths import path_of

    before = "already finished; nothing was left to do\n" if summary.finished_before else ""
    report = path_of(summary.folder) / "report.html"
    facts = {
        "folder": summary.folder,
        "finished_before": summary.finished_before,
        "threshold": summary.threshold,
        "report": str(report),
        **summary.counts(),
        "locatability": vars(summary.spread) if summary.spread else None,
        "failures": [vars(failure) for failure in summary.failures],
        "notes": list(summary.notes),
    }
    say(f"{before}{summary.as_text()}\nreport: {report}", facts, as_json)
