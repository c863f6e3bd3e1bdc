"""The verb `collect`: street views at sampling points."""

from typing import Annotated

import typer

from georay.cli.output import AsJson, path_or_uri, say
from georay.cli.recipes import Settings

RecipeFile = Annotated[
    str, typer.Argument(help="A recipe of street views, YAML.", parser=path_or_uri)
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what it would ask for and cost; ask for nothing.")
]


def collect(
    recipe: RecipeFile,
    dry_run: DryRun = False,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Take street views at the points of a recipe, within the rules of their provider.

    Four views are offered at each point: front, right, back and left of its road; the recipe says
    how many are kept. Providers: google, mapillary, panoramax, kartaview, or a folder of pictures.
    Keys come from the environment: GOOGLE_MAPS_API_KEY (and GOOGLE_MAPS_SIGNING_SECRET),
    MAPILLARY_ACCESS_TOKEN; the others need none.

    Before the first request it says how many there will be, what they cost and the terms. The
    quotas of the recipe hold over all workers, and those of a day over all runs. Stopped half-way,
    or out of quota? Run the same command again: only what is missing is asked for. Views that
    failed count as done; to ask for them again, remove missing.parquet first.

    The folder that it writes holds pictures/, labels.csv, images.parquet, missing.parquet and
    report.html, and can be given to `georay curate` as it is.

    Example: georay collect jobs/recipes/collect-small.yaml --dry-run

    Example: georay collect jobs/recipes/collect-small.yaml
    """
    from georay.acquisition.download.collect import announced
    from georay.acquisition.download.collect import collect as run
    from georay.config.collect import CollectRecipe
    from georay.config.load import laid_over

    wanted = laid_over(recipe, CollectRecipe, {}, settings or ())
    if dry_run:
        estimate = announced(wanted)
        say(estimate.as_text(), estimate.to_json(), as_json)
        return
    summary = run(wanted, lambda text: typer.echo(text, err=True))
    say(summary.as_text(), summary.to_json(), as_json)
