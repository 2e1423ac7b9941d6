"""Executes one run: step by step, from the store where nothing has changed, else by running the stage."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol

from pipeline.context import Context
from pipeline.errors import PipelineError, StageError
from pipeline.keys import by_input, derived_seed, history_name, key_of, manifest
from pipeline.records import Metrics, Record, Run, RunOutcome, StageOutcome
from pipeline.step import RunPlan, Step
from pipeline.store import Damaged, Entry, Store, Unusable


class Emit(Protocol):
    """Receives what happens: the name of a lifecycle hook and its arguments."""

    def __call__(self, hook: str, /, **arguments: Any) -> None:
        """Pass it on; whatever this raises ends the stage that reported it."""


class StageStopped(BaseException):
    """Raised out of ``context.log`` to end a stage early and quietly: a sweep's scheduler has seen enough."""


@dataclass
class Runner:
    """How runs are executed; one Runner serves all the runs of a session.

    store: where results are kept; without one nothing is kept, and each stage's value is handed on as it is.
    fresh: compute again whatever was stored before this Runner was made.
    verify: run each stage twice and fail at the first whose two results differ.
    shared: results by cache key that another process has computed already, such as a sweep's driver.
    """

    store: Store | None
    emit: Emit
    fresh: bool = False
    verify: bool = False
    shared: Mapping[str, Result] = field(default_factory=dict)
    redact: Callable[[str], str] = str
    started: float = field(default_factory=time.time)
    _memory: dict[str, Result] = field(default_factory=dict)

    def run(self, run: Run, plan: RunPlan) -> RunOutcome:
        """Execute every step of ``plan`` and tell how it ended; KeyboardInterrupt and StageStopped pass through."""
        progress = _Progress(self, run, plan)
        self.emit("pipeline_run_started", run=run)
        try:
            outcome = progress.execute()
        except (KeyboardInterrupt, StageStopped):
            self.emit("pipeline_run_finished", run=run, outcome=progress.outcome("interrupted"))
            raise
        self.emit("pipeline_run_finished", run=run, outcome=outcome)
        return outcome


@dataclass(frozen=True)
class Result:
    """What a finished step left: its entry in the store, or without an entry the value itself."""

    key: str
    digest: str
    records: tuple[Record, ...]
    seconds: float
    entry: Entry | None = None
    value: Any = None


