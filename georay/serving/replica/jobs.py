"""A job on its way through a replica: decoded, and then answered."""

from dataclasses import dataclass, replace

from PIL import Image

from georay.serving.messages import AnswerStats, ChatJob, ChatOptions, LocateJob, LocateOptions
from georay.serving.replica.engines.base import ChatReply, LocateReply
from georay.serving.replica.threads import milliseconds_since

Reply = LocateReply | ChatReply


@dataclass(frozen=True)
class DecodedJob:
    """A job whose pictures are decoded.

    num_slots: the places of a batch that it takes by its length. since: when it began to wait for a
    batch, of `time.perf_counter`.
    """

    job: LocateJob | ChatJob
    pictures: tuple[Image.Image, ...]
    num_slots: int
    since: float

    @property
    def options(self) -> LocateOptions | ChatOptions:
        return self.job.options


@dataclass(frozen=True)
class JobAnswer:
    """A reply with its share of a batch, or the problem that this job had."""

    reply: Reply | None
    problem: Exception | None
    stats: AnswerStats

    def timed(self, started: float, decode_ms: float) -> AnswerStats:
        """The stats with the time of the whole job in this process, since `started`."""
        return replace(self.stats, decode_ms=decode_ms, total_ms=milliseconds_since(started))
