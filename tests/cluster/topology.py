"""The services of docker/compose.yaml without containers: on the loopback address, started by the same entry scripts.

PostgreSQL runs as a user of its own where the tests run as root; moto's server stands in for the object store. The
settings are those of docker/.env.example with drawn secrets, and ports that are free here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).parents[2]
ENTRY = ROOT / "docker" / "entry"
HOST = "127.0.0.1"
# Ray takes 127.0.0.1 for the machine's own address; the other loopback addresses it leaves alone. One for each node.
HEAD, RUNNER, FIRST_WORKER = "127.0.0.2", "127.0.0.3", 4
PORTS = ("MLFLOW_PORT", "POSTGRES_PORT", "S3_PORT", "RAY_PORT")
NOT_FOR_CLIENTS = ("POSTGRES_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY")
MLFLOW_ACCOUNT = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


def settings() -> dict[str, str]:
    """A new .env, made as its user makes it, on ports that are free here."""
    text = subprocess.run(
        ["sh", ROOT / "docker" / "new-env.sh"], check=True, capture_output=True, text=True, timeout=20
    ).stdout
    lines = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    found = {name: value for name, _, value in lines}
    return found | dict(zip(PORTS, map(str, _free_ports(len(PORTS))), strict=True))


@dataclass
class Topology:
    """All services, each a process group of its own, so that one of them can be killed and no other."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="cluster")))  # sockets have short paths
    settings: dict[str, str] = field(default_factory=settings)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.chmod(0o755)
        (self.folder / "home").mkdir()

    @property
    def mlflow(self) -> str:
        """MLflow's address."""
        return f"http://{HOST}:{self.settings['MLFLOW_PORT']}"

    @property
    def ray(self) -> str:
        """The Ray head's address."""
        return f"{HEAD}:{self.settings['RAY_PORT']}"

    def environment(self, *without: str) -> dict[str, str]:
        """What compose gives a container, as far as it is not ``without``."""
        own = {
            "AWS_ENDPOINT_URL": f"http://{HOST}:{self.settings['S3_PORT']}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "POSTGRES_HOST": HOST,
            "RAY_HOST": HEAD,
            "MLFLOW_HOST": HOST,
            "MLFLOW_TRACKING_URI": self.mlflow,
            "PIPELINE_STORE": f"s3://{self.settings['BUCKET']}/store",
            # A home of its own: no configuration and no token of whoever runs the tests.
            "HOME": str(self.folder / "home"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        both = self.settings | own
        return {name: value for name, value in both.items() if name not in without}

    def start(self, workers: int = 2) -> None:
        """Everything; the services that depend on nothing start side by side."""
        self.start_postgres()
        self.start_object_store()
        self.start_head()
        self.wait_for("postgres", self._database_answers)
        self.wait_for("object-store", lambda: _answers(self.environment()["AWS_ENDPOINT_URL"]))
        self.start_mlflow()
        self.wait_for("head", lambda: _listens(HEAD, int(self.settings["RAY_PORT"])))
        for number in range(workers):
            self.start_worker(number)
        for number in range(workers):
            self.wait_for_worker(number)
        self.wait_for_mlflow()

    def start_postgres(self) -> None:
        """A database cluster in a folder of its own."""
        binaries = postgres_binaries()
        folder = self.folder / "postgres"
        folder.mkdir()
        # PostgreSQL does not run as root.
        user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if user:
            shutil.chown(folder, "postgres", "postgres")
        password = folder / "password"
        password.write_text(self.settings["POSTGRES_PASSWORD"])
        name, data = self.settings["POSTGRES_USER"], folder / "data"
        made = subprocess.run(
            [binaries / "initdb", "--username", name, f"--pwfile={password}", "--auth=scram-sha-256", "--no-sync",
             "--encoding=UTF8", "--locale=C.UTF-8", data],
            capture_output=True, text=True, cwd=folder, timeout=60, **user,
        )  # fmt: skip
        assert 0 == made.returncode, made.stderr
        port = self.settings["POSTGRES_PORT"]
        self.run("postgres", [binaries / "postgres", "-D", data, "-h", HOST, "-p", port, "-k", folder], {}, **user)

    def start_object_store(self) -> None:
        """An S3 server that keeps everything in memory."""
        port = self.settings["S3_PORT"]
        self.run("object-store", [Path(sys.executable).with_name("moto_server"), "-H", HOST, "-p", port], {})

    def start_mlflow(self) -> None:
        """The MLflow server."""
        self.run("mlflow", ["sh", ENTRY / "mlflow.sh"], self.environment())

    def start_head(self) -> None:
        """The first node, where drivers on this machine join too."""
        self.run("head", ["sh", ENTRY / "ray-node.sh", "head"], self.worker_environment() | self._node("head", HEAD))

    def start_worker(self, number: int) -> None:
        """A node with one processor, at an address of its own."""
        name = f"worker{number}"
        own = self._node(name, f"127.0.0.{number + FIRST_WORKER}") | {"RAY_NUM_CPUS": "1"}
        self.run(name, ["sh", ENTRY / "ray-node.sh", "worker"], self.worker_environment() | own)

    def _node(self, name: str, address: str) -> dict[str, str]:
        """Nodes that begin at the same time in the same folder would take each other's sockets."""
        return {"RAY_NODE_IP": address, "RAY_FOLDER": str(self.folder / name)}

    def worker_environment(self) -> dict[str, str]:
        """Nodes know no password of MLflow or of its database: only drivers talk to MLflow."""
        return self.environment(*NOT_FOR_CLIENTS, *MLFLOW_ACCOUNT)

    def run(self, name: str, command: list[str | Path], environment: dict[str, str], **options: Any) -> None:
        """Start a service; what it prints goes to its log."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, env=os.environ | environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, **options,
            )  # fmt: skip

    def pipeline(
        self, folder: Path, *words: str, environment: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.Popen[bytes]:
        """``pipeline WORDS`` in a working folder, as the runner of compose.yaml executes it."""
        given = self.environment(*NOT_FOR_CLIENTS) | self._node("runner", RUNNER) | environment
        self.running["runner"] = runner = subprocess.Popen(
            ["sh", ENTRY / "ray-node.sh", "runner", sys.executable, "-m", "pipeline", *words],
            cwd=folder, env=os.environ | given, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        return runner

    def kill(self, name: str) -> None:
        """End a service without a word of warning, with all that it started."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        """End everything."""
        for name in list(self.running):
            self.kill(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_for_mlflow(self) -> None:
        """Until MLflow answers."""
        self.wait_for("mlflow", lambda: _answers(f"{self.mlflow}/health"))

    def wait_for_worker(self, number: int) -> None:
        """Until the node has joined."""
        self.wait_for(f"worker{number}", lambda: "Ray runtime started" in self.log(f"worker{number}"))

    def wait_for(self, name: str, condition: Callable[[], bool], seconds: float = 120) -> None:
        """Until the service is ready; its log where that does not come."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.running[name].poll() is None, f"{name} has ended:\n{self.log(name)}"
            assert time.monotonic() < deadline, f"{name} is not ready:\n{self.log(name)}"
            time.sleep(0.2)

    def log(self, name: str) -> str:
        """The end of what a service has printed."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]

    def _database_answers(self) -> bool:
        command = [postgres_binaries() / "createdb", "-h", HOST, "-p", self.settings["POSTGRES_PORT"], "-U",
                   self.settings["POSTGRES_USER"], "-w", self.settings["POSTGRES_DB"]]  # fmt: skip
        password = {"PGPASSWORD": self.settings["POSTGRES_PASSWORD"]}
        done = subprocess.run(command, env=os.environ | password, capture_output=True, text=True, timeout=30)
        return done.returncode == 0 or "already exists" in done.stderr


def postgres_binaries() -> Path:
    """Where Debian and its like keep PostgreSQL's programs, else where the search path leads."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    elsewhere = shutil.which("initdb")
    assert found or elsewhere, "PostgreSQL is not installed; `make test-cluster` says how to get it"
    return found[-1].parent if found else Path(str(elsewhere)).parent


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def _free_ports(count: int) -> list[int]:
    """All asked for before any is given back: no two are alike."""
    listeners = [socket.socket() for _ in range(count)]
    for listener in listeners:
        listener.bind((HOST, 0))
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
