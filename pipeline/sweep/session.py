"""One sweep from beginning to end: the parent's run, the shared stages, the trials, the journal and the outcome."""

from __future__ import annotations

import contextlib
import math
import pickle
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from pipeline.errors import StageError
from pipeline.machine import limit_threads
from pipeline.records import File, Metrics, Run, RunOutcome, StageOutcome, Status
from pipeline.store import Store, Unusable
from pipeline.sweep.agenda import Agenda
from pipeline.sweep.execution import Event
from pipeline.sweep.journal import Journal
from pipeline.sweep.objective import pareto_front
from pipeline.sweep.records import Assignment, State, TrialRecord
from pipeline.sweep.request import Request
from pipeline.sweep.runs import child_run, parent_run

RESUMED = "pipeline.resumed"

Notify = Callable[..., None]


@dataclass(frozen=True)
class TrialOutcome:
    """One run of a configuration under one seed: what it was, how it ended."""

    run: Run
    outcome: RunOutcome
    record: TrialRecord


@dataclass
class _Live:
    """A trial on its way, as the driver sees it."""

    assignment: Assignment
    run: Run
    began: float
    configuration: dict[str, Any]
    metrics: dict[str, float] = field(default_factory=dict)
    curve: dict[int, float] = field(default_factory=dict)
    changes: dict[int, dict[str, Any]] = field(default_factory=dict)
    stages: dict[str, StageOutcome] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    told_until: dict[str, int] = field(default_factory=dict)
    started_stages: set[str] = field(default_factory=set)
    worker: str = ""
    key: str = ""


