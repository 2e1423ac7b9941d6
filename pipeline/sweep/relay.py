"""The driver's store for workers on other machines: a folder that they do not see is read and written through Ray."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem, register_implementation

from pipeline.digests import digest_text
from pipeline.store import Store
from pipeline.store.files import LocalFiles

PROTOCOL = "driver"


@dataclass(frozen=True)
class StoreAddress:
    """Where a store is, seen from anywhere on the cluster.

    beacon: a file that is there for as long as the driver works; who sees it has the same folder.
    keeper: the name of the actor that serves the folder to those who do not; empty where all are on one machine.
    """

    location: str
    beacon: str = ""
    keeper: str = ""

    def here(self) -> str:
        """What ``Store.open`` is to be given in this process."""
        if not self.keeper or (Path(self.location) / self.beacon).is_file():
            return self.location
        register_implementation(PROTOCOL, DriverFileSystem)
        return f"{PROTOCOL}://{self.keeper}"


class Keeper:
    """Ray's actor beside the driver; its methods are those of the store's files."""

    def __init__(self, root: str) -> None:
        self.files = LocalFiles(Path(root))

    def read(self, name: str) -> bytes | None:
        """As the files' own."""
        return self.files.read(name)

    def write(self, name: str, content: bytes) -> None:
        """As the files' own."""
        self.files.write(name, [content])

    def size(self, name: str) -> int | None:
        """As the files' own."""
        return self.files.size(name)

    def remove(self, name: str) -> None:
        """As the files' own."""
        self.files.remove(name)

    def listing(self, folder: str) -> list[tuple[str, int, float]]:
        """Name, size and time of change of all files below a folder."""
        return [(file.name, file.size, file.modified) for file in self.files.listing(folder)]


class DriverFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec is not annotated
    """What the store asks of fsspec, answered by a keeper: a path is the keeper's name and a file's name."""

    protocol = PROTOCOL
    cachable = False

    def _ask(self, method: str, path: str, *arguments: Any) -> Any:
        import ray

        keeper, _, name = path.partition("/")
        return ray.get(getattr(ray.get_actor(keeper), method).remote(name, *arguments))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """The whole content."""
        content: bytes | None = self._ask("read", path)
        if content is None:
            raise FileNotFoundError(path)
        return content[start:end]

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write the whole content."""
        self._ask("write", path, bytes(value))

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Its size."""
        size = self._ask("size", path)
        if size is None:
            raise FileNotFoundError(path)
        return {"name": path, "size": size, "type": "file"}

    def rm(self, path: str, recursive: bool = False, maxdepth: int | None = None) -> None:
        """Remove a file, or a folder with all that is in it."""
        self._ask("remove", path)

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **kwargs: Any
    ) -> dict[str, dict[str, Any]]:
        """All files below a folder."""
        keeper = path.partition("/")[0]
        return {f"{keeper}/{name}": {"size": size, "mtime": time} for name, size, time in self._ask("listing", path)}

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Nothing: folders come with their files."""


@contextmanager
def reachable(store: Store, far: bool) -> Iterator[StoreAddress]:
    """The store's address for the block; ``far``: there may be workers on other machines."""
    location = store.location
    if not far or "://" in location:
        yield StoreAddress(location)
        return
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # The same for the same folder: what workers have fetched of it they find again in their caches.
    name = f"store-{digest_text(f'{socket.gethostname()}:{location}')[:16]}"
    beside = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    keeper = ray.remote(Keeper).options(name=name, num_cpus=0, scheduling_strategy=beside).remote(location)
    beacon = f"tmp/{uuid.uuid4().hex}.beacon"
    store.files.write(beacon, [b""])
    try:
        yield StoreAddress(location, beacon, name)
    finally:
        store.files.remove(beacon)
        ray.kill(keeper)
