"""Reads a verb's recipe: a YAML file, settings by --set, and its own options on top."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from georay.cli.output import path_or_uri

RECIPES = {
    "curate": "georay.config.curate.CurateRecipe",
    "points": "georay.config.points.PointsRecipe",
    "collect": "georay.config.collect.CollectRecipe",
    "clues": "georay.config.clues.CluesRecipe",
    "samples": "georay.config.samples.SamplesRecipe",
    "train": "georay.config.train.TrainRecipe",
    "baseline": "georay.config.baselines.BaselineRecipe",
    "calibrate": "georay.config.calibrate.CalibrateRecipe",
    "predict": "georay.config.predict.PredictRecipe",
    "locate": "georay.config.locate.LocateRecipe",
    "serve": "georay.config.serve.ServeRecipe",
}
"""The verbs that take a recipe, and where the schema of each lies."""

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change any key of the recipe, as in workers.num_actors=4 or stages.0.num_epochs=3; "
        "may be given more than once. `georay recipe VERB` prints all keys.",
        show_default=False,
    ),
]
Free = Annotated[
    bool,
    typer.Option(
        "--free",
        help="As in the paper: the model writes freely. Nothing is ranked, an answer may name no "
        "place, and its town may lie in another country.",
    ),
]
RecipeFile = Annotated[
    str | None,
    typer.Argument(
        metavar="RECIPE", parser=path_or_uri, help="A recipe, YAML.", show_default=False
    ),
]
RecipeOption = Annotated[str | None, typer.Option("--recipe", parser=path_or_uri, hidden=True)]
"""How some verbs took a recipe before it was their first argument."""


def split_recipe(arguments: Sequence[str], option: str | None) -> tuple[str | None, list[str]]:
    """The recipe among a verb's arguments, which is a YAML file, and the others.

    Raises ValueError for more than one.
    """
    found = [path_or_uri(one) for one in arguments if _is_recipe(one)]
    found += [option] if option is not None else []
    if len(found) > 1:
        named = ", ".join(found)
        raise ValueError(f"{named}: one run has one recipe; change keys of it by --set")
    return (found[0] if found else None), [one for one in arguments if not _is_recipe(one)]


def _is_recipe(argument: str) -> bool:
    """Whether an argument names a YAML file; an address may have options behind it."""
    return argument.partition("?")[0].endswith((".yaml", ".yml"))


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, with the others left to the recipe; parts of it likewise."""
    kept = {
        name: given(value) if isinstance(value, Mapping) else value
        for name, value in options.items()
    }
    return {name: value for name, value in kept.items() if value not in (None, {}, [], ())}


def recipe(
    verb: Annotated[
        str, typer.Argument(help=f"One of: {', '.join(RECIPES)}, demo.", show_default=False)
    ],
) -> None:
    """Print a complete recipe of a verb to start from: every key, its default, what it means.

    Keys without a default are marked "required"; fill them in, and remove what you do not change.

    Example: georay recipe curate > my-curation.yaml
    """
    from georay.config.commented import commented

    if verb == "demo":  # which is nothing but its numbers
        from georay.flow.drawn import PACKAGED

        typer.echo((PACKAGED / "demo.yaml").read_text(encoding="utf-8"), nl=False)
        return
    if verb not in RECIPES:
        raise ValueError(
            f"no verb {verb!r} takes a recipe; those that do: {', '.join(RECIPES)}, demo"
        )
    module, _, name = RECIPES[verb].rpartition(".")
    model = getattr(import_module(module), name)
    typer.echo(commented(model, f"A recipe of `georay {verb}`."), nl=False)
