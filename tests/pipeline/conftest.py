"""A project to try things in, apart from the user's settings; a tracking server that can be killed and restarted."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import Pipeline

COUNTING = Path(__file__).with_name("counting.py")


class Project:
    """A folder with one pipeline file and a record of which stages really worked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "test.yaml"
        self.traces = folder / "traces"

    def write(self, stages: str, head: str = "") -> None:
        self.file.write_text(f"plugins: [{COUNTING}]\n{head}\nstages:\n{stages}\n")

    def load(self, *overrides: str) -> Pipeline:
        return Pipeline.load(self.file, overrides, trust=True)

    def run(self, *overrides: str, **options):
        return self.load(*overrides).run(track=False, **options)

    def worked(self) -> list[str]:
        """The stages that have worked since the last call."""
        words = self.traces.read_text().split() if self.traces.exists() else []
        self.traces.unlink(missing_ok=True)
        return words


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TRACES", str(tmp_path / "traces"))
    return Project(tmp_path)


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
