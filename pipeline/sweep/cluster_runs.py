"""The runs of one ``pipeline run`` on a Ray cluster: each worker executes one after another and sends what happens."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pipeline.errors import RequestError
from pipeline.plan import Plan
from pipeline.records import Run, RunOutcome
from pipeline.runner import Runner
from pipeline.session import Elsewhere
from pipeline.step import RunPlan
from pipeline.store import Store
from pipeline.sweep.cluster import cluster, death
from pipeline.sweep.execution import Execution, Report
from pipeline.sweep.relay import reachable
from pipeline.sweep.workplace import Workplace

# How often it is looked whether nodes have joined (seconds).
FRESH = 3.0
# These the driver tells itself.
_UNSENT = ("pipeline_run_started", "pipeline_run_finished")


class RunWorker:
    """A Ray actor."""

    def __init__(self, workplace: Workplace, fresh: bool, verify: bool, started: float) -> None:
        _, self._store = workplace.enter()
        self._fresh, self._verify, self._started = fresh, verify, started
        self._redact = workplace.secrets.redact

    def begin(self, run: Run, plan: bytes) -> Report:
        """Begin a run; its plan is pickled, for its classes are known only once the local plugins are loaded."""
        self._execution = Execution(run, lambda: pickle.loads(plan), unsent=_UNSENT)  # noqa: S301  # our own driver sent it
        self._execution.start(self._runner)
        return self._execution.next()

    def next(self) -> Report:
        """What has happened since."""
        return self._execution.next()

    def _runner(self, execution: Execution) -> Runner:
        return Runner(
            self._store, execution.emit, self._fresh, self._verify, redact=self._redact, started=self._started
        )


@dataclass
class _Busy:
    worker: Any
    run: Run


@contextmanager
def runs_on_cluster(plan: Plan, store: Store | None, address: str, parallel: int | None) -> Iterator[Elsewhere]:
    """For the block, what executes runs at ``address``, ``parallel`` at a time or as many as fit.

    A run occupies its threads' processors, and the accelerators and other
    resources that the file's sweep names.
    """
    if store is None:
        raise RequestError("runs on a cluster need a store to keep their results in")
    with cluster(address) as far, reachable(store, far) as place:

        def execute(
            runs: list[tuple[Run, RunPlan]], threads: int, fresh: bool, verify: bool
        ) -> Iterator[tuple[Run, RunOutcome]]:
            fleet = _Fleet(plan, Workplace.of(plan, place, threads), _share(plan, threads), fresh, verify)
            try:
                yield from fleet.execute(runs, parallel or len(runs))
            finally:
                fleet.end()

        yield execute


class _Fleet:
    """The workers, and which run each has on hand."""

    def __init__(self, plan: Plan, workplace: Workplace, share: dict[str, float], fresh: bool, verify: bool) -> None:
        import ray

        self._ray, self._plan, self._share = ray, plan, share
        special = {name: amount for name, amount in share.items() if name not in ("CPU", "GPU")}
        self._kind = ray.remote(RunWorker).options(
            num_cpus=share["CPU"], num_gpus=share.get("GPU", 0), resources=special
        )
        self._arguments = (workplace, fresh, verify, time.time())
        self._busy: dict[Any, _Busy] = {}
        self._idle: list[Any] = []

    def execute(self, runs: list[tuple[Run, RunPlan]], parallel: int) -> Iterator[tuple[Run, RunOutcome]]:
        waiting = list(reversed(runs))
        while waiting or self._busy:
            while waiting and len(self._busy) < min(parallel, self._room()):
                self._begin(*waiting.pop())
            ready, _ = self._ray.wait(list(self._busy), timeout=FRESH)
            for reference in ready:
                busy = self._busy.pop(reference)
                if (outcome := self._hear(reference, busy)) is not None:
                    self._tell("pipeline_run_finished", run=busy.run, outcome=outcome)
                    yield busy.run, outcome

    def end(self) -> None:
        """No worker outlives the runs; what is still on hand was interrupted."""
        for busy in self._busy.values():
            self._ray.kill(busy.worker)
            self._tell("pipeline_run_finished", run=busy.run, outcome=RunOutcome("interrupted"))
        for worker in self._idle:
            self._ray.kill(worker)

    def _begin(self, run: Run, run_plan: RunPlan) -> None:
        worker = self._idle.pop() if self._idle else self._kind.remote(*self._arguments)
        self._busy[worker.begin.remote(run, pickle.dumps(run_plan))] = _Busy(worker, run)
        self._tell("pipeline_run_started", run=run)

    def _hear(self, reference: Any, busy: _Busy) -> RunOutcome | None:
        try:
            report: Report = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self._ray.kill(busy.worker)
            return RunOutcome("failed", error=death(error))
        for hook, arguments in report.events:
            self._tell(hook, run=busy.run, **arguments)
        if report.outcome is None:
            self._busy[busy.worker.next.remote()] = busy
        elif report.stuck:
            self._ray.kill(busy.worker)
        else:
            self._idle.append(busy.worker)
        return report.outcome

    def _room(self) -> int:
        """How many runs fit on the cluster, one at least: another's work may end."""
        have = self._ray.cluster_resources()
        return max(1, int(min(have.get(name, 0) / amount for name, amount in self._share.items() if amount) + 1e-9))

    def _tell(self, hook: str, **arguments: Any) -> None:
        self._plan.plugins.notify(hook, **arguments)


def _share(plan: Plan, threads: int) -> dict[str, float]:
    """What one run occupies, in Ray's words."""
    import ray

    largest = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=1)
    share: dict[str, float] = {"CPU": min(threads, max(largest, 1))}
    if plan.spec.sweep is not None:
        named = plan.spec.sweep.resources
        share |= {"GPU": named.gpu, **{name: float(amount) for name, amount in (named.model_extra or {}).items()}}
    return share