@dataclass
class Session:
    """The driver of a sweep: what Ray Tune asks and tells is answered and passed on here.

    notify: called with a lifecycle hook and its arguments. command: the words that started it.
    """

    request: Request
    store: Store
    journal: Journal
    notify: Notify
    command: Sequence[str] = ()
    deadline: float | None = None
    known: Sequence[TrialRecord] = ()
    parent: Run = field(init=False)
    agenda: Agenda = field(init=False)
    trials: list[TrialOutcome] = field(default_factory=list)
    live: dict[str, _Live] = field(default_factory=dict)
    status: Status = "finished"
    stopping: bool = False
    halted: bool = False
    error: str | None = None
    files: tuple[File, ...] = ()

    def __post_init__(self) -> None:
        self.agenda = Agenda(self.request, known=self.known)
        parent = parent_run(self.request, self.journal.parent or uuid.uuid4().hex, self.command)
        self.parent = _taken_up(parent) if self.journal.parent else parent
        self._again = {assignment.name: run for assignment, run in self.journal.unfinished}

    def run(self, *, address: str | None = None, fresh: bool = False) -> None:
        """Everything, however it ends: afterwards no run is left open."""
        from pipeline.sweep.cluster import cluster

        if self.journal.parent is None:
            self.journal.begin_sweep(self.parent.id)
        self._resume()
        try:
            with self._interruptible(), cluster(address, _custom(self.request)) as far:
                self.notify("pipeline_run_started", run=self.parent)
                self._drive(fresh, far)
        except KeyboardInterrupt:
            self.status = "interrupted"
        except StageError as error:
            self.status, self.error = "failed", f"stage {error.stage!r}, which all trials share: {error.message}"
        finally:
            for live in list(self.live.values()):
                self._finish(live, "interrupted", RunOutcome("interrupted", live.metrics, _stages(live)))
        if self.halted:
            self.status = "failed"
        elif self.stopping:
            self.status = "interrupted"
        elif self.status == "finished" and any(trial.record.state == "failed" for trial in self.trials):
            self.status = "failed" if not self.best else "finished"
        if self.status == "finished" and not self._late():
            with self._halting():
                self.journal.close()
        self._close_parent()

    def _close_parent(self) -> None:
        """The report, the best values, and the parent's end; a report that fails takes nothing else with it."""
        from pipeline.sweep.conclusion import conclude

        best = self.best
        if best is not None:
            values = self.values[best.record.number]
            for objective, value in zip(self.request.objectives, values, strict=True):
                record = Metrics({objective.name: value}, None, time.time())
                self.notify("pipeline_record", run=self.parent, stage=objective.stage, record=record)
        outcome = conclude(self, best)
        self.files = outcome.files
        self.notify("pipeline_run_finished", run=self.parent, outcome=outcome)

    def _resume(self) -> None:
        ended = list(self.journal.ended.values())
        self.agenda.resume(ended, [assignment for assignment, _ in self.journal.unfinished])
        self.trials += [self._known(record) for record in ended]

    def _known(self, record: TrialRecord) -> TrialOutcome:
        """A trial of before an interruption."""
        assignment = Assignment(record.number, record.configuration, record.seed)
        metrics = dict(zip((o.metric for o in self.request.objectives), record.values or (), strict=False))
        status: Status = "failed" if record.state == "failed" else "finished"
        run = child_run(self.request, assignment, record.run, self.parent.id, self.command)
        return TrialOutcome(run, RunOutcome(status, metrics, error=record.error), record)

    def _drive(self, fresh: bool, far: bool) -> None:
        from pipeline.sweep.cluster import require_shared
        from pipeline.sweep.relay import reachable
        from pipeline.sweep.sharing import compute_shared, put
        from pipeline.sweep.trial import Setup
        from pipeline.sweep.tuner import drive
        from pipeline.sweep.workplace import Workplace

        request, plan, spec = self.request, self.request.plan, self.request.spec
        since = time.time() if fresh else None
        threads = max(1, int(spec.resources.cpu))
        limit_threads(threads)
        scheduler = request.start_scheduler()
        if far and scheduler.pauses and "://" not in self.store.location:
            purpose = f"the scheduler {request.scheduler_name!r} hands checkpoints from one machine to another"
            require_shared(Path(self.store.location).resolve(), purpose)
        results = compute_shared(request, self.store, self.parent, self._emit, fresh)
        with reachable(self.store, far) as place, self._tune_folder() as folder:
            setup = Setup(
                Workplace.of(plan, place, threads),
                plan.experiment,
                pickle.dumps(plan.runs),
                request.objective,
                request.watched,
                put(results),
                exclusive=not scheduler.pauses,
                cached=not scheduler.changes_trials,
                fresh_since=since,
            )
            drive(
                self, setup, scheduler.build(), spec.resources, concurrency=spec.concurrency,
                max_failures=spec.max_failures, folder=folder, name="trials", patient=not scheduler.pauses,
            )  # fmt: skip

    @contextlib.contextmanager
    def _tune_folder(self) -> Iterator[str]:
        """Where Tune keeps the checkpoints of paused trials: below the store, which all workers see."""
        location = self.store.location
        if "://" in location:
            yield f"{location}/tune/{self.parent.id}"
            return
        base = Path(location) / "tune"
        base.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(dir=base)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        """First Ctrl-C: ask the trials to stop. Second: end at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(signum: int, frame: FrameType | None) -> None:
            if self.stopping or not self.live:
                self.stopping = True
                raise KeyboardInterrupt
            self.stopping = True

        before = signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _emit(self, hook: str, /, **arguments: Any) -> None:
        self.notify(hook, **arguments)

    def _late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    def enough(self) -> bool:
        """Whether everything is to stop now."""
        return self.stopping or self.halted

    @contextlib.contextmanager
    def _halting(self) -> Iterator[None]:
        """Where the disk is full or the store is gone, all ends here: other trials would only fail of it too."""
        try:
            yield
        except Unusable as error:
            self._halt(str(error))

    def _halt(self, error: str) -> None:
        self.halted, self.error = True, f"{error}. When that is mended, --resume goes on"

    def next(self) -> Assignment | None:
        """What to run now: begun in the journal and in MLflow, then handed out."""
        while not self._late():
            assignment = self.agenda.next()
            if assignment is None:
                return None
            identity = self._again.get(assignment.name) or uuid.uuid4().hex
            try:
                run = child_run(self.request, assignment, identity, self.parent.id, self.command)
            except StageError as error:
                self._impossible(assignment, identity, error)
                continue
            run = _taken_up(run) if assignment.name in self._again else run
            with self._halting():
                self.journal.begin(assignment, run.id)
            if self.halted:
                return None
            self.live[assignment.name] = _Live(assignment, run, time.time(), dict(assignment.configuration))
            self.notify("pipeline_run_started", run=run)
            return assignment
        return None

    def _impossible(self, assignment: Assignment, identity: str, error: StageError) -> None:
        """A configuration that a stage refuses: failed without having run."""
        run = Run(identity, self.request.plan.experiment, f"trial {assignment.number}", self.parent.id,
                  seed=assignment.seed, params=dict(assignment.configuration))  # fmt: skip
        with self._halting():
            self.journal.begin(assignment, identity)
        live = _Live(assignment, run, time.time(), dict(assignment.configuration))
        self.live[assignment.name] = live
        self.notify("pipeline_run_started", run=run)
        self._finish(live, "failed", RunOutcome("failed", error=error.message, failed_stage=error.stage))

    def heard(self, assignment: Assignment, events: list[Event], worker: str, key: str) -> None:
        """Pass on what a trial's stages told, each thing once even if the trial had to repeat it."""
        live = self.live[assignment.name]
        live.worker, live.key = worker, key or live.key
        for hook, arguments in events:
            if self._is_news(live, hook, arguments):
                self.notify(hook, run=live.run, **arguments)

    def _is_news(self, live: _Live, hook: str, arguments: Mapping[str, Any]) -> bool:
        """Whether the trial told this for the first time; a trial that goes on from a checkpoint repeats itself."""
        stage = arguments["outcome"].name if hook == "pipeline_stage_finished" else arguments["stage"]
        if stage in live.stages:
            return False
        if hook == "pipeline_stage_finished":
            live.stages[stage] = arguments["outcome"]
        elif hook == "pipeline_stage_started":
            if stage in live.started_stages:
                live.told_until[stage] = live.newest.get(stage, -1)
                return False
            live.started_stages.add(stage)
        elif hook == "pipeline_record" and isinstance(record := arguments["record"], Metrics):
            if record.step is not None and record.step <= live.told_until.get(stage, -1):
                return False
            live.metrics |= {f"{stage}/{name}": value for name, value in record.values.items()}
            objective = self.request.objective
            if record.step is not None:
                live.newest[stage] = max(record.step, live.newest.get(stage, -1))
                if stage == objective.stage and objective.name in record.values:
                    live.curve[record.step] = record.values[objective.name]
        return True

    def stepped(self, assignment: Assignment, step: int, value: float, configuration: Mapping[str, Any]) -> None:
        """Let the search learn from it, and note where the scheduler has changed the trial."""
        live = self.live[assignment.name]
        current = {name: configuration[name] for name in live.configuration if name in configuration}
        if current != live.configuration:
            live.changes[step], live.configuration = current, current
        if not live.changes:
            self.agenda.observe(assignment, step, value)

    def ended(self, assignment: Assignment, outcome: RunOutcome | None, error: str | None) -> None:
        """Close the trial's run, write it down, let the search learn."""
        live = self.live.get(assignment.name)
        if live is None:
            return
        if outcome is not None and outcome.store_failed:
            self._halt(outcome.error or "")
            self._finish(live, "interrupted", replace(outcome, status="interrupted"))
        elif outcome is not None:
            state: State = "finished" if outcome.status == "finished" else "failed"
            metrics = live.metrics | dict(outcome.metrics)
            self._finish(live, state, replace(outcome, metrics=metrics))
        elif error is not None:
            self._finish(live, "failed", RunOutcome("failed", live.metrics, _stages(live), error))
        elif self.enough():
            self._finish(live, "interrupted", RunOutcome("interrupted", live.metrics, _stages(live)))
        else:
            step = max(live.curve, default=None)
            reason = f"stopped by {self.request.scheduler_name} at step {step}"
            tags = {"pipeline.stopped_by": self.request.scheduler_name, "pipeline.stopped_at_step": str(step)}
            stopped = RunOutcome("finished", live.metrics, _stages(live), tags=tags,
                                 description=f"{live.run.description}\n\n{reason}.")  # fmt: skip
            self._finish(live, "stopped", stopped)
            with contextlib.suppress(OSError):
                self.store.checkpoints(live.key).clear()

    def _finish(self, live: _Live, state: State, outcome: RunOutcome) -> None:
        values = [outcome.metrics.get(objective.metric, math.nan) for objective in self.request.objectives]
        usable = state in ("finished", "stopped") and not any(map(math.isnan, values))
        if state == "finished" and not usable:
            absent = [o.metric for o in self.request.objectives if math.isnan(outcome.metrics.get(o.metric, math.nan))]
            outcome = replace(outcome, status="failed", error=f"it gave no number for {absent[0]!r}")
            state = "failed"
        changed = {f"pipeline.changed.{step}": str(dict(values)) for step, values in live.changes.items()}
        own = {"pipeline.state": state, "pipeline.worker": live.worker}
        outcome = replace(outcome, tags={**outcome.tags, **changed, **own})
        record = TrialRecord(
            live.assignment.number, dict(live.assignment.configuration), live.assignment.seed, state,
            tuple(values) if usable else None, live.run.id, live.began, time.time(),
            max(live.curve, default=None), dict(live.curve), live.worker, outcome.error, dict(live.changes),
        )  # fmt: skip
        with self._halting():
            self.journal.end(record)
        self.trials.append(TrialOutcome(live.run, outcome, record))
        del self.live[live.assignment.name]
        if state != "interrupted":
            self.agenda.end(record)
        self.notify("pipeline_run_finished", run=live.run, outcome=outcome)

    @property
    def values(self) -> dict[int, tuple[float, ...]]:
        """Mean values of each configuration all of whose seeds have ended well, by trial number."""
        seeds = len(self.request.seeds)
        together: dict[int, list[TrialRecord]] = {}
        for trial in self.trials:
            together.setdefault(trial.record.number, []).append(trial.record)
        return {
            number: tuple(math.fsum(column) / seeds for column in zip(*(r.values or () for r in records), strict=True))
            for number, records in together.items()
            if len(records) == seeds and all(record.values is not None for record in records)
        }

    @property
    def best(self) -> TrialOutcome | None:
        """The first seed's run of the best configuration in the first objective."""
        values, objective = self.values, self.request.objective
        finite = {number: vector[0] for number, vector in values.items() if math.isfinite(vector[0])}
        if not finite:
            return None
        number = min(finite, key=lambda n: (objective.sign * finite[n], n))
        return next(trial for trial in self.trials if trial.record.number == number)

    @property
    def pareto(self) -> list[TrialOutcome]:
        """The configurations that no other beats in every objective, where there are several."""
        if len(self.request.objectives) < 2:
            return []
        front = set(pareto_front(self.values, self.request.objectives))
        first = {trial.record.number: trial for trial in reversed(self.trials)}
        return [first[number] for number in sorted(front)]


def _stages(live: _Live) -> tuple[StageOutcome, ...]:
    return tuple(live.stages.values())


def _taken_up(run: Run) -> Run:
    """The same run, marked as one that MLflow may know from before an interruption."""
    return replace(run, tags={**run.tags, RESUMED: "true"})


def _custom(request: Request) -> dict[str, float] | None:
    """Custom resources that a Ray of our own must claim to have."""
    extra = request.spec.resources.model_extra or {}
    return {name: max(1.0, float(amount)) * (request.spec.concurrency or 1) for name, amount in extra.items()} or None
