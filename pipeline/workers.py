"""Runs on several processes of this machine: a worker executes one run at a time and sends what happens to the driver.

A worker that dies takes only its own run with it, and is replaced. Ctrl-C is the driver's to answer; workers ignore it.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from pipeline.machine import limit_threads
from pipeline.plan import Plan
from pipeline.plugins import Plugins
from pipeline.records import Run, RunOutcome
from pipeline.runner import Runner
from pipeline.source import Source
from pipeline.step import RunPlan
from pipeline.store import Store


@dataclass(frozen=True)
class _Setup:
    """What a worker must know before its first run."""

    store: str
    local_files: tuple[Path, ...]
    threads: int
    fresh: bool
    verify: bool
    started: float
    secrets: Source


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    run: Run


def run_in_processes(
    runs: list[tuple[Run, RunPlan]],
    plan: Plan,
    store: Store,
    count: int,
    threads: int,
    *,
    fresh: bool = False,
    verify: bool = False,
) -> Iterator[tuple[Run, RunOutcome]]:
    """Execute ``runs`` on ``count`` worker processes; yields each run with its outcome as it ends."""
    import time

    secrets = Source({}, variables=plan.source.variables)
    setup = _Setup(store.location, plan.plugins.local_files, threads, fresh, verify, time.time(), secrets)
    context = multiprocessing.get_context("spawn")
    waiting = list(reversed(runs))
    busy: list[_Worker] = []

    def start() -> None:
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, setup), daemon=True)
        process.start()
        theirs.close()
        assign(process, ours)

    def assign(process: BaseProcess, connection: Connection) -> None:
        run, run_plan = waiting.pop()
        busy.append(_Worker(process, connection, run))
        connection.send((run, run_plan))

    def dead(worker: _Worker) -> RunOutcome:
        worker.process.join()
        code = worker.process.exitcode or 0
        cause = f"by signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"with exit status {code}"
        outcome = RunOutcome("failed", error=f"its worker process ended {cause}; was the memory used up?")
        plan.plugins.notify("pipeline_run_finished", run=worker.run, outcome=outcome)
        return outcome

    try:
        for _ in range(count):
            start()
        while busy:
            for ready in wait([worker.connection for worker in busy]):
                worker = next(worker for worker in busy if worker.connection is ready)
                try:
                    hook, arguments = worker.connection.recv()
                except (EOFError, ConnectionResetError):
                    busy.remove(worker)
                    yield worker.run, dead(worker)
                    if waiting:
                        start()
                    continue
                if hook is not None:
                    plan.plugins.notify(hook, run=worker.run, **arguments)
                    continue
                busy.remove(worker)
                yield worker.run, arguments
                if waiting:
                    assign(worker.process, worker.connection)
                else:
                    worker.connection.close()
    finally:
        for worker in busy:
            worker.process.kill()
            stopped = RunOutcome("interrupted")
            plan.plugins.notify("pipeline_run_finished", run=worker.run, outcome=stopped)


def _work(connection: Connection, setup: _Setup) -> None:
    """A worker's whole life: execute what comes until the driver hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_threads(setup.threads)
    plugins = Plugins.load()
    for path in setup.local_files:
        plugins.add_local(path)

    def emit(hook: str, /, **arguments: Any) -> None:
        # The driver knows the run; its documents need not travel with every metric.
        del arguments["run"]
        connection.send((hook, arguments))

    store = Store.open(setup.store, codecs=plugins.codecs(), packages=plugins.packages)
    runner = Runner(store, emit, setup.fresh, setup.verify, redact=setup.secrets.redact, started=setup.started)
    while True:
        try:
            run, run_plan = connection.recv()
        except EOFError:
            return
        connection.send((None, runner.run(run, run_plan)))
