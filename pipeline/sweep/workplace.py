"""What every worker on a cluster must know, whatever it runs: store, local plugins, folder and threads."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.machine import limit_threads
from pipeline.plan import Plan
from pipeline.plugins import Plugins
from pipeline.source import Source
from pipeline.store import Store
from pipeline.sweep.relay import StoreAddress


@dataclass(frozen=True)
class LocalPlugin:
    """A local plugin file of the driver, with its neighbours, for workers on other machines."""

    path: str
    neighbours: Mapping[str, bytes]

    @classmethod
    def read(cls, path: Path) -> LocalPlugin:
        """The file and the Python files beside it."""
        return cls(str(path), {near.name: near.read_bytes() for near in path.parent.glob("*.py")})

    def place(self) -> Path:
        """Where this machine has it: the same path if its content is the same, else a copy."""
        path = Path(self.path)
        if path.is_file() and path.read_bytes() == self.neighbours[path.name]:
            return path
        folder = Path(tempfile.mkdtemp(prefix="pipeline-plugins-"))
        for name, content in self.neighbours.items():
            (folder / name).write_bytes(content)
        return folder / path.name


@dataclass(frozen=True)
class Workplace:
    """The driver's surroundings, to be set up again where a worker is."""

    store: StoreAddress
    local_files: tuple[LocalPlugin, ...]
    folder: str
    threads: int
    secrets: Source

    @classmethod
    def of(cls, plan: Plan, store: StoreAddress, threads: int) -> Workplace:
        """What the runs of ``plan`` need."""
        source = plan.source
        secrets = Source({}, secrets=source.secrets, variables=source.variables)
        return cls(store, tuple(map(LocalPlugin.read, plan.plugins.local_files)), str(Path.cwd()), threads, secrets)

    def enter(self) -> tuple[Plugins, Store]:
        """Threads, folder, plugins, store: in a worker, once."""
        limit_threads(self.threads)
        # The stages' relative paths mean the driver's folder; nothing in it may be taken for a module.
        sys.path[:] = [place for place in sys.path if place not in ("", ".")]
        if Path(self.folder).is_dir():
            os.chdir(self.folder)
        plugins = Plugins.load()
        for local in self.local_files:
            plugins.add_local(local.place(), may_trust=lambda path: True)
        return plugins, Store.open(self.store.here(), codecs=plugins.codecs(), packages=plugins.packages)
