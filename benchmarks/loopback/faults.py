"""Answers that go wrong, at random: as servers, networks and proxies do it."""

import asyncio
import random

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from benchmarks.loopback.pictures import no_imagery

SLOW_S = 1.2
_OVERSIZED_BYTES = 3 << 20
_OF_ALL = ("status 500", "status 503", "status 429", "slow", "cut off", "web page")
_OF_PICTURES = (*_OF_ALL, "oversized", "broken picture", "grey picture")


class CutOff(Response):
    """Announces the whole body, sends half of it, and hangs up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


class Faults:
    """share: of the answers that go wrong."""

    def __init__(self, share: float, seed: int) -> None:
        self._share, self._dice = share, random.Random(seed)

    def kind_of_next(self, is_picture: bool) -> str | None:
        """What goes wrong with the next answer; None for nothing."""
        if self._dice.random() >= self._share:
            return None
        return self._dice.choice(_OF_PICTURES if is_picture else _OF_ALL)


async def spoiled(answer: Response, kind: str) -> Response:
    """The answer as a fault makes it."""
    if kind.startswith("status "):
        status = int(kind.removeprefix("status "))
        again = {} if status == 500 else {"Retry-After": "1"}
        return PlainTextResponse("try again", status, headers=again)
    if kind == "slow":
        await asyncio.sleep(SLOW_S)
        return answer
    body, media_type = bytes(answer.body), answer.headers["content-type"]
    if kind == "cut off":
        return CutOff(body, media_type=media_type)
    if kind == "oversized":
        return Response(body + bytes(_OVERSIZED_BYTES), media_type=media_type)
    if kind == "broken picture":
        return Response(body[: len(body) // 2], media_type=media_type)
    if kind == "grey picture":
        return Response(no_imagery(), media_type="image/jpeg")
    return HTMLResponse("<html><body>You are being redirected</body></html>")
