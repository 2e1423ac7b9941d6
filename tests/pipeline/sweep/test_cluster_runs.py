"""``pipeline run --address``: the runs of variants and seeds on Ray, with the results that processes give."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.api import Pipeline
from pipeline.errors import RequestError
from pipeline.plan import Plan
from pipeline.result import Result
from pipeline.store import Store
from pipeline.sweep import cluster_runs, relay
from pipeline.sweep.cluster import require_shared

pytestmark = [pytest.mark.usefixtures("ray_here"), pytest.mark.xdist_group("ray")]
PlanOf = Callable[..., Plan]


def told(result: Result) -> list[Any]:
    """What must not depend on where it ran."""
    return [
        (run.run.name, run.outcome.status, run.outcome.metrics, [(s.name, s.digest) for s in run.outcome.stages])
        for run in result.runs
    ]


def test_runs_on_a_cluster_give_the_results_of_processes(plan_of: PlanOf) -> None:
    pipeline = Pipeline(plan_of("variants", "seeds=2", "numbers.count=4"))

    there = pipeline.run(address="local", track=False, store="there")

    assert "finished" == there.status
    assert [s.cached for run in there.runs for s in run.outcome.stages if s.name == "bowl"].count(False) >= 2
    assert told(pipeline.run(parallel=2, track=False, store="here")) == told(there)
    assert {"value": 3.5} == there.runs[-1].artifact("bowl")


def test_what_happens_is_told_in_order_and_a_failing_run_stops_no_other(plan_of: PlanOf, heard: Any) -> None:
    from pipeline.hooks import hookimpl

    class Ears:
        @hookimpl
        def pipeline_record(self, run: Any, stage: str, record: Any) -> None:
            heard("record", run=run, step=getattr(record, "step", None))

    pipeline = Pipeline(plan_of("curve", "seeds=2", "curve.steps=5"))

    result = pipeline.run(address="local", parallel=1, track=False, observers=[Ears()])

    steps = [call["step"] for call in heard.of("record")]
    assert [1, 2, 3, 4, 5, None] * 2 == steps
    assert "finished" == result.status
    failing = Pipeline(plan_of("variants", "bowl[plain].fails_above=-1"))
    result = failing.run(address="local", track=False)
    assert ["failed", "finished"] == [run.outcome.status for run in result.runs]
    assert "ArithmeticError" in (result.runs[0].outcome.error or "")


def test_a_killed_workers_run_fails_and_the_others_go_on(plan_of: PlanOf, tmp_path: Path) -> None:
    plan = plan_of("curve", "seeds=3", f"curve.kill_once={tmp_path / 'killed'}", "curve.x=0.7")

    result = Pipeline(plan).run(address="local", parallel=1, track=False)

    assert ["failed", "finished", "finished"] == [run.outcome.status for run in result.runs]
    assert "worker process died" in (result.runs[0].outcome.error or "")


@pytest.fixture
def _unseen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The store's folder looks to every worker as if it were on another machine."""

    @contextmanager
    def reachable(store: Store, far: bool) -> Iterator[relay.StoreAddress]:
        with relay.reachable(store, far=True) as address:
            yield replace(address, beacon="not there")

    monkeypatch.setattr(cluster_runs, "reachable", reachable)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.usefixtures("_unseen")
def test_a_store_that_workers_do_not_see_reaches_them_through_ray(plan_of: PlanOf) -> None:
    pipeline = Pipeline(plan_of("variants", "seeds=2"))

    there = pipeline.run(address="local", track=False, store="there")

    assert {"value": 3.5} == there.runs[-1].artifact("bowl")
    assert told(pipeline.run(track=False, store="here")) == told(there)
    again = pipeline.run(address="local", track=False, store="there")
    assert all(stage.cached for run in again.runs for stage in run.outcome.stages)


def test_the_relay_does_what_the_store_asks_of_its_files(tmp_path: Path) -> None:
    near = Store.open(tmp_path / "store")

    with relay.reachable(near, far=True) as address:
        far = Store.open(replace(address, beacon="not there").here())
        far.remember("name", {"a": 1})
        far.checkpoints("key").save({"level": 0.5}, 3)

        assert {"a": 1} == near.last("name") == far.last("name")
        assert ({"level": 0.5}, 3) == near.checkpoints("key").load() == far.checkpoints("key").load()
        assert [file.name for file in near.files.listing("last")] == [file.name for file in far.files.listing("last")]
        far.checkpoints("key").clear()
        assert near.checkpoints("key").load() is None
        assert far.get("absent") is None


@pytest.mark.parametrize(
    ("address", "message"),
    [("ray://127.0.0.1:10001", "run the command on the head node"), ("127.0.0.1:9", "no Ray cluster answers")],
)
def test_an_address_that_cannot_be_used_is_told_with_what_to_do(address: str, message: str) -> None:
    from pipeline.sweep.cluster import _probe

    with pytest.raises(RequestError, match=message):
        _probe(address)


def test_a_folder_that_a_node_does_not_see_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_shared(tmp_path / "store", "it passes something on")
    assert [] == list((tmp_path / "store").iterdir())

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", lambda **place: nullcontext(Namespace(name="/not/there")))
    with pytest.raises(RequestError, match=r"it passes something on, but 127\.0\.0\.1 cannot see .*/store"):
        require_shared(tmp_path / "store", "it passes something on")


def test_a_ray_of_this_machine_alone_listens_to_nobody_else() -> None:
    from ray._private.worker import _global_node

    ours = {process.pid for process in psutil.Process().children(recursive=True)}
    ours |= {info.process.pid for infos in _global_node.all_processes.values() for info in infos}
    listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.pid in ours]

    assert listening
    assert {"127.0.0.1"} == {connection.laddr.ip.removeprefix("::ffff:") for connection in listening}
