"""Two Ray nodes on this machine: one is killed on the way, a third joins, and no trial is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# A node that is told an address does not look for the token by which its head wants to be spoken to.
OPEN = {"RAY_AUTH_MODE": "disabled"}
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Cluster:
    """Ray nodes in process groups of their own, so that only they are ended."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.nodes: list[subprocess.Popen[bytes]] = []

    def start(self, *, head: bool = False) -> subprocess.Popen[bytes]:
        ray = Path(sys.executable).with_name("ray")
        head_words = ["--head", f"--port={self.port}", "--include-dashboard=false", f"--temp-dir={self.folder}"]
        where = head_words if head else [f"--address={self.address}"]
        command = [ray, "start", *where, "--node-ip-address=127.0.0.1", "--num-cpus=1", "--block"]
        environment = os.environ | {"PYTHONPATH": str(HERE.parents[2]), "RAY_USAGE_STATS_ENABLED": "0", **OPEN}
        with (self.folder / "ray.log").open("ab") as log:
            node = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        self.nodes.append(node)
        return node

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        os.killpg(node.pid, signal.SIGKILL)
        node.wait()
        self.nodes.remove(node)

    def wait_for_head(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.3)
        raise AssertionError((self.folder / "ray.log").read_text())


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="ray"))  # sockets have short paths only
    made = Cluster(folder)
    yield made
    for node in list(made.nodes):
        made.kill(node)
    shutil.rmtree(folder, ignore_errors=True)


def node_pids(witness: Path) -> list[int]:
    """The parents of the workers that wrote into the witness, in order."""
    lines = witness.read_text().splitlines() if witness.exists() else []
    return list(dict.fromkeys(int(line.split()[4]) for line in lines))


def sweep(folder: Path, address: str, *words: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[2]), "XDG_CONFIG_HOME": str(folder / "config"), **OPEN}
    command = [sys.executable, "-m", "pipeline", "sweep", str(HERE / "curve.yaml"), "--json", "--trust",
               "--address", address, *words]  # fmt: skip
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for_nodes(witness: Path, count: int, running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 150
    while len(node_pids(witness)) < count:
        assert time.monotonic() < deadline
        assert running.poll() is None, running.communicate()
        time.sleep(0.3)


def test_a_node_is_killed_and_another_joins(cluster: Cluster, tmp_path: Path) -> None:
    cluster.start(head=True)
    cluster.wait_for_head()
    second = cluster.start()
    witness = tmp_path / "witness"
    running = sweep(tmp_path, cluster.address, f"curve.witness={witness}", "curve.seconds=0.5", "sweep.trials=40",
                    "sweep.search=sobol", "sweep.max_failures=2")  # fmt: skip
    wait_for_nodes(witness, 2, running)
    cluster.kill(second)
    cluster.start()
    try:
        wait_for_nodes(witness, 3, running)
    finally:
        print((cluster.folder / "ray.log").read_text()[-3000:])

    output, errors = running.communicate(timeout=400)

    document = json.loads(output)
    assert "finished" == document["status"], errors
    assert 40 == len(document["runs"])
    assert {"finished"} == {run["status"] for run in document["runs"]}


def test_an_address_where_nobody_answers_is_an_error(tmp_path: Path) -> None:
    running = sweep(tmp_path, f"127.0.0.1:{free_port()}", "sweep.trials=3")
    _, errors = running.communicate(timeout=60)

    assert 2 == running.returncode
    assert "no Ray cluster answers" in errors
    assert "Traceback" not in errors
