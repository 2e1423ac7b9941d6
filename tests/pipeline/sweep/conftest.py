from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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

    def __call__(self, hook: str, **arguments: Any) -> None:
        self.calls.append((hook, arguments))

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
