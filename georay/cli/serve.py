"""The verb `serve`: an endpoint and a page on this machine."""

import signal
import socket
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from georay.cli.recipes import RecipeFile, RecipeOption, Settings, given

if TYPE_CHECKING:
    from georay.config.serve import HttpRecipe, ServeRecipe


def serve(
    recipe: RecipeFile = None,
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on.", show_default="127.0.0.1: this machine only"),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on.", show_default="8000")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="An id of `georay models`, or a folder.", show_default="tiny"),
    ] = None,
    settings: Settings = None,
    file: RecipeOption = None,
) -> None:
    """Serve a page and an endpoint that locate photographs.

    Answers are places of the gazetteer, the likeliest first; a request with constrained=false and
    top_k=0 is answered freely, as in the paper. Ctrl-C stops it after what it accepted is answered.

    Example: georay serve --port 8080

    Example: georay serve serve.yaml --set limits.max_queued=16
    """
    from georay.config.load import laid_over
    from georay.config.serve import ServeRecipe
    from georay.core.extras import require_extra

    require_extra("serve", "serving")
    options = given({"http": {"host": host, "port": port}, "model": model})
    chosen = laid_over(recipe or file, ServeRecipe, options, settings or ())
    _check_port(chosen.http)
    typer.echo("starting; the model is being loaded")
    _warn(chosen)
    if chosen.cluster.address == "local":
        from georay.serving.checking import check_here

        check_here(chosen)
    from georay.serving.app import running

    stop = threading.Event()
    with running(chosen) as address:
        for number in (signal.SIGINT, signal.SIGTERM):  # only now: Ray sets its own when it starts
            signal.signal(number, lambda *_: stop.set())
        typer.echo(f"georay answers at {address} (Ctrl-C stops it)")
        while not stop.wait(1.0):
            pass
        typer.echo("stopping; what was accepted is answered first")


def _warn(recipe: "ServeRecipe") -> None:
    """Says what the served model cannot do, and who may ask it."""
    from georay.models.registry import adapters_named, adapters_of, caveat_of, without_places

    bare = without_places(recipe.model, adapters_of(recipe.model, adapters_named(recipe.adapters)))
    for warning in (bare, caveat_of(recipe.model)):
        if recipe.remote is None and warning is not None:
            typer.echo(warning, err=True)
    if not recipe.http.is_private and recipe.limits.keys_variable is None:
        typer.echo(
            f"whoever reaches {recipe.http.url} may use this server: it asks for no key (set "
            "limits.keys_variable in a recipe, or listen on 127.0.0.1)",
            err=True,
        )


def _check_port(http: "HttpRecipe") -> None:
    """Raises ValueError where nobody could listen: better now than after the model is loaded."""
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as knock:
        knock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            knock.bind((http.host, http.port))
        except OSError as problem:
            raise ValueError(
                f"cannot listen on {http.url} ({problem.strerror}); choose another --port or --host"
            ) from None
