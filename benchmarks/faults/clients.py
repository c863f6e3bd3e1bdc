"""Clients of the server that ask without end, in a thread of their own."""

import asyncio
import threading
from collections.abc import Sequence

import httpx

from benchmarks.load import Asked, Load, statuses
from benchmarks.nodes_workloads import ASKED

_PAUSE_S = 0.5
_NOT_ACCEPTED = ("ConnectError", "ConnectTimeout")


class Clients:
    """Each asks, waits for the answer, and asks again; without one it comes back a little later."""

    def __init__(self, address: str, pictures: Sequence[bytes], number: int) -> None:
        self._address, self._pictures, self._number = address, pictures, number
        self._stopped = threading.Event()
        self._load: Load | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask()), daemon=True)

    @property
    def are_asking(self) -> bool:
        return self._thread.is_alive()

    def are_welcome(self) -> bool:
        """Whether the server says that it is ready."""
        try:
            return httpx.get(f"{self._address}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the last request has an answer."""
        self._stopped.set()
        if self.are_asking:
            self._thread.join()

    def now(self) -> float:
        """Seconds since the first request."""
        return 0.0 if self._load is None else self._load.now()

    def num_answered(self, since: float = 0.0) -> int:
        """Of the requests that were sent from then on."""
        return sum(one.status == 200 and one.sent_s >= since for one in self._asked())

    def lost(self) -> list[Asked]:
        """Requests that got through to the server, and neither an answer nor word to come back."""
        asked = [one for one in self._asked() if one.problem not in _NOT_ACCEPTED]
        return [one for one in asked if one.status != 200 and not one.retry_after]

    def statuses(self) -> dict[str, int]:
        return statuses(self._asked())

    def _asked(self) -> list[Asked]:
        return [] if self._load is None else list(self._load.asked)

    async def _ask(self) -> None:
        async with Load(self._address, self._pictures, ASKED) as load:
            self._load = load
            await asyncio.gather(*(self._client(load) for _ in range(self._number)))

    async def _client(self, load: Load) -> None:
        while not self._stopped.is_set():
            asked = await load.one()
            if asked.status != 200:
                await asyncio.sleep(float(asked.retry_after or _PAUSE_S))
