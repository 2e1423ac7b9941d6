"""`pipeline ui`: MLflow's interface on this project, and nothing of it left after Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from pipeline.tracking.location import Location

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


def test_a_file_that_is_no_database_is_told(project, command):
    (project.folder / "mlflow.db").write_text("not one")

    ended = command("ui")

    assert ended.status == 2
    assert "mlflow.db cannot be read: " in ended.err
    assert "file is not a database" in ended.err


@pytest.mark.slow
@pytest.mark.usefixtures("database")
def test_it_shows_the_newest_runs_on_this_machine_alone_and_ctrl_c_ends_it(project):
    from mlflow import MlflowClient

    from pipeline.tracking.server import Server

    server = Server(Location.of(project.folder))
    server.create_run("older", "a", {}, 1.0)
    newest = server.create_run("newer", "b", {}, 2.0)
    experiment = server.experiment("newer")
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "ui"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as ui:
        try:
            url, _, path = ui.stdout.readline().split()[0].partition("#")
            page = urllib.request.urlopen(url, timeout=20).read().decode()
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(urllib.request.Request(url, headers={"Host": "evil.example"}), timeout=20)
            runs = MlflowClient(url.rstrip("/")).search_runs([experiment])
            process = psutil.Process(ui.pid)
            others = process.children(recursive=True)
            hosts = {c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN}
            ui.send_signal(signal.SIGINT)
            status = ui.wait(20)
        finally:
            ui.kill()

    assert path == f"/experiments/{experiment}/runs"
    assert "MLflow" in page
    assert page.index("machine_learning") < page.index("static-files")
    assert [run.info.run_id for run in runs] == [newest]
    assert [] == others
    assert {"127.0.0.1"} == hosts
    assert status == 0
