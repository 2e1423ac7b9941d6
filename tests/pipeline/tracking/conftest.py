"""A database ready to use, sessions to drive by hand, and a tracking server that can be killed and started again."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.records import Run
from pipeline.tracking import Tracking
from pipeline.tracking.location import Location
from pipeline.tracking.server import MlflowClient, open_client
from pipeline.tracking.spool import FOLDER, Spool

# The sender's processes are started by these tests and inherit this.
os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("database")
    open_client(Location.of(folder))
    return folder / "mlflow.db"


@pytest.fixture
def folder(tmp_path, empty_database, monkeypatch) -> Path:
    """A working folder whose database exists: making one takes seconds."""
    shutil.copy(empty_database, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def client(folder) -> MlflowClient:
    return open_client(Location.of(folder))


@pytest.fixture
def new_run() -> Callable[..., Run]:
    """Makes a run with an id of its own."""

    def make(name: str = "run", *, parent: Run | None = None, experiment: str = "digits", **fields) -> Run:
        return Run(uuid.uuid4().hex, experiment, name, parent=parent.id if parent else None, **fields)

    return make


@pytest.fixture
def spools(folder) -> Callable[[], list[Spool]]:
    """Lists the spools that are left in the working folder."""
    return lambda: [Spool(path.parent) for path in sorted((folder / FOLDER).glob("*/records.jsonl"))]


def _wait_until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """The first true value of ``condition()``, asked twenty times a second."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
    return value


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    return _wait_until


@pytest.fixture
def drive(folder) -> Callable[[str], subprocess.Popen]:
    """Starts a driver's process: ``Tracking(Path.cwd())`` as ``tracking``, then the given lines."""
    preamble = """
        import os, sys, time, uuid
        from pathlib import Path
        from pipeline.records import *
        from pipeline.tracking import Tracking
        tracking = Tracking(Path.cwd())
        def start(name, parent=None):
            run = Run(uuid.uuid4().hex, "digits", name, parent=parent)
            tracking.pipeline_run_started(run)
            return run
    """

    def start(script: str) -> subprocess.Popen:
        code = textwrap.dedent(preamble) + textwrap.dedent(script)
        return subprocess.Popen([sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def tracking(folder) -> Iterator[Tracking]:
    session = Tracking(folder)
    yield session
    session.finish()


class LocalServer:
    """A real ``mlflow server`` on this machine."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.folder = folder
        shutil.copy(database, folder / "server.db")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--backend-store-uri", f"sqlite:///{self.folder}/server.db", "--workers", "1"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        _wait_until(self.answers, 90)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2) as response:
                return response.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture(scope="session")
def server(tmp_path_factory, empty_database) -> Iterator[LocalServer]:
    local = LocalServer(tmp_path_factory.mktemp("server"), empty_database)
    local.start()
    yield local
    local.kill()
