"""Two Ray nodes on this machine: one is killed on the way, a third joins, and no trial is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def node_pids(witness: Path) -> list[int]:
    """The parents of the workers that wrote into the witness, in order."""
    lines = witness.read_text().splitlines() if witness.exists() else []
    return list(dict.fromkeys(int(line.split()[4]) for line in lines))


def start(folder: Path, cluster: Any, *words: str) -> subprocess.Popen[str]:
    """A command of ours on the cluster."""
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[2]), "XDG_CONFIG_HOME": str(folder / "config")}
    command = [sys.executable, "-m", "pipeline", *words, "--json", "--trust", "--address", cluster.address]
    environment |= cluster.variables
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for_nodes(witness: Path, count: int, running: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 150
    while len(node_pids(witness)) < count:
        assert time.monotonic() < deadline
        assert running.poll() is None, running.communicate()
        time.sleep(0.3)


def test_a_node_is_killed_and_another_joins(cluster: Any, tmp_path: Path) -> None:
    cluster.start(head=True)
    cluster.wait_for_head()
    second = cluster.start()
    witness = tmp_path / "witness"
    running = start(tmp_path, cluster, "sweep", str(HERE / "curve.yaml"), f"curve.witness={witness}",
                    "curve.seconds=0.5", "sweep.trials=40", "sweep.search=sobol", "sweep.max_failures=2")  # fmt: skip
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


def test_the_runs_of_a_command_go_to_the_cluster(cluster: Any, tmp_path: Path) -> None:
    cluster.start(head=True)
    cluster.wait_for_head()
    witness = tmp_path / "witness"

    running = start(tmp_path, cluster, "run", str(HERE / "curve.yaml"), "seeds=2", f"curve.witness={witness}")
    output, errors = running.communicate(timeout=200)

    document = json.loads(output)
    assert "finished" == document["status"], errors
    assert ["finished"] * 2 == [run["status"] for run in document["runs"]]
    assert all(run["mlflow_run_id"] for run in document["runs"])
    assert running.pid not in {int(line.split()[3]) for line in witness.read_text().splitlines()}
    assert list((tmp_path / ".pipeline" / "entries").rglob("*.json"))


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_an_address_where_nobody_answers_is_an_error(command: str, cluster: Any, tmp_path: Path) -> None:
    running = start(tmp_path, cluster, command, str(HERE / "curve.yaml"))
    _, errors = running.communicate(timeout=60)

    assert 2 == running.returncode
    assert "no Ray cluster answers" in errors
    assert "Traceback" not in errors
