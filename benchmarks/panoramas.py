"""How long do two hundred street-level panoramas take, and how much memory has a scoring actor?

    python -m benchmarks.panoramas --folder /somewhere/with/10/GB

Draws equirectangular panoramas of 60 to 134 megapixels out of StreetWorld's scenes, in the JPEG
settings that cameras and their programs write, some with GPano metadata; runs `georay curate` with
the small segmenter; holds the counts, and each actor's peak of memory, against what they must be.
Files of one drawing differ in their metadata alone: each is decoded and cut anew.

An actor's memory is what it has resident of its own and of files (libraries), without the pages of
Ray's object store that it has touched: they are the store's, lie in memory once for all processes
of the node, and have a bound of their own. The record has the peak with them beside it.
"""

import argparse
import io
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks.record import write_record
from georay.streetworld.world import StreetWorld

NUM_FILES = 200
MAX_ACTOR_GIB = 1.5
SEED = 17
_BASE_WIDTH = 4096
_ACTOR = "SegmentImages"
_EVERY_S = 0.1  # a large progressive file is decoded for more than a second
_XMP = (
    "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
    "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
    "xmlns:GPano='http://ns.google.com/photos/1.0/panorama/' "
    "GPano:ProjectionType='equirectangular' GPano:PoseHeadingDegrees='{heading}'/>"
    "</rdf:RDF></x:xmpmeta>"
)


@dataclass(frozen=True)
class Setting:
    """How one drawing is saved. subsampling: as Pillow has it, 0 for 4:4:4 and 2 for 4:2:0."""

    width: int
    quality: int
    subsampling: int = 2
    progressive: bool = False

    def encoded(self, drawing: Image.Image) -> bytes:
        """The drawing at this width, as a JPEG."""
        image = drawing.resize((self.width, self.width // 2), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        image.save(
            buffer,
            "JPEG",
            quality=self.quality,
            subsampling=self.subsampling,
            progressive=self.progressive,
        )
        return buffer.getvalue()


SETTINGS = (
    Setting(11_000, 85),
    Setting(11_000, 92, subsampling=0),
    Setting(12_288, 90),
    Setting(13_312, 75),
    Setting(13_312, 80, progressive=True),
    Setting(14_336, 90),
    Setting(16_384, 75),
    Setting(16_384, 90, subsampling=0),
    Setting(16_384, 85, progressive=True),
    Setting(16_384, 80, subsampling=0, progressive=True),
)


@dataclass(frozen=True)
class Peak:
    """The most bytes that a process had resident.

    own: without shared memory, looked at every _EVERY_S. whole: with it, as the kernel kept it.
    """

    own: int = 0
    whole: int = 0

    @classmethod
    def of(cls, status: str) -> "Peak":
        """What /proc/PID/status says. Raises KeyError for a process that is ending."""
        kib = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB", status, re.M)}
        return cls(1024 * (kib["RssAnon"] + kib["RssFile"]), 1024 * kib["VmHWM"])

    def with_(self, later: "Peak") -> "Peak":
        return Peak(max(self.own, later.own), max(self.whole, later.whole))


def main() -> None:
    """Draws, curates, checks, writes the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=NUM_FILES)
    parser.add_argument("--folder", type=Path, help="keep pictures and run here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        pictures = draw(folder / "panoramas", options.files)
        results = measure(pictures, folder / "run")
    config = {
        "files": options.files,
        "megapixels": [s.width**2 / 2e6 for s in SETTINGS],
        "jpeg": [f"{s.width} q{s.quality} {_sampling(s)}" for s in SETTINGS],
        "pictures": "drawn; files of one drawing differ in their metadata",
        "segmenter": "small",
    }
    path = write_record("panoramas", config, results)
    print(*(f"{key}: {value}" for key, value in results.items()), f"→ {path}", sep="\n")


def _sampling(setting: Setting) -> str:
    kind = "progressive" if setting.progressive else "baseline"
    return f"{'4:4:4' if setting.subsampling == 0 else '4:2:0'} {kind}"


def draw(folder: Path, number: int) -> list[Path]:
    """The files, made where they are not there yet: every third says which way it was turned."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:03}.jpg" for index in range(number)]
    dice = np.random.default_rng(SEED)
    headings = dice.uniform(0, 360, number).round(1)
    for kind, setting in enumerate(SETTINGS):
        mine = range(kind, number, len(SETTINGS))
        if all(paths[index].exists() for index in mine):
            continue
        encoded = setting.encoded(_panorama(kind))
        for index in mine:
            heading = float(headings[index]) if index % 3 == 0 else None
            paths[index].write_bytes(_with_metadata(encoded, index, heading))
    return paths


