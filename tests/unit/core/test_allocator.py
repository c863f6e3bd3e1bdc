"""The allocator's setting, seen by what it saves: page faults."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from georay.core.allocator import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
def work():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(40_000_000, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
work()
print(work())
"""


def faults(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, how], check=True, capture_output=True, text=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the settings")
def test_kept_memory_is_used_again_without_faults() -> None:
    assert faults("keep") < 10 < faults("give back")


PEAKS = """
import io, re
from pathlib import Path
from PIL import Image
from georay.core.allocator import keep_freed_memory
from georay.core.images import ImageLimits, decode

def megabytes(name):
    found = re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024

keep_freed_memory()
buffer = io.BytesIO()
Image.new("RGB", (8_000, 6_000)).save(buffer, "JPEG", progressive=True, subsampling=0)
decode(buffer.getvalue(), ImageLimits(), 500)
before = megabytes("VmRSS")
decode(buffer.getvalue(), ImageLimits(), 500)
print(before, megabytes("VmRSS"))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the settings")
def test_what_a_large_picture_takes_to_decode_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", PEAKS], check=True, capture_output=True, text=True)
    before, after = (float(word) for word in done.stdout.split())
    assert before < 288, "its 288 MB of coefficients, and those of drawing it, are gone"
    assert after < before + 30
