"""The verb `samples`: clues and curated pictures become conversations to learn from."""

from pathlib import Path
from typing import Annotated

import typer

from georay.cli.output import AsJson, local_path, say


def samples(
    recipe: Annotated[
        Path | None,
        typer.Argument(parser=local_path, help="A recipe of samples, YAML.", show_default=False),
    ] = None,
    curation: Annotated[
        Path | None,
        typer.Option(
            parser=local_path, help="Folder of a finished curation run: pictures to locate."
        ),
    ] = None,
    clues: Annotated[
        list[Path] | None,
        typer.Option(
            parser=local_path,
            help="Parquet file of clues: reasons to learn; may be given more than once.",
        ),
    ] = None,
    images: Annotated[
        list[str] | None, typer.Option(help="More pictures that clues are about, as in `curate`.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the samples.",
            parser=local_path,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make training conversations of clues and curated pictures, split by place.

    Stage 1 learns country and reasons from clues, stage 2 country and town from curated pictures.
    No place is in two of train, validation and test. What became no sample is kept with its reason.

    Example: georay samples --curation runs/photos --clues clues.parquet --out runs/samples
    """
    from georay.config.load import load_recipe, parse_recipe
    from georay.config.samples import SamplesRecipe
    from georay.curation.samples import make_samples

    given: dict[str, object] = {
        "curation": None if curation is None else str(curation),
        "clues": [str(path) for path in clues or ()],
        "images": list(images or ()),
        "output": None if out is None else str(out),
    }
    content = {} if recipe is None else load_recipe(recipe, SamplesRecipe).model_dump(mode="json")
    content |= {name: value for name, value in given.items() if value}
    if "output" not in content:
        raise ValueError("name the folder of the samples: --out")
    source = "the command line" if recipe is None else str(recipe)
    summary = make_samples(parse_recipe(content, SamplesRecipe, source))
    say(summary.as_text(), summary.to_json(), as_json)
