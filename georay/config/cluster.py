"""Which Ray cluster a run uses."""

from pydantic import PositiveInt

from georay.config.load import Recipe


class ClusterRecipe(Recipe):
    """address: "local" starts a private cluster on this machine; "auto" joins the one that a job
    runs in or that was started here; or host:port. num_cpus: logical CPUs of a private cluster.
    """

    address: str = "local"
    num_cpus: PositiveInt | None = None
