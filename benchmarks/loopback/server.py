"""One server with all four APIs: quotas enforced, faults thrown in, everything counted.

    python -m benchmarks.loopback.server --port 8021

Their bases are then http://127.0.0.1:8021/google, …/mapillary, …/panoramax and …/kartaview; keys
and quotas are printed. What it saw is at /facts.
"""

import argparse
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from benchmarks.loopback import apis
from benchmarks.loopback.faults import Faults, spoiled
from benchmarks.loopback.ledger import Ledger
from benchmarks.loopback.pictures import FewStreets, OwnStreets, Streets, draw_all

APIS = ("google", "mapillary", "panoramax", "kartaview")


class Loopback:
    """The application and what it saw. fault_share: of the answers that go wrong."""

    def __init__(
        self,
        per_second: int | None = None,
        per_day: int | None = None,
        fault_share: float = 0.0,
        seed: int = 0,
        streets: Streets | None = None,
    ) -> None:
        self.ledgers = {api: Ledger(per_second, per_day) for api in APIS}
        self._faults = Faults(fault_share, seed)
        self.application = Starlette(routes=list(self._routes()))
        self.application.state.streets = streets or FewStreets()

    def repair(self) -> None:
        """From now on nothing goes wrong."""
        self._faults = Faults(0.0, 0)

    def _routes(self) -> Iterator[Route]:
        searches = {
            "/google/maps/api/streetview/metadata": ("google", apis.google_metadata),
            "/mapillary/images": ("mapillary", apis.mapillary_images),
            "/panoramax/api/search": ("panoramax", apis.panoramax_search),
            "/kartaview/2.0/photo/": ("kartaview", apis.kartaview_photos),
        }
        for path, (api, answer) in searches.items():
            yield Route(path, self._guarded(api, answer, is_picture=False))
        picture = self._guarded("google", apis.google_picture, is_picture=True)
        yield Route("/google/maps/api/streetview", picture)
        for api in APIS[1:]:
            files = self._guarded(api, apis.file, is_picture=True)
            yield Route(f"/{api}/files/{{size}}/{{name}}.jpg", files)
        yield Route("/facts", self._facts)
        yield Route("/facts/{api}/requests", self._num_requests)

    def _guarded(self, api: str, answer: apis.Answer, is_picture: bool) -> apis.Answer:
        """The answer behind quota and faults. Google's metadata count to no quota of the day."""
        ledger = self.ledgers[api]
        is_counted = is_picture or api != "google"

        async def guarded(request: Request) -> Response:
            if not ledger.arrived(is_counted):
                return PlainTextResponse("quota exceeded", 429, headers={"Retry-After": "1"})
            response = await answer(request)
            kind = self._faults.kind_of_next(is_picture)
            if kind is not None:
                ledger.faults[kind] += 1
                response = await spoiled(response, kind)
            if is_picture and response.status_code == 200 and kind in {None, "slow"}:
                ledger.served[str(request.url)] += 1
            return response

        return guarded

    async def _facts(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse({api: ledger.facts() for api, ledger in self.ledgers.items()})

    async def _num_requests(self, request: Request) -> Response:
        return JSONResponse(len(self.ledgers[request.path_params["api"]].arrivals))


def environment() -> dict[str, str]:
    """The keys that the servers let in, by the names that georay reads."""
    return {
        "GOOGLE_MAPS_API_KEY": apis.KEY,
        "GOOGLE_MAPS_SIGNING_SECRET": apis.SECRET,
        "MAPILLARY_ACCESS_TOKEN": apis.TOKEN,
    }


@contextmanager
def serving(loopback: Loopback) -> Iterator[str]:
    """The address of a server in a thread of this process, as long as the block lasts."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(loopback.application, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8021)
    parser.add_argument("--per-second", type=int, default=None)
    parser.add_argument("--per-day", type=int, default=None)
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument(
        "--own-streets",
        action="store_true",
        help="each place has a street of its own, drawn when asked for; else three a country",
    )
    given = parser.parse_args()
    streets: Streets = OwnStreets() if given.own_streets else FewStreets()
    if not given.own_streets:
        draw_all()
    loopback = Loopback(given.per_second, given.per_day, given.faults, streets=streets)
    for name, value in environment().items():
        print(f"export {name}='{value}'")
    application = loopback.application
    uvicorn.run(application, port=given.port, log_level="critical", lifespan="off")


if __name__ == "__main__":
    main()
