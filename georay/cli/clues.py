"""The verb `clues`: sentences of guides and games become a table of clues."""

from pathlib import Path
from typing import Annotated

import typer

from georay.cli.output import AsJson, local_path, say


def clues(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files of sentences: .csv, .tsv, .json, .jsonl, .parquet, .md or .html.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Parquet file to write.", show_default=False, parser=local_path),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(help="Licence or terms of the sources, for rows that do not say theirs."),
    ] = None,
    tagger: Annotated[
        str | None,
        typer.Option(
            help="Finds named places: spacy, none, bert, multilingual, a hub id or a folder.",
            show_default="spacy",
        ),
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(help="ISO 639 codes to keep, as en,zh.", show_default="all"),
    ] = None,
    require: Annotated[
        str | None,
        typer.Option(
            help="What must name a place: `text`, or `any` of text and source.",
            show_default="any",
        ),
    ] = None,
    curation: Annotated[
        Path | None,
        typer.Option(help="Folder of a finished curation run whose pictures clues may get."),
    ] = None,
    labels: Annotated[
        bool, typer.Option(help="Say which class each clue speaks of (sentence encoder).")
    ] = True,
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe file; options given here override it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a table of clues: sentences that name a place, each once, with language and licence.

    Writes --out, and beside it what was dropped and why (.dropped.parquet), a report (.html) and
    a manifest (.json). Stopped half-way? Run the same command again.

    Example: georay clues guide.csv games.jsonl --out clues.parquet --licence "CC BY-NC 4.0"
    """
    from georay.config.clues import CluesRecipe
    from georay.config.load import load_recipe, parse_recipe
    from georay.flow.clues import make_clues

    content = {} if recipe is None else load_recipe(recipe, CluesRecipe).model_dump(mode="json")
    given: dict[str, object] = {
        "sources": [{"path": str(path), "licence": licence} for path in sources or ()],
        "output": None if out is None else str(out),
        "languages": languages.split(",") if languages else None,
        "require": require,
        "pairing": None if curation is None else {"curation": str(curation)},
        "tagger": None if tagger is None else {"model": tagger},
        "label": None if labels else {"encoder": "none"},
    }
    content |= {name: value for name, value in given.items() if value}
    if licence and not sources:
        raise ValueError("--licence is for files named here; in a recipe each source has its own")
    if not content.get("sources"):
        raise ValueError("name the files of sentences, or a recipe with `sources`")
    if "output" not in content:
        raise ValueError("name the table to write: --out clues.parquet")
    name = "the command line" if recipe is None else str(recipe)
    summary = make_clues(parse_recipe(content, CluesRecipe, name))
    say(summary.as_text(), summary.to_json(), as_json)
