"""A run and a sweep on the whole cluster, with faults on the way, and nobody in without a password."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from topology import Topology

from pipeline.tracking.history import History, RecordedRun

HERE = Path(__file__).parent
STEPS, TRIALS = 10, 10
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300), pytest.mark.usefixtures("strangers")]


@pytest.fixture(scope="module")
def strangers(cluster: Topology) -> Iterator[list[subprocess.Popen[str]]]:
    """Drivers without the token and with another: they begin early, for Ray tries for twenty seconds."""
    join = f"import ray; ray.init(address={cluster.ray!r}); print('joined')"
    unknown = {name: value for name, value in os.environ.items() if name != "RAY_AUTH_TOKEN"}
    tokens = ({"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 48})
    drivers = [
        subprocess.Popen([sys.executable, "-c", join], env=unknown | token, text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
        for token in tokens
    ]  # fmt: skip
    yield drivers
    for driver in drivers:
        driver.kill()
        driver.communicate()


def objects(cluster: Topology, prefix: str) -> list[str]:
    """Names in the object store."""
    pages = (
        boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=cluster.settings["BUCKET"], Prefix=prefix)
    )
    return [found["Key"] for page in pages for found in page.get("Contents", ())]


def status_of(url: str, host: str | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": host} if host else {})) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(
    "path",
    ["/", "/api/2.0/mlflow/experiments/search?max_results=1", "/api/2.0/mlflow-artifacts/artifacts?path=",
     "/ajax-api/2.0/mlflow/runs/search", "/graphql"],
)  # fmt: skip
def test_mlflow_refuses_who_gives_no_password(cluster: Topology, path: str) -> None:
    assert 401 == status_of(cluster.mlflow + path)


def test_mlflow_refuses_a_name_that_is_not_its_own(cluster: Topology) -> None:
    assert 403 == status_of(cluster.mlflow, host="evil.example")


def run(cluster: Topology, folder: Path, home: Path) -> dict[str, Any]:
    """``pipeline run digits.yaml`` on a machine whose home folder is ``home``."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "run", HERE / "digits.yaml", "--json"],
        cwd=folder, env=os.environ | {"HOME": str(home)}, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    return dict(json.loads(done.stdout))


def test_what_one_machine_has_computed_another_finds_in_the_object_store(cluster: Topology, tmp_path: Path) -> None:
    machines = [tmp_path / "here", tmp_path / "there"]
    for machine in machines:
        machine.mkdir()

    here, there = (run(cluster, machine, machine) for machine in machines)

    assert {"narrow", "wide"} == {found["variants"]["model"] for found in here["runs"]}
    assert {True} == {stage["cached"] for found in there["runs"] for stage in found["stages"]}
    assert [found["metrics"] for found in here["runs"]] == [found["metrics"] for found in there["runs"]]
    for found in (*here["runs"], *there["runs"]):
        kept = objects(cluster, f"mlflow/{experiment_id('digits')}/{found['mlflow_run_id']}/")
        assert any(name.endswith("quality/reconstructions.png") for name in kept)
    assert not (machines[0] / "mlartifacts").exists()


def experiment_id(name: str) -> str:
    return str(History(Path()).client.get_experiment_by_name(name).experiment_id)


def recorded(parent: str) -> tuple[list[RecordedRun], list[tuple[str, int]]]:
    """The sweep's runs as MLflow has them now, and every point of their curves: the run's name and the step."""
    history = History(Path())
    children = history.children(history.run(parent))
    return children, [(child.name, point.step) for child in children for point in history.curve(child, "curve/loss")]


def wait_for(condition: Callable[[], bool], running: subprocess.Popen[bytes], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)


def test_a_sweep_loses_nothing_when_a_worker_and_mlflow_die(cluster: Topology, tmp_path: Path) -> None:
    witness = tmp_path / "witness"

    def steps() -> list[str]:
        return witness.read_text().splitlines() if witness.exists() else []

    def nodes() -> set[str]:
        return {line.split()[4] for line in steps()}

    sweep = cluster.pipeline(
        tmp_path, "sweep", str(HERE / "curves.yaml"), f"curve.witness={witness}", "--json", "--trust"
    )
    wait_for(lambda: len(nodes()) == 2 and len(steps()) >= 3 * STEPS, sweep)
    parent = next(found.id for found in History(Path()).runs("curves") if found.parent is None)
    children, points = recorded(parent)
    before = {"done": len(steps()), "runs": len(children), "points": len(points)}
    cluster.kill("worker1")
    cluster.kill("mlflow")
    # Work goes on without both.
    wait_for(lambda: len(steps()) >= before["done"] + STEPS, sweep)
    cluster.start_worker(1)
    cluster.start_mlflow()
    cluster.wait_for_mlflow()
    back_at = len(steps())
    output, errors = sweep.communicate(timeout=200)
    document = json.loads(output)
    # What was still on its way when the sweep ended, the next command brings.
    run(cluster, tmp_path, cluster.folder / "home")

    children, points = recorded(parent)
    after = {"done": len(steps()), "runs": len(children), "points": len(points)}
    print(f"\nbefore the faults {before}, {back_at} steps done when MLflow was back, at the end {after}")
    assert ("finished", parent) == (document["status"], document["mlflow_run_id"]), errors.decode()
    assert {"finished": TRIALS} == Counter(found["status"] for found in document["runs"])
    assert {"finished": TRIALS} == Counter(child.status for child in children)
    every = {(child.name, step): 1 for child in children for step in range(1, STEPS + 1)}
    assert every == Counter(points), "each step of each trial is there, and once"
    assert back_at >= before["done"] + STEPS
    names = objects(cluster, f"mlflow/{experiment_id('curves')}/")
    assert any(name.endswith(f"{parent}/artifacts/report.html") for name in names)
    assert all(any(child.id in name and name.endswith("stages.json") for name in names) for child in children)
    assert [] == list((tmp_path / ".pipeline" / "tracking").glob("*/records.jsonl"))


def test_ray_refuses_who_does_not_know_the_token(strangers: list[subprocess.Popen[str]]) -> None:
    for stranger in strangers:
        output, errors = stranger.communicate(timeout=90)

        assert 0 != stranger.returncode
        assert "joined" not in output
        assert "Authentication token is missing or incorrect" in errors
