"""One run of the pipeline in a thread of its own, handed out result by result: what a worker does between two steps.

Where a scheduler watches, the stage waits inside ``context.log`` until it is known whether it goes on: so a trial stops
at the very step that decided, and its checkpoint is of that step.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import StageError
from pipeline.records import Metrics, Run, RunOutcome
from pipeline.runner import Runner, StageStopped, raise_in_thread
from pipeline.step import RunPlan
from pipeline.sweep.objective import Objective

Event = tuple[str, dict[str, Any]]
"""A lifecycle hook and its arguments, without the run, which the driver knows."""

# Without a scheduler, what happened is sent as often as this (seconds).
HEARTBEAT = 2.0
# How long a stage that was told to stop may take to notice (seconds); then it is ended wherever it is in its Python.
NOTICE = 2.0
# How long a stage that is being ended may take (seconds).
PATIENCE = 10.0

# These stay in the worker: the driver begins and ends runs itself, and shows progress by trial.
_UNSENT = ("pipeline_run_started", "pipeline_run_finished", "pipeline_progress")


@dataclass(frozen=True)
class Report:
    """What happened since the last report; ``outcome`` is there at the end. ``step`` is None without a new value.

    stuck: a stage has not ended although its time was up: no other run may follow in this process.
    """

    events: list[Event]
    value: float | None = None
    step: int | None = None
    outcome: RunOutcome | None = None
    stuck: bool = False


@dataclass
class Execution:
    """A run that goes on whenever ``next`` is called.

    watched: wait at each step of the objective. after: steps up to this one were reported before an interruption.
    unsent: hooks that stay here.
    """

    run: Run
    plan: Callable[[], RunPlan]
    objective: Objective | None = None
    watched: bool = False
    after: int = -1
    unsent: Collection[str] = _UNSENT
    _events: list[Event] = field(default_factory=list)
    _reports: queue.Queue[Report] = field(default_factory=queue.Queue)
    _go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: bool = False
    _thread: threading.Thread | None = None
    _waiting: bool = False
    _limits: dict[str, float] = field(default_factory=dict)
    _overdue: tuple[str, float] | None = None

    def start(self, runner: Callable[[Execution], Runner]) -> None:
        """Begin; ``runner`` makes a Runner that emits to this execution."""

        def work() -> None:
            try:
                outcome = _outcome(runner(self), self.run, self._planned)
            except StageStopped:
                return
            self._reports.put(Report(self._take(), outcome=outcome))

        self._thread = threading.Thread(target=work, daemon=True, name="trial")
        self._thread.start()

    @property
    def started(self) -> bool:
        """Whether it was begun."""
        return self._thread is not None

    def next(self) -> Report:
        """Go on until there is something to report."""
        if self._waiting:
            self._waiting = False
            self._go.release()
        while True:
            try:
                report = self._reports.get(timeout=HEARTBEAT)
            except queue.Empty:
                if self._overdue is not None and time.monotonic() > self._overdue[1]:
                    return self._give_up(self._overdue[0])
                if not self.watched and (events := self._take()):
                    return Report(events)
                continue
            self._waiting = report.outcome is None
            return report

    def stop(self) -> bool:
        """End the stage at its next sign of life, or wherever it is in its Python; whether it has ended."""
        self._stopping = True
        self._go.release()
        if self._thread is None:
            return True
        self._thread.join(NOTICE)
        if self._thread.is_alive():
            raise_in_thread(self._thread.ident or 0, StageStopped)
            self._thread.join(PATIENCE)
        return not self._thread.is_alive()

    def emit(self, hook: str, /, **arguments: Any) -> None:
        """What the runner tells: kept for the next report; waits here where a scheduler watches."""
        if self._stopping:
            raise StageStopped
        del arguments["run"]
        self._watch_clock(hook, arguments)
        if hook not in self.unsent:
            with self._lock:
                self._events.append((hook, arguments))
        objective = self.objective
        if self.watched and objective and hook == "pipeline_record" and arguments["stage"] == objective.stage:
            record = arguments["record"]
            if isinstance(record, Metrics) and record.step is not None and objective.name in record.values:
                self._pause(record.values[objective.name], record.step)

    def told(self) -> None:
        """Return once the driver has heard everything: a checkpoint must not be ahead of what is known of the stage."""
        if not self.watched and self._events:
            self._wait(Report(self._take()))

    def _planned(self) -> RunPlan:
        plan = self.plan()
        self._limits = {step.name: step.timeout * (step.retries + 1) for step in plan.steps if step.timeout}
        return plan

    def _watch_clock(self, hook: str, arguments: dict[str, Any]) -> None:
        if hook == "pipeline_stage_started" and (limit := self._limits.get(arguments["stage"])):
            self._overdue = arguments["stage"], time.monotonic() + limit + PATIENCE
        elif hook in ("pipeline_stage_finished", "pipeline_stage_failed"):
            self._overdue = None

    def _give_up(self, stage: str) -> Report:
        """The end of a run whose stage hears nothing."""
        message = "it took longer than its timeout and could not be interrupted: it was outside Python"
        error = StageError(stage, message)
        return Report(self._take(), outcome=RunOutcome("failed", error=str(error), failed_stage=stage), stuck=True)

    def _pause(self, value: float, step: int) -> None:
        if step > self.after:
            self._wait(Report(self._take(), value, step))

    def _wait(self, report: Report) -> None:
        self._reports.put(report)
        self._go.acquire()
        if self._stopping:
            raise StageStopped

    def _take(self) -> list[Event]:
        with self._lock:
            events, self._events = self._events, []
        return events


def _outcome(runner: Runner, run: Run, plan: Callable[[], RunPlan]) -> RunOutcome:
    """How the run ended; a defect of ours ends it like a failing stage does, with its traceback."""
    import traceback

    from pipeline.errors import PipelineError

    try:
        return runner.run(run, plan())
    except StageError as error:
        documents = {"traceback.txt": runner.redact(error.details)} if error.details else {}
        return RunOutcome("failed", error=runner.redact(str(error)), failed_stage=error.stage, documents=documents)
    except PipelineError as error:
        return RunOutcome("failed", error=runner.redact(str(error)))
    except Exception as error:
        text = runner.redact("".join(traceback.format_exception(error)))
        message = runner.redact(f"{type(error).__name__}: {error}")
        return RunOutcome("failed", error=message, documents={"traceback.txt": text})
