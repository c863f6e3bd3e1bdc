"""The only place that connects to Ray."""

import logging
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path

from georay.config.cluster import ClusterRecipe
from georay.runtime.environment import environment
from georay.runtime.scratch import scratch_folder, uninterrupted
from georay.runtime.stragglers import none_outlives

KNOCK_SECONDS = 5.0
_OLD_TOKEN = Path("~/.ray/auth_token")
_UNWATCHED = {
    # Nobody looks at a private cluster's dashboard; feeding it costs each process CPU time.
    "RAY_enable_metrics_collection": "false",
    "RAY_task_events_report_interval_ms": "0",
    "RAY_core_worker_internal_heartbeat_ms": "10000",
    "RAY_memory_monitor_refresh_ms": "2000",
    "RAY_event_stats": "false",
}


@contextmanager
def connect(cluster: ClusterRecipe) -> Iterator[None]:
    """Joins or starts the cluster of a recipe and leaves it on exit.

    Authentication is always stated: a private cluster gets a fresh token that lives in this
    process's environment only; an existing cluster is entered with the user's own RAY_AUTH_MODE
    and token. A private cluster leaves no folder behind. Raises ValueError if no cluster answers at
    the address, or TMPDIR is too long for one.
    """
    with _authentication(cluster.address == "local"):
        _quiet_ray(cluster.address == "local")
        import ray

        if ray.is_initialized():
            yield
            return
        with _own_folder(cluster.address == "local") as scratch:
            try:
                _init(cluster, scratch)
                yield
            finally:
                with uninterrupted(), none_outlives(scratch):
                    ray.shutdown()
                _close_session_logs()


def _close_session_logs() -> None:
    """Lets Ray Data's log go to the next cluster's folder: it would keep that of the first one."""
    for logger in [logging.getLogger(name) for name in logging.root.manager.loggerDict]:
        for handler in logger.handlers:
            if type(handler).__name__ == "SessionFileHandler":
                handler.close()


def _own_folder(private: bool) -> AbstractContextManager[Path | None]:
    return scratch_folder() if private else nullcontext()


def _init(cluster: ClusterRecipe, scratch: Path | None) -> None:
    import ray

    settings: dict[str, object] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if scratch is not None:
        settings |= {
            "num_cpus": cluster.num_cpus,
            "include_dashboard": False,
            "object_store_memory": 512 << 20,
            "_temp_dir": str(scratch),
        }
    try:
        _knock(cluster.address)
        with _silent_start(), _temporary_files_in(scratch):
            ray.init(address=cluster.address, **settings)
    except (OSError, ValueError, RuntimeError) as problem:
        raise ValueError(
            f"no Ray cluster answers at {cluster.address!r} ({problem}); start one with "
            "`ray start --head`, or set cluster.address to local"
        ) from problem


def _knock(address: str) -> None:
    """Raises OSError if nobody listens at host:port: Ray itself would go on trying for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "://" not in address:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()


@contextmanager
def _silent_start() -> Iterator[None]:
    """Ray's native part announces its log level straight to the terminal when it starts."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


@contextmanager
def _temporary_files_in(scratch: Path | None) -> Iterator[None]:
    """What a private cluster's processes write for a while goes when the cluster does."""
    if scratch is None:
        yield
        return
    (scratch / "tmp").mkdir()
    with environment({"TMPDIR": str(scratch / "tmp")}):
        yield


@contextmanager
def _authentication(private: bool) -> Iterator[None]:
    """States the mode before Ray asks: what the user set stays, a private cluster gets a token."""
    if "RAY_AUTH_MODE" in os.environ:
        yield
        return
    if private:
        ours = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": _process_token()}
    else:
        ours = {"RAY_AUTH_MODE": "token" if _has_token() else "disabled"}
    with environment(ours):
        _reread_settings()
        yield


def _reread_settings() -> None:
    """Ray reads its environment at import; if that came first, it must look again."""
    if "ray" in sys.modules:
        from ray._raylet import Config  # type: ignore[attr-defined]

        Config.initialize("")


@cache
def _process_token() -> str:
    """One per process, because Ray reads it once and keeps it."""
    return secrets.token_hex(16)


def _has_token() -> bool:
    named = "RAY_AUTH_TOKEN" in os.environ or "RAY_AUTH_TOKEN_PATH" in os.environ
    return named or _OLD_TOKEN.expanduser().exists()


def _quiet_ray(private: bool) -> None:
    """Ray's own bars and notices would break up the one live bar of a run; its log files stay."""
    if private:
        for name, value in {"RAY_BACKEND_LOG_LEVEL": "fatal", **_UNWATCHED}.items():
            os.environ.setdefault(name, value)
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    for name in ("ray", "ray.data", "ray.data._internal"):
        logging.getLogger(name).setLevel(logging.ERROR)
