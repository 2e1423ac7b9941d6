from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pipeline.api import Pipeline
from pipeline.plan import Plan
from pipeline.store import Store
from pipeline.sweep import SweepOutcome, sweep

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def ray_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One Ray for all sweeps of the session; its workers leave the user's caches alone."""
    from pipeline.sweep.cluster import cluster

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with cluster("local"):
            yield


@pytest.fixture
def plan_of() -> Callable[..., Plan]:
    """A plan of one of the files beside this, with overrides as on the command line."""

    def make(name: str, *overrides: str) -> Plan:
        return Pipeline.load(HERE / f"{name}.yaml", overrides, trust=True).plan

    return make


class Heard:
    """Keeps every hook call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.then: Callable[[str], None] = lambda hook: None

    def __call__(self, hook: str, **arguments: Any) -> None:
        self.calls.append((hook, arguments))
        self.then(hook)

    def of(self, hook: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == hook]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def run_sweep(plan_of: Callable[..., Plan], heard: Heard, tmp_path: Path) -> Callable[..., SweepOutcome]:
    """Run the sweep of a file with overrides, in a store of its own."""

    def run(name: str, *overrides: str, **options: Any) -> SweepOutcome:
        plan = plan_of(name, *overrides)
        store = Store.open(tmp_path / "store", codecs=plan.plugins.codecs(), packages=plan.plugins.packages)
        return sweep(plan, store=store, notify=heard, folder=tmp_path / ".pipeline", **options)

    return run


class Cluster:
    """Ray nodes in process groups of their own, so that only they are ended.

    variables: the environment of those who join. A node that is told an address does not look for the token by which
    its head wants to be spoken to.
    """

    variables: ClassVar = {"RAY_AUTH_MODE": "disabled"}

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self.address = f"127.0.0.1:{self.port}"
        self.nodes: list[subprocess.Popen[bytes]] = []

    def start(self, *, head: bool = False) -> subprocess.Popen[bytes]:
        ray = Path(sys.executable).with_name("ray")
        head_words = ["--head", f"--port={self.port}", "--include-dashboard=false", f"--temp-dir={self.folder}"]
        where = head_words if head else [f"--address={self.address}"]
        command = [ray, "start", *where, "--node-ip-address=127.0.0.1", "--num-cpus=1", "--block"]
        environment = os.environ | {"PYTHONPATH": str(HERE.parents[2]), "RAY_USAGE_STATS_ENABLED": "0"} | self.variables
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
    folder = Path(tempfile.mkdtemp(prefix="ray"))  # sockets have short paths only
    made = Cluster(folder)
    yield made
    for node in list(made.nodes):
        made.kill(node)
    shutil.rmtree(folder, ignore_errors=True)
