"""A chat endpoint on a loopback socket that does what a script tells it, however rude."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

ANSWER = '{"country": "Japan", "city": "Tokyo", "reasons": "kana"}'


@dataclass
class Asked:
    """One request as the server saw it."""

    path: str
    headers: dict[str, str]
    body: dict
    at: float = field(default_factory=time.monotonic)


@dataclass
class Act:
    """What the server does: wait, send bytes, wait again with the line open, hang up."""

    send: bytes
    wait_s: float = 0.0
    hold_s: float = 0.0


def http(status: int, body: str | bytes, **headers: str) -> Act:
    raw = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(raw)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    return Act("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)


def said(text: object, reason: str = "stop", **message: object) -> Act:
    content = {
        "choices": [{"message": {"content": text, **message}, "finish_reason": reason}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 50},
    }
    return http(200, json.dumps(content))


def failed(status: int, message: str, code: str | None = None, **headers: str) -> Act:
    return http(status, json.dumps({"error": {"message": message, "code": code}}), **headers)


class Endpoint:
    """A loopback HTTP server in a thread; `script` decides by request number what happens."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.script: Callable[[int, Asked], Act] = lambda number, asked: said(ANSWER)
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self._now = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, host, 0), self._loop
        )
        self._server = started.result(5)
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self._server.sockets[0].getsockname()[1]}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:]) if k}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        number, asked = len(self.asked), Asked(head[0].split()[1], headers, body)
        self.asked.append(asked)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        act = self.script(number, asked)
        try:
            await asyncio.sleep(act.wait_s)
            writer.write(act.send)
            await writer.drain()
            await asyncio.sleep(act.hold_s)
        except ConnectionError:
            pass  # the client gave up first, as some tests want
        finally:
            self._now -= 1
            writer.close()

    def close(self) -> None:
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
            self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
