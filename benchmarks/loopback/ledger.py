"""What a loopback server saw: when requests arrived, what it served, and what was too much."""

import time
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field

_NEW_PERIOD_S = 1.5
"""Without a request for so long, the client was not there: it had been killed."""


@dataclass
class Ledger:
    """Requests to one API. per_second, per_day: how many are allowed; None for any number."""

    per_second: int | None
    per_day: int | None
    arrivals: list[float] = field(default_factory=list)
    served: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    num_counted: int = 0
    num_too_fast: int = 0
    num_beyond_day: int = 0

    def arrived(self, is_counted: bool) -> bool:
        """Notes a request; False if it is one too many in a second or in the day."""
        now = time.monotonic()
        self.arrivals.append(now)
        in_second = len(self.arrivals) - bisect_right(self.arrivals, now - 1.0)
        is_too_fast = self.per_second is not None and in_second > self.per_second
        self.num_too_fast += is_too_fast
        self.num_counted += is_counted
        is_beyond = is_counted and self.per_day is not None and self.num_counted > self.per_day
        self.num_beyond_day += is_beyond
        return not (is_too_fast or is_beyond)

    def facts(self) -> dict[str, object]:
        periods = self._periods()
        seconds = sum(end - start for start, end, _ in periods)
        allowed = None if self.per_second is None else self.per_second * seconds
        return {
            "requests": len(self.arrivals),
            "counted_for_the_day": self.num_counted,
            "most_in_any_second": self._most_in_a_second(),
            "too_fast": self.num_too_fast,
            "beyond_the_day": self.num_beyond_day,
            "periods": [
                {"seconds": round(end - start, 2), "requests": number}
                for start, end, number in periods
            ],
            "share_of_allowed": None if not allowed else round(len(self.arrivals) / allowed, 4),
            "pictures_served_whole": sum(self.served.values()),
            "pictures_served_again": sum(number - 1 for number in self.served.values()),
            "faults": dict(self.faults),
        }

    def _most_in_a_second(self) -> int:
        times = self.arrivals
        return max(
            (at + 1 - bisect_right(times, moment - 1.0) for at, moment in enumerate(times)),
            default=0,
        )

    def _periods(self) -> list[tuple[float, float, int]]:
        """(first, last, number) of the requests of each time that the client was there."""
        periods: list[tuple[float, float, int]] = []
        for moment in self.arrivals:
            if periods and moment - periods[-1][1] <= _NEW_PERIOD_S:
                periods[-1] = (periods[-1][0], moment, periods[-1][2] + 1)
            else:
                periods.append((moment, moment, 1))
        return periods
