"""Holds a folder for one run on any filesystem; a second run is refused at once.

Where files can be locked, that is what holds a folder: the lock ends with its process, whatever
ends it. Storages and some mounts lock nothing. There a run leaves a claim, a small file that says
who holds the folder, and renews it; one that is not renewed lapses.
"""

import errno
import fcntl
import json
import os
import platform
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from uuid import uuid4

import psutil

from georay.core.manifest import write_json
from georay.core.paths import AnyPath, StoragePath

LOCK = ".lock"
LEASE_S = 120.0
_RENEWED_EVERY_S = LEASE_S / 8  # a busy machine may come late by a minute
_WITHOUT_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
_PATIENCE_S = 3.0  # for another that came at the same moment, and withdraws


@contextmanager
def only_writer(folder: AnyPath, lock: str = LOCK) -> Iterator[None]:
    """Holds a folder for one run, and makes it if need be; one left without a file goes again.

    lock: the hidden file that is locked; another one where several runs may share a folder.
    Raises ValueError if another run holds it, or the file system fails to say.
    """
    if isinstance(folder, StoragePath):
        with _claimed(folder, lock, "a storage has no locks"):
            yield
        return
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    with _opened(folder, lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise ValueError(_busy(folder)) from None
        except OSError as problem:
            if problem.errno not in _WITHOUT_LOCKS:
                raise ValueError(f"{folder} cannot be locked: {problem.strerror}") from problem
            why = f"its file system does not lock files: {problem.strerror}"
            with _removed_if_unused(made, lock), _claimed(folder, lock, why):
                yield
            return
        if not _is_there(file, folder / lock):
            raise ValueError(_busy(folder))  # it has ended just now and removed its folder
        with _removed_if_unused(made, lock):
            yield


def _opened(folder: Path, lock: str) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return (folder / lock).open("a")
    except FileNotFoundError:  # another run has removed its folder between the two
        raise ValueError(_busy(folder)) from None


def _is_there(file: IO[str], path: Path) -> bool:
    """Whether an open file is still the one at its path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _removed_if_unused(made: Sequence[Path], lock: str) -> Iterator[None]:
    """Afterwards removes the folders that this run made, the innermost first, if it left no file.

    A run that finds its input empty leaves nothing so.
    """
    try:
        yield
    finally:
        ours = {lock, _claims_name(lock)}
        if made and all(one.name in ours for one in made[0].iterdir()):
            with suppress(OSError):  # another run has come, or written to a folder above
                if (claims := made[0] / _claims_name(lock)).exists():
                    claims.rmdir()
                (made[0] / lock).unlink()
                for folder in made:
                    folder.rmdir()


def _claims_name(lock: str) -> str:
    return f"{lock}.claims"


def _busy(folder: AnyPath, who: str = "") -> str:
    return f"another run is writing to {folder}{who}; wait for it, or choose another --out"


@dataclass(frozen=True)
class _Holder:
    """The process behind a claim. began: its creation, by the clock of its machine.

    is_inside: False while it still looks whether another one holds the folder.
    """

    host: str
    machine: str
    process: int
    began: float
    is_inside: bool

    @classmethod
    def here(cls, is_inside: bool) -> "_Holder":
        process, host = psutil.Process(), platform.node()
        return cls(host, _this_machine(), process.pid, process.create_time(), is_inside)

    def has_ended(self) -> bool:
        """Whether that can be known: of a process of this machine that is not there any more."""
        if self.machine != _this_machine():
            return False
        try:
            return bool(abs(psutil.Process(self.process).create_time() - self.began) > 1)
        except psutil.NoSuchProcess:
            return True


@contextmanager
def _claimed(folder: AnyPath, lock: str, why: str) -> Iterator[None]:
    """Holds the folder by a claim. why: what keeps it from being locked, for a person.

    Each claim is a file of its own, written before the others are looked at: of two runs that come
    at once at least one sees the other. Where both do, the one whose claim has the lower name waits
    for the other to withdraw.
    """
    claims = folder / _claims_name(lock)
    claims.mkdir(exist_ok=True)
    mine = claims / f"{uuid4().hex}.json"
    _renew(mine, is_inside=False)
    stop = threading.Event()
    renewing = threading.Thread(target=_keep, args=(mine, stop), daemon=True)
    try:
        _refuse_if_held(folder, mine, why)
        _renew(mine, is_inside=True)
        renewing.start()
        yield
    finally:
        stop.set()
        if renewing.is_alive():
            renewing.join()
        mine.unlink(missing_ok=True)


def _refuse_if_held(folder: AnyPath, mine: AnyPath, why: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while others := _others(mine):
        is_first = mine.name < min(other.name for other in others)
        if not is_first or any(map(_is_inside, others)) or time.monotonic() > deadline:
            raise ValueError(_busy(folder, _named(others[0], why)))
        time.sleep(0.1)


def _is_inside(claim: AnyPath) -> bool:
    try:
        holder = _read(claim)
    except FileNotFoundError:
        return False
    return holder is None or holder.is_inside


def _others(mine: AnyPath) -> list[AnyPath]:
    """The claims of other runs that may still go on; those of ended ones are removed."""
    claims: list[AnyPath] = [one for one in mine.parent.glob("*.json") if one.name != mine.name]
    return [one for one in claims if not _removed_as_lapsed(one, mine)]


def _removed_as_lapsed(claim: AnyPath, mine: AnyPath) -> bool:
    """By the storage's clock: the clocks of two machines may differ by more than a lease."""
    try:
        holder = _read(claim)
        written, now = _modified(claim), _modified(mine)
        has_lapsed = written is not None and now is not None and now - written > LEASE_S
    except FileNotFoundError:
        return True
    if has_lapsed or (holder is not None and holder.has_ended()):
        claim.unlink(missing_ok=True)
        return True
    return False


def _named(claim: AnyPath, why: str) -> str:
    """Who holds the folder, and how long a killed run would still seem to."""
    try:
        holder = _read(claim)
        written = _modified(claim)
    except FileNotFoundError:
        holder = None
    if holder is None or written is None:
        return f" ({why})"
    seen = datetime.fromtimestamp(written, UTC).isoformat(timespec="seconds")
    return (
        f" (process {holder.process} on {holder.host}, last seen {seen}; {why}, so if that run "
        f"was killed its hold ends {LEASE_S:.0f} s later)"
    )


def _keep(mine: AnyPath, stop: threading.Event) -> None:
    while not stop.wait(_RENEWED_EVERY_S):
        try:
            _renew(mine, is_inside=True)
        except OSError:  # tried again in time; a storage that stays away stops the run by itself
            continue


def _renew(mine: AnyPath, is_inside: bool) -> None:
    write_json(mine, asdict(_Holder.here(is_inside)))


def _read(claim: AnyPath) -> _Holder | None:
    """None for a claim that is not whole, or of another version. Raises FileNotFoundError."""
    try:
        return _Holder(**json.loads(claim.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        return None


def _modified(claim: AnyPath) -> float | None:
    return claim.modified() if isinstance(claim, StoragePath) else claim.stat().st_mtime


def _this_machine() -> str:
    """Machines and containers apart, also those that bear one name."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    if not boot.exists():
        return platform.node()
    return f"{boot.read_text().strip()} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115
