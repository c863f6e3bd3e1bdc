"""Counts the requests of a day in a file, so that a killed run goes on counting from there."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from georay.core.manifest import write_json
from georay.core.paths import AnyPath
from georay.core.run_folder import read_facts

_SHARE_AT_ONCE = 0.005
_MOST_AT_ONCE = 100


class DayQuota:
    """At most `limit` requests in a calendar day of a zone.

    A small block is written down as used before its first request goes: a kill loses what is left
    of the block and never counts too little. Raises ValueError if the file is damaged.
    """

    def __init__(
        self,
        file: AnyPath,
        limit: int,
        zone: ZoneInfo,
        now: Callable[[ZoneInfo], datetime] = datetime.now,
    ) -> None:
        self._file, self._limit, self._zone, self._now = file, limit, zone, now
        facts = read_facts(file) or {}
        self._day = str(facts.get("day", ""))
        self._written = int(facts.get("requests", 0))
        self._used = self._written
        self._block = max(1, min(_MOST_AT_ONCE, int(limit * _SHARE_AT_ONCE)))

    def take(self) -> bool:
        """Counts one request; False if the day has no more."""
        today = self._now(self._zone).date().isoformat()
        if today != self._day:
            self._day, self._used, self._written = today, 0, 0
        if self._used >= self._limit:
            return False
        if self._used >= self._written:
            self._write(min(self._used + self._block, self._limit))
        self._used += 1
        return True

    def _write(self, requests: int) -> None:
        write_json(self._file, {"day": self._day, "zone": str(self._zone), "requests": requests})
        self._written = requests
