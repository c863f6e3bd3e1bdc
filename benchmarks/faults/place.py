"""Where a run lies: its inputs and outputs, and Ray's own files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.disk import Disk, small_disk
from benchmarks.faults.hosts import Hosts
from benchmarks.faults.storage import KEYS, Storage, overloaded_storage
from georay.core.paths import AnyPath, path_of


@dataclass(frozen=True)
class Place:
    """folder: of this machine, which every node sees. root: of inputs and outputs, empty at first.

    disk: the small one that either `root` or Ray's session lies on; storage: that `root` is in.
    """

    folder: Path
    root: AnyPath
    disk: Disk | None = None
    storage: Storage | None = None

    @property
    def session(self) -> Path:
        return self.folder / "ray"

    @property
    def environment(self) -> dict[str, str]:
        """What nodes need to reach `root`."""
        cache = {"GEORAY_CACHE": str(self.folder / "cache")}
        return cache if self.storage is None else cache | KEYS


@dataclass(frozen=True)
class Site:
    """What a place is made on. on_disk: the folder that its run would miss most."""

    folder: Path
    hosts: Hosts
    on_disk: str


@contextmanager
def plain_place(site: Site) -> Iterator[Place]:
    """Everything in one folder."""
    yield Place(site.folder, site.folder / "runs")


@contextmanager
def small_place(site: Site) -> Iterator[Place]:
    """The same with one of its folders on a small disk."""
    with small_disk(site.folder / site.on_disk) as disk:
        yield Place(site.folder, site.folder / "runs", disk=disk)


@contextmanager
def storage_place(site: Site) -> Iterator[Place]:
    """Inputs and outputs in a storage that is overloaded now and then."""
    with overloaded_storage(site.hosts.outside) as storage:
        yield Place(site.folder, path_of(storage.uri), storage=storage)
