"""`pipeline ui`: MLflow's interface on this project, and nothing of it left after Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]


def test_where_nothing_is_recorded_it_says_so(project, command):
    ended = command("ui")

    assert ended.status == 2
    assert "nothing has been recorded here yet" in ended.err


def test_where_a_server_keeps_the_runs_it_says_which(project, command, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://ann:s3cret@mlflow.example.org")

    ended = command("ui")

    assert ended.status == 0
    assert "https://ann:***@mlflow.example.org" in ended.out


def test_a_port_that_is_taken_is_told(project, command):
    (project.folder / "mlflow.db").touch()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        ended = command("ui", "--port", str(port))

    assert ended.status == 2
    assert f"port {port} is taken" in ended.err


@pytest.mark.slow
def test_it_answers_on_this_machine_alone_and_ctrl_c_ends_all_of_it(project):
    from pipeline.tracking.location import Location
    from pipeline.tracking.server import open_client

    open_client(Location.of(project.folder))
    server = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "ui"],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        url = server.stdout.readline().split()[0]
        page = urllib.request.urlopen(url, timeout=20).read().decode()
        processes = psutil.Process(server.pid).children(recursive=True)
        hosts = {c.laddr.ip for p in processes for c in p.net_connections() if c.status == psutil.CONN_LISTEN}
        server.send_signal(signal.SIGINT)
        status = server.wait(20)
        gone, alive = psutil.wait_procs(processes, timeout=5)
    finally:
        server.kill()

    assert url.startswith("http://127.0.0.1:")
    assert "MLflow" in page
    assert {"127.0.0.1"} == hosts
    assert status == 0
    assert gone
    assert not alive
