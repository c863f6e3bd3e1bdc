"""Ask a georay server (`georay serve`) about pictures; wait where it says so.

python client.py http://127.0.0.1:8000 street.jpg other.jpg

A server that asks for a key takes it from the environment variable GEORAY_KEY.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx

MOST_TRIES = 5


def located(server: str, picture: Path) -> dict[str, Any]:
    """The answer about one picture. Raises httpx.HTTPStatusError for one that is refused."""
    key = os.environ.get("GEORAY_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    for _ in range(MOST_TRIES):
        response = httpx.post(
            f"{server.rstrip('/')}/v1/locate",
            files=[("images", (picture.name, picture.read_bytes()))],
            data={"top_k": "3"},
            headers=headers,
            timeout=120,
        )
        if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
            break
        time.sleep(float(response.headers.get("Retry-After", 1)))  # the server is full
    response.raise_for_status()
    (answer,) = response.json()["results"]
    return answer


def main(server: str, *pictures: str) -> None:
    """Prints where each picture was taken, and why."""
    for picture in map(Path, pictures):
        answer = located(server, picture)
        if answer["status"] != "answered":
            print(f"{picture.name}: {answer['error'] or answer['status']}")
            continue
        town = f"{answer['city']}, " if answer["city"] else ""
        print(f"{picture.name}: {town}{answer['country_name']}: {answer['reasons']}")
        for one in answer["candidates"]:
            print(f"  {one['probability']:6.1%}  {one['country_name']}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
