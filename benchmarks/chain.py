"""The paper's chain in small, as a lab runs it: three nodes, one script, one folder of storage.

    python -m benchmarks.chain                      # an S3 server of this machine is the storage
    python -m benchmarks.chain --storage folder     # a folder that every node sees
    python -m benchmarks.chain --write              # and the transcript of docs/cluster.md

Scenes are drawn into the storage. Then `cluster/chain.sh jobs/recipes/chain-small` runs every step
as a submitted job, `serve deploy` puts up what was trained, and one picture is asked about. The
nodes are three of Ray's on this machine: a head that takes no work, and two workers, each with an
address of its own. Measured are but the seconds of each step, the start of its job included.
"""

import argparse
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import yaml

from benchmarks.faults.nodes import is_of_ray
from benchmarks.record import write_record
from georay.core.storage import LocalAddress, StorageAddress, parse_address
from georay.runtime.scratch import scratch_folder
from georay.streetworld.export.records import write_folder
from georay.streetworld.world import StreetWorld

PROJECT = Path(__file__).parents[1]
RECIPES = "jobs/recipes/chain-small"
SERVE_FILE = "cluster/serve/chain-small.yaml"
GUIDE = PROJECT / "docs" / "cluster.md"
BEGIN, END = "<!-- written by benchmarks.chain -->", "<!-- until here -->"
NUM_WORKERS, CPUS = 2, 4
OBJECT_BYTES = 256 << 20
BUCKET = "georay"
PATIENCE_S = 900.0
STEP = re.compile(r"^== (?:ray job submit … python -m jobs\.)?(.+?)(?: --recipe .*)?$")
_OF_RAY = re.compile(
    r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+|\((?:raylet|autoscaler|\w+ pid=)|"
    r"Job submission server|Tailing logs|"
    r"Next steps|Query the|  ray job|Request the job|-{3,}|Running entrypoint|\s*$|[─╭╰│])"
)
_PATIENT = {  # two cores play three nodes: what starts late is not dead
    "RAY_DASHBOARD_STARTUP_TIMEOUT_S": "600",
    "RAY_DASHBOARD_SUBPROCESS_MODULE_WAIT_READY_TIMEOUT": "600",
    "RAY_agent_register_timeout_ms": "600000",
    "RAY_health_check_failure_threshold": "60",
    "RAY_health_check_timeout_ms": "60000",
}
Environment = Mapping[str, str]


@dataclass(frozen=True)
class Finished:
    """What a chain left. lines: what it said; seconds: of each step; answer: to one picture."""

    lines: tuple[str, ...]
    seconds: Mapping[str, float]
    num_asked: int
    figures: Mapping[str, object]
    answer: Mapping[str, object]


def run_chain(storage: str, num_scenes: int, seed: int = 11) -> Finished:
    """Draws, runs every step and asks the endpoint. storage: "s3" or "folder".

    Raises RuntimeError with the script's words if a step fails.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(scratch_folder())
        scenes = folder / "scenes"
        write_folder(StreetWorld(seed), num_scenes, scenes)
        root, environment = stack.enter_context(_storage(storage, scenes, folder))
        environment = {**os.environ, **environment, "GEORAY_STORAGE": root.uri}
        environment = stack.enter_context(emulated_nodes(folder, environment))
        lines, seconds = _run(["cluster/chain.sh", RECIPES], environment, root.uri)
        port = _free_ports(1)[0]
        file = _served_at(port, folder)
        began = time.perf_counter()
        more, _ = _run(["cluster/chain.sh", RECIPES, f"serve={file}"], environment, root.uri)
        answer = _asked(port, next((scenes / "pictures").rglob("*.jpg")))
        seconds["serve and ask"] = time.perf_counter() - began
        said = (*lines, *(line.replace(str(file), SERVE_FILE) for line in more))
        predictions = root.child("predictions/tiny.parquet")
        figures = json.loads(root.child("evaluation/figures.json").read(1 << 30))
        with predictions.open() as opened:
            num_asked = pq.ParquetFile(opened).metadata.num_rows
        return Finished(said, seconds, num_asked, figures["evaluations"][0], answer)


@contextmanager
def _storage(
    kind: str, scenes: Path, folder: Path
) -> Iterator[tuple[LocalAddress | StorageAddress, dict[str, str]]]:
    """Where the chain reads and writes, the scenes already there, and what reaching it takes."""
    if kind == "folder":
        (folder / "storage").mkdir()
        scenes.rename(folder / "storage" / "scenes")
        scenes.symlink_to(folder / "storage" / "scenes")
        yield LocalAddress(str(folder / "storage")), {}
        return
    from moto.server import ThreadedMotoServer

    keys = {
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    os.environ.update(keys)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"s3://{BUCKET}?endpoint_override=http://{host}:{port}&region=us-east-1"
        _upload(scenes, f"{address}&allow_bucket_creation=true")
        root = parse_address(address)
        yield root, keys | {"GEORAY_ENV": " ".join(keys)}
    finally:
        server.stop()


def _upload(scenes: Path, address: str) -> None:
    from pyarrow.fs import FileSystem, LocalFileSystem, copy_files

    filesystem, _ = FileSystem.from_uri(address)
    filesystem.create_dir(BUCKET)
    copy_files(
        str(scenes),
        f"{BUCKET}/scenes",
        source_filesystem=LocalFileSystem(),
        destination_filesystem=filesystem,
    )


@contextmanager
def emulated_nodes(folder: Path, environment: Environment) -> Iterator[dict[str, str]]:
    """A head without work and two workers; yields the environment that reaches them."""
    gcs, dashboard, *agents = _free_ports(2 + 2 * (NUM_WORKERS + 1))
    programs = f"{Path(sys.executable).parent}:{environment['PATH']}"
    plain = {name: value for name, value in environment.items() if not is_of_ray(name)}
    ours = plain | {
        "PATH": programs,
        "PYTHONPATH": str(PROJECT),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(16),
        "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{dashboard}",
        **_PATIENT,
    }
    temporary = Path(tempfile.mkdtemp(prefix="ray-"))  # right below /tmp: socket paths stay short
    common = ["--block", "--disable-usage-stats", f"--object-store-memory={OBJECT_BYTES}"]
    head = ["--head", "--num-cpus=0", "--num-gpus=0", f"--port={gcs}", f"--temp-dir={temporary}"]
    head.append(f"--dashboard-port={dashboard}")
    with ExitStack() as nodes:
        nodes.callback(shutil.rmtree, temporary, ignore_errors=True)
        own = [*head, "--node-ip-address=127.0.0.1"]
        nodes.enter_context(_node([*common, *own], "127.0.0.1", agents[:2], ours, folder))
        for number in range(NUM_WORKERS):
            own = [f"--address=127.0.0.1:{gcs}", f"--num-cpus={CPUS}"]
            ports, host = agents[2 * number + 2 : 2 * number + 4], f"127.0.0.{number + 2}"
            own.append(f"--node-ip-address={host}")
            nodes.enter_context(_node([*common, *own], host, ports, ours, folder))
        yield ours


@contextmanager
def _node(
    arguments: Sequence[str],
    host: str,
    ports: Sequence[int],
    environment: Environment,
    folder: Path,
) -> Iterator[None]:
    """One node, from when its raylet answers to the end of the body.

    Raises RuntimeError with Ray's words if it does not start: Ray gives a raylet 30 s.
    """
    agent, metrics = ports
    own = [f"--dashboard-agent-listen-port={agent}", f"--metrics-export-port={metrics}"]
    log = folder / f"{host}.log"
    with log.open("wb") as file:
        command = ["ray", "start", *arguments, *own]
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
        try:
            if not _answers(f"http://{host}:{agent}/api/healthz", process):
                raise RuntimeError(f"no node of Ray at {host}: {log.read_text()}")
            yield
        finally:
            process.terminate()
            process.wait(60)


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether 200 comes from there before the process ends or patience does."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(address, timeout=10).status_code == 200:
                return True
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    return False


def _run(
    command: Sequence[str], environment: Environment, root: str
) -> tuple[list[str], dict[str, float]]:
    """The lines that a script says, without Ray's own, and the seconds of each of its steps."""
    script = subprocess.Popen(
        command, cwd=PROJECT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert script.stdout is not None
    lines, everything, begun = [f"$ {' '.join(command)}"], [], []
    for line in script.stdout:
        text = line.rstrip().replace(root, "$GEORAY_STORAGE")
        everything.append(text)
        if step := STEP.match(text):
            begun.append((step[1], time.perf_counter()))
        if not _OF_RAY.match(text):
            lines.append(text)
            print(text, flush=True)
    if script.wait():
        raise RuntimeError("\n".join(everything[-60:]))
    ends = [moment for _, moment in begun[1:]] + [time.perf_counter()]
    seconds = {name: end - start for (name, start), end in zip(begun, ends, strict=True)}
    return lines, {name: taken for name, taken in seconds.items() if "no recipe" not in name}


def _served_at(port: int, folder: Path) -> Path:
    """The Serve file with a port that is free here."""
    content = yaml.safe_load((PROJECT / SERVE_FILE).read_text())
    content["http_options"]["port"] = port
    file = folder / "serve.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def _asked(port: int, picture: Path) -> dict[str, object]:
    """The endpoint's first result, as soon as it is ready."""
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/readyz", timeout=10).status_code == 200:
                break
        except httpx.HTTPError:
            pass
        time.sleep(1)
    files = {"images": (picture.name, picture.read_bytes(), "image/jpeg")}
    answer = httpx.post(f"{address}/v1/locate", files=files, timeout=300)
    answer.raise_for_status()
    result: dict[str, object] = answer.json()["results"][0]
    return result


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]


def transcript(finished: Finished, storage: str) -> str:
    """What docs/cluster.md shows between its two marks."""
    place = "an S3 server on loopback" if storage == "s3" else "a folder that all three share"
    seconds = ", ".join(f"{name} {taken:.0f}" for name, taken in finished.seconds.items())
    shown = {name: finished.answer.get(name) for name in ("country", "city", "confidence")}
    return "\n".join(
        [
            BEGIN,
            f"Written by `python -m benchmarks.chain --storage {storage} --write`, on three nodes",
            f"emulated on one machine; storage was {place}.",
            "",
            "```text",
            *finished.lines,
            "$ curl -F images=@scene.jpg http://127.0.0.1:8000/v1/locate",
            json.dumps(shown, ensure_ascii=False),
            "```",
            "",
            f"Seconds of each step, the start of its job included: {seconds}.",
            END,
        ]
    )


def _write(text: str) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    before, _, rest = guide.partition(BEGIN)
    _, _, after = rest.partition(END)
    GUIDE.write_text(f"{before}{text}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="The paper's chain in small on three nodes.")
    parser.add_argument("--storage", choices=("s3", "folder"), default="s3")
    parser.add_argument("--scenes", type=int, default=240)
    parser.add_argument("--write", action="store_true", help="a record, and docs/cluster.md")
    given = parser.parse_args()
    finished = run_chain(given.storage, given.scenes)
    print(json.dumps(finished.answer, indent=1, ensure_ascii=False))
    if given.write:
        _write(transcript(finished, given.storage))
        config = {"storage": given.storage, "scenes": given.scenes, "nodes": 1 + NUM_WORKERS}
        results = {"seconds": dict(finished.seconds), "pictures asked about": finished.num_asked}
        print(write_record("chain", config, results))


if __name__ == "__main__":
    main()
