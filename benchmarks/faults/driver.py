"""The driver of a run, on a stated node: `python -m benchmarks.faults.driver ADDRESS NODE VERB …`.

Where several nodes share a machine, Ray lets a driver sit on the head; a fault may ask for another
seat. All else is the command line of georay, or what `serve deploy` does.
"""

import logging
import os
import runpy
import sys
import time
from pathlib import Path

PORT = 8000


def main() -> None:
    """Connects to a node of a running cluster and does the work of a verb."""
    address, seat, verb, recipe = sys.argv[1:]
    import ray

    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    ray.init(
        address=address, _node_ip_address=seat, log_to_driver=False, logging_level=logging.ERROR
    )
    if verb == "serve":
        deploy(Path(recipe), seat)
        return
    sys.argv = ["georay", verb, recipe]
    runpy.run_module("georay", run_name="__main__")


def deploy(recipe: Path, seat: str) -> None:
    """Puts up the application and stays; with a proxy on every node, unless they share ports."""
    from ray import serve

    from georay.config.load import load_recipe
    from georay.config.serve import ServeRecipe
    from georay.serving.app import NAME, build

    chosen = load_recipe(recipe, ServeRecipe)
    shared = seat.startswith("127.")
    options = {
        # All addresses of a namespace, which nobody else reaches.
        "host": seat if shared else "0.0.0.0",
        "port": PORT,
        "request_timeout_s": chosen.limits.timeout_s + 15,
    }
    serve.start(proxy_location="HeadOnly" if shared else "EveryNode", http_options=options)
    serve.run(build(chosen), name=NAME)
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main()
