"""The verb `locate`: where photographs were taken, with a small map in the terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from georay.cli.output import AsJson, local_path, printable, say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from georay.models.families.remote import RemoteSettings
    from georay.models.locations import Location

_MOST_CANDIDATES = 5


def locate(
    images: Annotated[
        list[str], typer.Argument(help="Photographs; paths or uris.", show_default=False)
    ],
    model: Annotated[
        str, typer.Option(help="An id of `georay models`, or a folder that holds weights.")
    ] = "tiny",
    adapters: Annotated[
        Path | None,
        typer.Option(
            parser=local_path,
            help="Folder of the trained adapters.",
            show_default="those of the package",
        ),
    ] = None,
    top_k: Annotated[
        int, typer.Option(min=0, help="Countries to rank as candidates; 0 is faster.")
    ] = _MOST_CANDIDATES,
    endpoint: Annotated[
        str | None,
        typer.Option(help="Ask an OpenAI-compatible endpoint, by its base URL, for --model."),
    ] = None,
    key_variable: Annotated[
        str | None, typer.Option(help="Environment variable that holds the endpoint's key.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say where photographs were taken, and why.

    Only pixels are read: a GPS tag in a file changes nothing.

    Example: georay locate street.jpg --model Qwen/Qwen3-VL-2B-Instruct
    """
    from rich.console import Console

    from georay.models.locator import Locator
    from georay.models.registry import Adapters, adapters_of, without_places

    source = _remote(endpoint, model, key_variable) if endpoint else model
    chosen: Adapters = adapters or "packaged"
    if endpoint is None and (warning := without_places(model, adapters_of(model, chosen))):
        typer.echo(warning, err=True)
    located = Locator.from_pretrained(source, chosen).locate(images, top_k=top_k)
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
    if location.confidence is not None:
        named += f", {location.confidence:.0%} sure of the country"
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
