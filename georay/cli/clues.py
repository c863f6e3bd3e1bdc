"""The verb `clues`: sentences of guides and games become a table of clues."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from georay.cli.output import AsJson, local_path, say

if TYPE_CHECKING:
    from georay.config.clues import CluesRecipe

Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Files of sentences: .csv, .tsv, .json, .jsonl, .parquet, .md or .html.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Parquet file to write.", show_default=False, parser=local_path),
]
Licence = Annotated[
    str | None,
    typer.Option(help="Licence or terms of the sources, for rows that do not say theirs."),
]
Tagger = Annotated[
    str | None,
    typer.Option(
        help="Finds named places: spacy, none, bert, multilingual, a hub id or a folder.",
        show_default="spacy",
    ),
]
Languages = Annotated[
    str | None,
    typer.Option(help="ISO 639 codes to keep, as en,zh.", show_default="all"),
]
Require = Annotated[
    str | None,
    typer.Option(
        help="What must name a place: `text`, or `any` of text and source.", show_default="any"
    ),
]
Curation = Annotated[
    Path | None,
    typer.Option(help="Folder of a finished curation run whose pictures clues may get."),
]
Labels = Annotated[
    bool, typer.Option(help="Say which class each clue speaks of (sentence encoder).")
]
RecipeFile = Annotated[
    Path | None, typer.Option(help="A recipe file; options given here override it.")
]


def clues(
    sources: Sources = None,
    out: Out = None,
    licence: Licence = None,
    tagger: Tagger = None,
    languages: Languages = None,
    require: Require = None,
    curation: Curation = None,
    labels: Labels = True,
    recipe: RecipeFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a table of clues: sentences that name a place, each once, with language and licence.

    Writes --out, and beside it what was dropped and why (.dropped.parquet), a report (.html) and
    a manifest (.json). Stopped half-way? Run the same command again.

    Example: georay clues guide.csv games.jsonl --out clues.parquet --licence "CC BY-NC 4.0"
    """
    from georay.flow.clues import make_clues

    if licence and not sources:
        raise ValueError("--licence is for files named here; in a recipe each source has its own")
    given: dict[str, Any] = {
        "sources": [{"path": str(path), "licence": licence} for path in sources or ()],
        "output": None if out is None else str(out),
        "languages": languages.split(",") if languages else None,
        "require": require,
        "pairing": None if curation is None else {"curation": str(curation)},
        "tagger": None if tagger is None else {"model": tagger},
        "label": None if labels else {"encoder": "none"},
    }
    given = {name: value for name, value in given.items() if value}
    summary = make_clues(_recipe(recipe, given))
    say(summary.as_text(), summary.to_json(), as_json)


def _recipe(path: Path | None, given: dict[str, Any]) -> "CluesRecipe":
    """The recipe file, if any, with the options that were given laid over it."""
    from georay.config.clues import CluesRecipe
    from georay.config.load import load_recipe, parse_recipe

    content = {} if path is None else load_recipe(path, CluesRecipe).model_dump(mode="json")
    for name, value in given.items():
        before = content.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            content[name] = _laid_over(before, value)
        else:
            content[name] = value
    if not content.get("sources"):
        raise ValueError("name the files of sentences, or a recipe with `sources`")
    if "output" not in content:
        raise ValueError("name the table to write: --out clues.parquet")
    return parse_recipe(content, CluesRecipe, "the command line" if path is None else str(path))


def _laid_over(settings: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The settings with those that were given; the commit of another model is not kept."""
    joined = settings | given
    if "revision" in settings and joined != settings:
        joined["revision"] = None
    return joined
