"""Addresses for the nodes of one machine: network namespaces of their own, where it allows them.

In a namespace a node has an address, ports and a cable of its own, and can be cut off. Elsewhere
the nodes share the loopback network, each with another address of it.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache

_PREFIX = "grf"
_NET = "198.18"  # set aside for measurements (RFC 2544)


@dataclass(frozen=True)
class Host:
    """Where a node runs. enter: goes before a command that runs there; cable: its end outside."""

    address: str
    enter: tuple[str, ...] = ()
    cable: str | None = None

    def cut_off(self) -> None:
        """Nothing reaches this host any more, and nothing leaves it."""
        _ip("link", "set", self._cable, "down")

    def reconnect(self) -> None:
        _ip("link", "set", self._cable, "up")

    @property
    def _cable(self) -> str:
        assert self.cable is not None, "only a host in a namespace has one"
        return self.cable


@dataclass(frozen=True)
class Hosts:
    """outside: this process's own address, as the hosts see it."""

    outside: str
    each: tuple[Host, ...]

    @property
    def are_apart(self) -> bool:
        return all(one.cable for one in self.each)


@contextmanager
def some_hosts(number: int) -> Iterator[Hosts]:
    """So many hosts, in namespaces where this machine allows them."""
    if why_no_namespaces() is not None:
        yield Hosts("127.0.0.1", tuple(Host(f"127.0.0.{one + 2}") for one in range(number)))
        return
    with _namespaces(number) as hosts:
        yield hosts


@cache
def why_no_namespaces() -> str | None:
    """Why this machine allows no network namespaces; None where it does."""
    if missing := [one for one in ("ip", "nsenter") if shutil.which(one) is None]:
        return f"network namespaces need the program {missing[0]}"
    try:
        with _namespaces(1):
            return None
    except subprocess.CalledProcessError as problem:
        return f"no network namespaces on this machine: {problem.stderr.strip()}"


@contextmanager
def _namespaces(number: int) -> Iterator[Hosts]:
    """Hosts on one switch; all of it is named after this process, and goes with the block."""
    name, net = f"{_PREFIX}{os.getpid()}", f"{_NET}.{os.getpid() % 254 + 1}"
    switch, outside = f"{name}s", f"{net}.1"
    with ExitStack() as made:
        _ip("link", "add", switch, "type", "bridge")
        made.callback(_ip, "link", "delete", switch)
        _ip("address", "add", f"{outside}/24", "dev", switch)
        _ip("link", "set", switch, "up")
        hosts = [
            made.enter_context(_namespace(f"{name}n{one}", switch, f"{net}.{one + 2}", outside))
            for one in range(number)
        ]
        yield Hosts(outside, tuple(hosts))


@contextmanager
def _namespace(name: str, switch: str, address: str, gateway: str) -> Iterator[Host]:
    cable = f"{name}c"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", cable, "master", switch, "up")
        _ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", name, "link", "set", device, "up")
        _ip("-n", name, "route", "add", "default", "via", gateway)
        yield Host(address, ("nsenter", f"--net=/run/netns/{name}"), cable)
    finally:
        _ip("netns", "delete", name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
