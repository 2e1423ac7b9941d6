"""Ray: begun on this machine, or joined where a cluster runs; quiet, on the loopback address, and left as it was."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import Problem, RequestError, listing
from pipeline.machine import processors

# Set before ray is imported. The sweep answers Ctrl-C, keeps its own journal and shows its own progress.
_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}

LOOPBACK = "127.0.0.1"
_TOKEN = Path.home() / ".ray" / "auth_token"  # shared by the nodes that were started on this machine
_TOKEN_NAMES = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}


@contextmanager
def cluster(address: str | None, resources: dict[str, float] | None = None) -> Iterator[bool]:
    """Ray for the block: the one at ``address`` (or ``RAY_ADDRESS``), one that already runs here, or a new one.

    Yields whether workers may be on other machines. RequestError where no Ray answers at the address. Only a Ray that
    was begun here is ended.
    """
    address = address or os.environ.get("RAY_ADDRESS")
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if address not in (None, "local", "auto") and (_TOKEN.is_file() or _TOKEN_NAMES & os.environ.keys()):
        # A token that is there is meant to be used; for an address Ray does not think of it by itself.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    import ray

    if ray.is_initialized():
        yield len(ray.nodes()) > 1
        return
    # Workers put the driver's working directory first on their path: an empty one can shadow nothing.
    with tempfile.TemporaryDirectory(prefix="pipeline-sweep-") as folder:
        _connect(ray, address, folder, resources)
        _hush()
        try:
            yield address not in (None, "local")
        finally:
            ray.shutdown()


def require_shared(folder: Path, purpose: str) -> None:
    """RequestError where a node of the cluster does not see what is in ``folder``, which is made if need be."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

    folder.mkdir(parents=True, exist_ok=True)
    nodes = [node for node in ray.nodes() if node["Alive"]]
    # A file that was not there before: another machine may have a folder of that name of its own.
    with tempfile.NamedTemporaryFile(dir=folder, prefix="seen-") as file:
        name = Path(file.name)
        look = ray.remote(num_cpus=0)(lambda: name.is_file())
        seen = ray.get([look.options(scheduling_strategy=On(node["NodeID"], soft=False)).remote() for node in nodes])
    if blind := sorted({node["NodeManagerAddress"] for node, sees in zip(nodes, seen, strict=True) if not sees}):
        raise RequestError(
            Problem(
                f"{purpose}, but {listing(blind)} cannot see {folder}",
                hint="Let PIPELINE_STORE name a folder that all machines share, or an object store (s3://...).",
            )
        )


def _connect(ray: Any, address: str | None, folder: str, resources: dict[str, float] | None) -> None:
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is None or address == "local":
        here = {"_node_ip_address": LOOPBACK, "include_dashboard": False, "num_cpus": processors()}
        with _inside(folder), _on_loopback():
            ray.init(address="local", resources=resources, **here, **quiet)
        return
    _probe(address)
    environment = {"working_dir": folder}
    try:
        # Ray would look for a node at the machine's own address; at the loopback address it is the head that is meant.
        node = (
            {"_node_ip_address": address.rpartition(":")[0].replace("localhost", LOOPBACK)}
            if _loopback(address)
            else {}
        )
        ray.init(address=address, runtime_env=environment, **node, **quiet)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RequestError(f"no Ray cluster answers at {address!r}: {first}") from error


def _probe(address: str) -> None:
    """RequestError at once where nobody listens; Ray itself would try for minutes."""
    if address.startswith("ray://"):
        host = address.removeprefix("ray://").rpartition(":")[0] or "HOST"
        raise RequestError(
            f"{address!r} is Ray's client, which would move the driver to the cluster, away from this folder's store "
            f"and MLflow. Make this machine a node of the cluster (ray start --address={host}:6379) and say "
            "--address auto, or run the command on the head node."
        )
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise RequestError(f"no Ray cluster answers at {address!r}: {error.strerror or error}") from error


def _loopback(address: str) -> bool:
    return address.startswith(("127.", "localhost"))


@contextmanager
def _on_loopback() -> Iterator[None]:
    """Ray listens to this machine alone, for whoever reaches it can run anything.

    It takes the loopback address for the machine's own, and then listens everywhere, but where it may form no cluster.
    """
    from ray._private import ray_constants

    before, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def _inside(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _hush() -> None:
    """What Ray has to say of a trial, the sweep says itself."""
    for name in ("ray", "ray.tune"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def death(error: object) -> str:
    """Why a worker is gone, in one sentence."""
    text = str(error)
    # Of every death Ray says that memory may have been the cause; these are its words where it was.
    if "OutOfMemory" in type(error).__name__ or "OUT_OF_MEMORY" in text or "low on memory" in text:
        return "its worker was ended because the machine's memory was used up"
    if "ActorDied" in type(error).__name__ or "died" in text or "unavailable" in text.lower():
        return "its worker process died; was the memory used up?"
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "its worker failed"
