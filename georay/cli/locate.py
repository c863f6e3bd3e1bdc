"""The verb `locate`: a few photographs in the terminal, or a whole collection as a run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from georay.cli.output import AsJson, path_or_uri, printable, say
from georay.cli.recipes import Free, Settings, given, split_recipe

if TYPE_CHECKING:
    from rich.console import RenderableType

    from georay.models.families.remote import RemoteSettings
    from georay.models.locations import Location

_MOST_CANDIDATES = 5


Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RECIPE|INPUT",
        help="Photographs; paths or uris. With --out also folders, 'globs', and lists (.csv, "
        ".parquet), as in `curate`. A recipe, YAML, may come first.",
        show_default=False,
    ),
]
Out = Annotated[
    str | None,
    typer.Option(
        parser=path_or_uri,
        help="Folder of a run over a whole collection: Parquet, a report, and resumable.",
        show_default=False,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="An id of `georay models`, or a folder that holds weights.", show_default="tiny"
    ),
]
AdaptersOption = Annotated[
    str | None,
    typer.Option(
        help="Folder of the trained adapters; `none` asks the bare model.",
        show_default="those of the package",
    ),
]
TopK = Annotated[
    int | None,
    typer.Option(min=0, help="Countries to rank as candidates; 0 is faster.", show_default="5"),
]
Endpoint = Annotated[
    str | None,
    typer.Option(help="Ask an OpenAI-compatible endpoint, by its base URL, for --model."),
]
KeyVariable = Annotated[
    str | None, typer.Option(help="Environment variable that holds the endpoint's key.")
]
Least = Annotated[
    float | None,
    typer.Option(
        "--min-locatability",
        help="With --out: pictures below it are not asked about; --flag asks, and marks them.",
    ),
]
Flag = Annotated[
    bool, typer.Option("--flag", help="Ask about pictures below --min-locatability too.")
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="With --out: processes that each hold the model.", show_default="1"),
]
Csv = Annotated[bool, typer.Option("--csv", help="With --out: locations.csv too.")]
GeoJson = Annotated[bool, typer.Option("--geojson", help="With --out: locations.geojson too.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="With --out: say what a remote model would take; ask nothing."),
]


def locate(
    inputs: Inputs = None,
    out: Out = None,
    model: Model = None,
    adapters: AdaptersOption = None,
    top_k: TopK = None,
    free: Free = False,
    endpoint: Endpoint = None,
    key_variable: KeyVariable = None,
    least: Least = None,
    flag: Flag = False,
    workers: Workers = None,
    csv: Csv = False,
    geojson: GeoJson = False,
    dry_run: DryRun = False,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Say where photographs were taken, and why: a few of them, or with --out a whole collection.

    Only pixels are read: a GPS tag in a file changes nothing. Stopped half-way? With --out the same
    command goes on where it was.

    Example: georay locate street.jpg --model Qwen/Qwen3-VL-2B-Instruct

    Example: georay locate photos/ --out runs/where --min-locatability 0.3 --geojson
    """
    from georay.config.predict import FREE

    if free and top_k:
        raise ValueError("--free ranks nothing: leave out --top-k, or --free")
    recipe, pictures = split_recipe(inputs or (), None)
    if out is None and recipe is None:
        _refuse_alone(
            {
                "--min-locatability": least is not None,
                "--flag": flag,
                "--workers": workers is not None,
                "--csv": csv,
                "--geojson": geojson,
                "--dry-run": dry_run,
                "--set": settings,
            }
        )
        chosen = model or "tiny"
        asked = _remote(endpoint, chosen, key_variable) if endpoint else chosen
        _locate_few(pictures, asked, adapters, 0 if free else top_k, free, as_json)
        return
    if flag and least is None and recipe is None:
        raise ValueError("--flag marks pictures below --min-locatability: give that too")
    options = given(
        {
            "inputs": pictures,
            "output": out,
            "model": model,
            "adapters": adapters,
            "answering": FREE if free else {"top_k": top_k},
            "endpoint": {"base_url": endpoint, "key_variable": key_variable},
            "locatability": {"least": least, "below": "flag" if flag else None},
            "workers": {"num_workers": workers},
            "formats": [*(["csv"] if csv else []), *(["geojson"] if geojson else [])],
        }
    )
    _locate_collection(recipe, options, settings or (), dry_run, as_json)


def _refuse_alone(of_collections: Mapping[str, object]) -> None:
    """Raises ValueError for options that say nothing about a few photographs."""
    if named := [name for name, is_given in of_collections.items() if is_given]:
        raise ValueError(f"{', '.join(named)}: for a whole collection; name its --out")