@dataclass
class _Progress:
    """One run on its way."""

    runner: Runner
    run: Run
    plan: RunPlan
    results: dict[str, Result] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)
    finished: list[StageOutcome] = field(default_factory=list)

    def outcome(self, status: Any, error: StageError | None = None) -> RunOutcome:
        documents = {"traceback.txt": self.runner.redact(error.details)} if error and error.details else {}
        return RunOutcome(
            status,
            dict(self.metrics),
            tuple(self.finished),
            self.runner.redact(str(error)) if error else None,
            error.stage if error else None,
            documents,
            store_failed=error is not None and isinstance(error.__cause__, Unusable),
            sentences=dict(self.sentences),
        )

    def execute(self) -> RunOutcome:
        for step in self.plan.steps:
            try:
                self.complete(step)
            except PipelineError as error:
                # Missing data or a full disk ends this run as a failing stage does; the others go on.
                failed = error
                if not isinstance(failed, StageError):
                    failed = StageError(step.name, str(error))
                    failed.__cause__ = error
                message = self.runner.redact(failed.message)
                self.runner.emit("pipeline_stage_failed", run=self.run, stage=step.name, error=message)
                return self.outcome("failed", failed)
        return self.outcome("finished")

    def complete(self, step: Step) -> None:
        """Have the step's result, from the store or by running it, and show its records."""
        store = self.runner.store
        result, cached = self.in_memory(step) if store is None else self.stored(step, store)
        self.results[step.name] = result
        if cached:
            for record in result.records:
                self.show(step, record)
        outcome = StageOutcome(
            step.name, step.uses, cached, result.seconds, result.digest, result.key, source=not step.inputs
        )
        self.finished.append(outcome)
        self.runner.emit("pipeline_stage_finished", run=self.run, outcome=outcome)

    def in_memory(self, step: Step) -> tuple[Result, bool]:
        inputs = by_input(step, lambda name: self.results[name].key)
        key = key_of(manifest(step, inputs, self.plan.seed))
        if known := self.runner._memory.get(key):
            return known, True
        value, records, spent = self.work(step)
        result = Result(key, key, records, spent, value=value)
        self.runner._memory[key] = result
        return result, False

    def stored(self, step: Step, store: Store) -> tuple[Result, bool]:
        parts = manifest(step, by_input(step, lambda name: self.results[name].digest), self.plan.seed)
        key = key_of(parts)
        if key in self.runner.shared:
            return self.runner.shared[key], True
        if entry := self.hit(store, key):
            return self.result_of(entry), True
        with store.lock(key):
            # Another process may have computed it while this one waited for the lock.
            if entry := self.hit(store, key):
                return self.result_of(entry), True
            checkpoints = store.checkpoints(key)
            value, records, spent = self.work(step, checkpoints)
            entry = store.put(key, value, uses=step.uses, stage=step.name, seconds=spent, records=records, parts=parts)
            checkpoints.clear()
        store.remember(history_name(self.run.experiment, self.plan, step), parts)
        if self.runner.verify:
            self.verify(step, entry)
        return self.result_of(entry), False

    def hit(self, store: Store, key: str) -> Entry | None:
        entry = store.get(key)
        if entry is not None and self.runner.fresh and entry.created < self.runner.started:
            return None
        return entry

    def result_of(self, entry: Entry) -> Result:
        return Result(entry.key, entry.digest, tuple(entry.records()), entry.seconds, entry)

    def value(self, name: str) -> Any:
        """The artifact that a finished step left; a damaged one is computed again."""
        result, store = self.results[name], self.runner.store
        if result.entry is None or store is None:
            return result.value
        try:
            return store.load(result.entry)
        except Damaged as damaged:
            step = next(step for step in self.plan.steps if step.name == name)
            again, _ = self.stored(step, store)
            if again.digest != result.digest or again.entry is None:
                message = f"its stored result was damaged, and computing it again gave another one ({damaged})"
                raise StageError(name, f"stage {name!r}: {message}. Run the pipeline again.") from damaged
            return store.load(again.entry)

    def work(self, step: Step, checkpoints: Any = None) -> tuple[Any, tuple[Record, ...], float]:
        """Run the stage, again where it may be retried: its value, its records and the seconds of the last try."""
        self.runner.emit("pipeline_stage_started", run=self.run, stage=step.name)
        for attempt in range(step.retries + 1):
            records: list[Record] = []

            def record(item: Record, records: list[Record] = records) -> None:
                records.append(item)
                self.show(step, item)

            began = time.perf_counter()
            try:
                value = self.call(step, record, checkpoints)
                return value, tuple(records), time.perf_counter() - began
            except StageError:
                if attempt == step.retries:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def call(self, step: Step, record: Callable[[Record], None], checkpoints: Any = None) -> Any:
        """One try at the stage's ``run()``; whatever it raises becomes a StageError."""
        interface = type(step.stage).interface()
        seed = derived_seed(self.plan.seed, step.name) if type(step.stage).seeded else None
        arguments: dict[str, Any] = {}
        for parameter, given in step.inputs.items():
            many = interface.inputs[parameter].many
            arguments[parameter] = {n: self.value(n) for n in given} if many else self.value(str(given))
        if interface.context:
            arguments[interface.context] = Context(
                step.name, seed, record=record, report_progress=self.reporter(step), checkpoints=checkpoints
            )
        try:
            # A stage that says that it uses no seed still finds the global generators in one and the same state.
            seed_everything(seed if seed is not None else derived_seed(0, step.name), step)
            with time_limit(step.timeout) if step.timeout else nullcontext():
                return step.stage.run(**arguments)  # type: ignore[attr-defined]  # each stage has a run() of its own
        except StageError as error:
            raise StageError(step.name, error.message, error.details or traceback.format_exc()) from error
        except PipelineError as error:
            raise StageError(step.name, str(error), traceback.format_exc()) from error
        except MemoryError as error:
            raise StageError(step.name, "the machine's memory is used up", traceback.format_exc()) from error
        except TimeoutError as error:
            raise StageError(step.name, str(error) or "it timed out", traceback.format_exc()) from error
        except ModuleNotFoundError as error:
            raise StageError(
                step.name, f"needs the module {error.name!r}: pip install it", traceback.format_exc()
            ) from error
        except Exception as error:
            text = str(error).strip() or "no message"
            raise StageError(step.name, f"{type(error).__name__}: {text}", _own_frames(error)) from error

    def verify(self, step: Step, entry: Entry) -> None:
        """Run the step once more and compare: a stage whose result differs is not reproducible."""
        assert self.runner.store is not None
        second = self.runner.store.digest_of(self.call(step, lambda record: None))
        if second != entry.digest:
            message = "two executions with the same inputs, configuration and seed gave different results"
            raise StageError(step.name, f"{message}; look for unseeded randomness, clocks or the order of sets")

    def show(self, step: Step, record: Record) -> None:
        if isinstance(record, Metrics):
            self.metrics |= {f"{step.name}/{name}": value for name, value in record.values.items()}
        elif sentence := record.sentence:
            self.sentences[f"{step.name}/{record.name.removesuffix('.txt')}"] = self.runner.redact(sentence)
        self.runner.emit("pipeline_record", run=self.run, stage=step.name, record=record)

    def reporter(self, step: Step) -> Callable[[str, int, int | None], None]:
        shown = 0.0

        def report(label: str, done: int, total: int | None) -> None:
            nonlocal shown
            now = time.monotonic()
            if now - shown >= 0.1 or done == total:
                shown = now
                arguments = {"label": label, "done": done, "total": total}
                self.runner.emit("pipeline_progress", run=self.run, stage=step.name, **arguments)

        return report