def _panorama(number: int) -> Image.Image:
    """Four scenes around the viewer, what is above and below them drawn out, with grain."""
    world = StreetWorld(SEED)
    scenes = np.stack([world.scene(4 * number + side).image for side in range(4)])
    size = scenes.shape[1]
    east = (np.linspace(0, 360, _BASE_WIDTH, endpoint=False) + 45) % 360  # a scene in the middle
    north = np.radians(np.linspace(90, -90, _BASE_WIDTH // 2))
    side = (east // 90).astype(int)
    away = np.radians(east % 90 - 45)
    x = np.tan(away)
    y = -np.tan(north.clip(-1.2, 1.2))[:, None] / np.cos(away)
    columns = ((x + 1) / 2 * size).astype(int).clip(0, size - 1)
    rows = ((y + 1) / 2 * size).astype(int).clip(0, size - 1)
    pixels = scenes[side, rows, columns]
    grain = np.random.default_rng(number).normal(0, 4, pixels.shape[:2])[..., None]
    return Image.fromarray(np.uint8((pixels + grain).clip(0, 255)))


def _with_metadata(encoded: bytes, index: int, heading: float | None) -> bytes:
    comment = _segment(0xFE, f"panorama {index}".encode())
    xmp = b"" if heading is None else _segment(0xE1, _XMP.format(heading=heading).encode())
    return encoded[:2] + comment + xmp + encoded[2:]


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def measure(pictures: Sequence[Path], run: Path) -> dict[str, object]:
    """Seconds and memory of one curation, whose counts must be exact."""
    command = [sys.executable, "-m", "georay", "curate", str(pictures[0].parent)]
    started = time.perf_counter()
    with subprocess.Popen(
        [*command, "--out", str(run), "--json"], stdout=subprocess.PIPE
    ) as driver:
        peaks = _watch(driver)
        assert driver.stdout is not None
        said = json.loads(driver.stdout.read())
    seconds = time.perf_counter() - started
    assert said["files"] == said["panoramas"] == len(pictures), said
    assert said["scored"] == said["views"] == 4 * len(pictures), said
    largest = max(peak.own for peak in peaks.values()) / 2**30
    assert largest <= MAX_ACTOR_GIB, f"an actor had {largest:.2f} GiB"
    return {
        "seconds": round(seconds, 1),
        "panoramas_per_minute": round(60 * len(pictures) / seconds, 1),
        "actor_peak_gib": round(largest, 3),
        "actor_peak_gib_with_object_store_pages": round(
            max(peak.whole for peak in peaks.values()) / 2**30, 3
        ),
        "actors": len(peaks),
        "encoded_gb": round(sum(path.stat().st_size for path in pictures) / 1e9, 2),
        "load_average_at_end": psutil.getloadavg()[0],
    } | {name: said[name] for name in ("files", "views", "scored", "kept", "errors")}


def _watch(driver: "subprocess.Popen[bytes]") -> dict[int, Peak]:
    """The most memory that each scoring actor had."""
    peaks: dict[int, Peak] = {}
    while driver.poll() is None:
        for process in psutil.Process(driver.pid).children(recursive=True):
            try:
                if any(_ACTOR in word for word in process.cmdline()):
                    now = Peak.of(Path(f"/proc/{process.pid}/status").read_text())
                    peaks[process.pid] = peaks.get(process.pid, Peak()).with_(now)
            except (psutil.Error, OSError, KeyError):
                continue  # it ended while it was looked at
        time.sleep(_EVERY_S)
    return peaks


if __name__ == "__main__":
    main()
