"""Job: train the adapters that the package carries for its tiny model, and measure them.

python -m jobs.tune_tiny        # half an hour on two cores; killed, it goes on

To ship them, copy the folder `adapters` of the run with both stages to georay/models/weights/tiny/.
"""

from pathlib import Path
from typing import Annotated

import typer

from georay.flow.demo import SHIPPED, run_demo
from jobs import problems_in_a_sentence


def main(
    out: Annotated[Path, typer.Option(help="Folder for the scenes and the runs.")] = Path("runs"),
) -> None:
    """Draw, curate, train both stages above `tiny`, and ask about places that were held out."""
    with problems_in_a_sentence():
        finished = run_demo(SHIPPED, out, typer.echo)
    typer.echo(f"{finished.text}\nreport: {finished.report}")


if __name__ == "__main__":
    typer.run(main)
