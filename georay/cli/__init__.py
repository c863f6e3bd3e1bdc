"""The command line. Heavy imports happen inside the verbs, so that `georay --help` is instant."""

import sys

INTERRUPTED = 130  # what typer makes of Ctrl-C


def main() -> None:
    """Runs the `georay` command; errors a user can mend are one message, not a traceback."""
    from georay.cli.app import app
    from georay.errors import GeorayError

    try:
        app()
    except (GeorayError, ValueError, OSError) as problem:
        sys.stderr.write(f"georay: {problem}\n")
        sys.exit(1)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            sys.stderr.write("georay: interrupted; run the same command again to go on from here\n")
        raise