def _locate_collection(
    recipe: str | None,
    options: dict[str, Any],
    settings: Sequence[str],
    dry_run: bool,
    as_json: bool,
) -> None:
    from georay.config.load import laid_over
    from georay.config.locate import LocateRecipe
    from georay.flow.collection import announced, locate_collection

    chosen = laid_over(recipe, LocateRecipe, options, settings)
    if chosen.endpoint is None:
        _warn(chosen.model, chosen.adapters)
    if dry_run:
        expected = announced(chosen)
        text = "a model that is here costs nothing" if expected is None else expected.as_text()
        say(text, None if expected is None else vars(expected), as_json)
        return
    summary = locate_collection(chosen, lambda text: typer.echo(text, err=True))
    say(summary.as_text(), summary.to_json(), as_json)


def _locate_few(
    images: list[str],
    source: "str | RemoteSettings",
    adapters: str | None,
    top_k: int | None,
    free: bool,
    as_json: bool,
) -> None:
    """Single photographs, answered in this process and printed in the terminal."""
    from rich.console import Console

    from georay.models.answering import LocatorSettings
    from georay.models.locator import Locator
    from georay.models.registry import adapters_named

    if not images:
        raise ValueError("name a photograph; see `georay locate --help`")
    model = source if isinstance(source, str) else source.model
    if model is source:
        _warn(model, adapters)
    settings = LocatorSettings(constrained=not free)
    locator = Locator.from_pretrained(source, adapters_named(adapters), settings=settings)
    located = locator.locate(images, top_k=_MOST_CANDIDATES if top_k is None else top_k)
    if as_json:
        facts = [
            {"file": printable(name), "model": model} | location.to_json()
            for name, location in zip(images, located, strict=True)
        ]
        say("", facts, as_json)
    else:
        console = Console(highlight=False)
        for name, location in zip(images, located, strict=True):
            console.print(describe(printable(name), location))
    failed = sum(location.status == "failed" for location in located)
    if failed:
        raise ValueError(f"{failed} of {len(images)} photographs got no answer; see above")


def _warn(model: str, adapters: str | None) -> None:
    """What to know of a model before it answers."""
    from georay.models.registry import adapters_named, adapters_of, caveat_of, without_places

    bare = without_places(model, adapters_of(model, adapters_named(adapters)))
    for warning in (bare, caveat_of(model)):
        if warning is not None:
            typer.echo(warning, err=True)


def _remote(endpoint: str, model: str, key_variable: str | None) -> "RemoteSettings":
    from georay.models.families.remote import RemoteSettings

    return RemoteSettings(base_url=endpoint, model=model, key_variable=key_variable)


def describe(title: str, location: "Location") -> "RenderableType":
    """The answer in words, its candidates, and the place on a map if it has one."""
    from rich.console import Group
    from rich.text import Text

    from georay.cli.world_map import world_map

    parts: list[RenderableType] = [Text(title, style="bold"), Text(_headline(location))]
    if location.reasons:
        parts.append(Text(location.reasons, style="italic"))
    if location.latitude is not None and location.longitude is not None:
        parts.append(world_map(location.latitude, location.longitude))
    parts += [Text(line) for line in _candidate_lines(location)]
    return Group(*parts, Text(""))


def _headline(location: "Location") -> str:
    if location.status == "failed":
        return f"no answer: {location.error}"
    if location.status != "answered":
        said = {"refused": "the model declined", "abstained": "too uncertain to name a place"}
        return said.get(location.status, "the model's answer names no place")
    named = ", ".join(part for part in (location.city, location.country_name) if part)
    if location.sureness == "unfamiliar":
        unlike = "not sure: the picture is not like those that the model knows"
        return f"{unlike}. Its guess: {named}{_coordinates(location)}"
    if location.sureness == "unsure":
        named = f"not sure. The best guess: {named}"
    if location.confidence is not None:
        named += f", {location.confidence:.0%} sure of the country"
        named += "" if location.sureness else ", uncalibrated"
    return named + _coordinates(location)


def _coordinates(location: "Location") -> str:
    if location.latitude is None or location.longitude is None:
        return ""
    text = f"\n{location.latitude:.3f}, {location.longitude:.3f}"
    if location.expected_distance_km is not None:
        far = f"{location.expected_distance_km:,.0f} km"
        text += f" is the town closest to all candidates, {far} off if the probabilities hold"
    return text


def _candidate_lines(location: "Location") -> list[str]:
    lines = []
    for one in location.candidates:
        towns = ", ".join(town.city for town in one.towns[:3])
        lines.append(
            f"{one.probability:6.1%}  {one.country_name}" + (f" ({towns})" if towns else "")
        )
    return lines
