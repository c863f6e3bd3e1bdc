"""The verb `clues`: sentences of guides and games become a table of clues."""

from typing import Annotated, Any

import typer

from georay.cli.output import AsJson, path_or_uri, say
from georay.cli.recipes import RecipeOption, Settings, given, split_recipe

Sources = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RECIPE|FILE",
        help="Files of sentences: .csv, .tsv, .json, .jsonl, .parquet, .md or .html. A recipe, "
        "YAML, may come first; what else is given is laid over it.",
        show_default=False,
    ),
]
Out = Annotated[
    str | None,
    typer.Option(help="Parquet file to write.", show_default=False, parser=path_or_uri),
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
    str | None,
    typer.Option(
        help="Folder of a finished curation run whose pictures clues may get.", parser=path_or_uri
    ),
]
Labels = Annotated[
    bool, typer.Option(help="Say which class each clue speaks of (sentence encoder).")
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
    settings: Settings = None,
    recipe: RecipeOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a table of clues: sentences that name a place, each once, with language and licence.

    Writes --out, and beside it what was dropped and why (.dropped.parquet), a report (.html) and
    a manifest (.json). Stopped half-way? Run the same command again.

    Example: georay clues guide.csv games.jsonl --out clues.parquet --licence "CC BY-NC 4.0"
    """
    from georay.config.clues import CluesRecipe
    from georay.config.load import laid_over
    from georay.flow.clues import make_clues

    path, files = split_recipe(sources or (), recipe)
    if licence and not files:
        raise ValueError("--licence is for files named here; in a recipe each source has its own")
    options: dict[str, Any] = {
        "sources": [{"path": file, "licence": licence} for file in files],
        "output": out,
        "languages": languages.split(",") if languages else None,
        "require": require,
        "pairing": {"curation": curation},
        "tagger": {"model": tagger},
        "label": {"encoder": None if labels else "none"},
    }
    options = given(options)
    if path is None and "sources" not in options:
        raise ValueError("name the files of sentences, or a recipe with `sources`")
    if path is None and "output" not in options:
        raise ValueError("name the table to write: --out clues.parquet")
    summary = make_clues(laid_over(path, CluesRecipe, options, settings or ()))
    say(summary.as_text(), summary.to_json(), as_json)
