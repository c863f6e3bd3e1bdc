"""The C allocator of this process."""

import ctypes
import platform

import pyarrow as pa

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # names of glibc's mallopt, malloc.h
_NEVER, _AHEAD = 2**31 - 1, 64 << 20


def keep_freed_memory() -> bool:
    """Keeps large freed blocks for the next batch instead of giving them back to the kernel.

    A network frees and asks for the same blocks at every batch, and each page that the kernel
    hands out anew costs a fault. For processes that do such work to their end. Returns whether
    it was done: only glibc has the settings.
    """
    if not _is_glibc():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = {_TRIM_THRESHOLD: _NEVER, _TOP_PAD: _AHEAD, _MMAP_MAX: 0}
    return all(mallopt(name, value) == 1 for name, value in settings.items())


def give_back_freed_memory() -> None:
    """Gives free blocks back to the kernel once, so that much memory that is used for a moment
    does not come on top of what was kept: those of Arrow's own pool, and glibc's where it is there.
    """
    pa.default_memory_pool().release_unused()
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