def seed_everything(seed: int, step: Step) -> None:
    """Seed the global generators of random, numpy and torch, of the last two only if the stage can reach them."""
    from pipeline.code import reach

    random.seed(seed)
    # cuBLAS gives the same sums again only with a workspace of fixed size, and reads this when it is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    reached = reach(type(step.stage)).libraries
    if "numpy" in sys.modules or "numpy" in reached:
        import numpy

        numpy.random.seed(seed)  # noqa: NPY002  # libraries that use the global generator are what this is for
    if "torch" in sys.modules or "torch" in reached:
        try:
            import torch
        except ImportError:
            return
        torch.manual_seed(seed)
        # Else several threads add up the gradients of an indexed tensor in whatever order they come, also on the CPU.
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a module property


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after ``seconds``.

    In a thread other than the main one it comes as soon as the block executes Python again.
    """

    class Overdue(TimeoutError):
        def __init__(self) -> None:
            super().__init__(f"it took longer than its timeout of {seconds:g} s")

    main = threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGALRM")
    with _alarm(seconds, Overdue) if main else _alarm_in_thread(seconds, Overdue):
        yield


@contextmanager
def _alarm(seconds: float, error: type[TimeoutError]) -> Iterator[None]:
    def end(signum: int, frame: FrameType | None) -> None:
        raise error

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _alarm_in_thread(seconds: float, error: type[TimeoutError]) -> Iterator[None]:
    thread, lock, ended = threading.get_ident(), threading.Lock(), False

    def end() -> None:
        with lock:
            if not ended:
                raise_in_thread(thread, error)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            ended = True
        timer.cancel()


def raise_in_thread(thread: int, error: type[BaseException]) -> None:
    """Raise ``error`` in another thread when it next executes Python: a call of a library written in C ends first."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


def _own_frames(error: BaseException) -> str:
    """The traceback without the runner's own frames."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames or error.__traceback__))
