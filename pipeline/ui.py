"""MLflow's own web interface on a project's runs, started lean and ended with everything it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import IO

from pipeline.errors import PipelineError, Problem, RequestError
from pipeline.tracking.location import Location

HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 5000, 5099
_PATIENCE = 120.0
_GRACE = 3.0


def serve(location: Location, port: int | None, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; ``ready`` is told the URL once it answers. RequestError where it cannot be served."""
    database = location.database_file
    if database is not None and not database.exists():
        hint = "Run a pipeline first: pipeline run FILE."
        raise RequestError(Problem(f"nothing has been recorded here yet: {database} does not exist", None, None, hint))
    port = _free_port() if port is None else _checked(port)
    url = f"http://{HOST}:{port}"
    with tempfile.TemporaryFile() as log, _ended_by_signals():
        server = _start(location, port, log)
        try:
            _wait_until_ready(server, url, log)
            ready(url)
            server.wait()
            raise PipelineError(f"the MLflow server ended:\n{_tail(log)}")
        except KeyboardInterrupt:
            return
        finally:
            _end(server)


def _start(location: Location, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    # Its default settings take four times as long to the first page and three times the memory.
    lean = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    words = ["--backend-store-uri", location.uri, "--host", HOST, "--port", str(port), "--workers", "1"]
    if location.artifacts:
        words += ["--default-artifact-root", location.artifacts]
    return subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words, "--uvicorn-opts", "--log-level=warning"],
        env={**os.environ, **lean},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # A group of its own: Ctrl-C reaches us alone, and ending the group ends every process in it.
        start_new_session=True,
    )


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: IO[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise PipelineError(f"the MLflow server did not start:\n{_tail(log)}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the whole process group, by force after a grace period."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
        except ProcessLookupError:
            break
        until = time.monotonic() + _GRACE
        while _group_lives(server) and time.monotonic() < until:
            time.sleep(0.05)
    server.wait()


def _group_lives(server: subprocess.Popen[bytes]) -> bool:
    server.poll()
    try:
        os.killpg(server.pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a closed terminal or a polite kill do what Ctrl-C does."""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _free_port() -> int:
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if not _is_taken(port):
            return port
    raise RequestError(f"all ports from {FIRST_PORT} to {LAST_PORT} are taken; name one with --port")


def _checked(port: int) -> int:
    if _is_taken(port):
        raise RequestError(Problem(f"port {port} is taken", hint="Name another, or leave --port out."))
    return port


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _tail(log: IO[bytes], lines: int = 8) -> str:
    log.seek(0)
    return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
