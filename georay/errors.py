"""Exceptions a user meets. Each message says what is wrong and what to do next."""


class GeorayError(Exception):
    """Base of the errors that georay raises for conditions outside the program."""


class UnreadableImage(GeorayError):
    """An image that cannot be decoded safely. `kind` is a short slug that summaries count by."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class ModelUnavailable(GeorayError):
    """Weights that are neither in the package, nor in the local cache, nor reachable."""


class TableMismatch(GeorayError, ValueError):
    """A table whose columns do not match the declared schema."""


class TooManyErrors(GeorayError):
    """A finished run in which more rows failed than the recipe allows."""


class ScoringStopped(GeorayError):
    """Workers that cannot score at all; what was written before stays and is not done again."""


class CollectingStopped(GeorayError):
    """Workers that can take no street view at all; what was taken before stays."""


class TrainingStopped(GeorayError):
    """A training run that cannot go on as it is; its checkpoints stay."""


class ServingStopped(GeorayError):
    """A server whose deployments cannot start."""


class CluesStopped(GeorayError):
    """Workers that cannot read clues at all; the parts done before stay and are not done again."""
