"""Tracking: what the hooks call. It never waits, and whatever goes wrong is a warning."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from pipeline.hooks import hookimpl
from pipeline.records import Record, Run, RunOutcome, StageOutcome
from pipeline.tracking.location import Location
from pipeline.tracking.scribe import Scribe

if TYPE_CHECKING:
    from pipeline.tracking.courier import Courier

FLUSH_SECONDS = 0.1
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Report:
    """What became of a session's records.

    run_ids: MLflow's run id by our own. experiment_ids: MLflow's experiment id by name.
    warnings: plain sentences for the user. complete: whether MLflow has everything.
    """

    run_ids: Mapping[str, str] = field(default_factory=dict)
    experiment_ids: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    complete: bool = False


class Tracking:
    """Records runs in MLflow: register it with the plugin manager, call ``finish`` at the end.

    folder: the working folder: ``mlflow.db`` and ``mlartifacts/`` are made there, and ``.pipeline/tracking/``.
    uri: MLflow's address, else ``MLFLOW_TRACKING_URI``, else the database in the folder.
    warn: receives each warning as soon as it is known, on another thread; ``finish`` tells them all again.
    """

    def __init__(
        self, folder: Path, uri: str | None = None, *, warn: Callable[[str], None] = lambda warning: None
    ) -> None:
        self._folder = folder
        self._location = Location.of(folder, uri)
        self._warn = warn
        self._warnings: list[str] = []
        self._courier: Courier | None = None
        self._queue: SimpleQueue[tuple[Any, ...] | None] = SimpleQueue()
        self._closing = threading.Event()
        self._report: Report | None = None
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    @property
    def uri(self) -> str:
        """MLflow's address as it may be shown."""
        return self._location.shown

    def mlflow_run_id(self, run_id: str) -> str | None:
        """MLflow's id of a run, or None as long as MLflow has not given one."""
        return self._courier.run_ids.get(run_id) if self._courier else None

    @hookimpl
    def pipeline_run_started(self, run: Run) -> None:
        """Open a run in MLflow."""
        self._queue.put((Scribe.started, run, time.time()))

    @hookimpl
    def pipeline_run_finished(self, run: Run, outcome: RunOutcome) -> None:
        """Close it."""
        self._queue.put((Scribe.finished, run, outcome, time.time()))

    @hookimpl
    def pipeline_stage_finished(self, run: Run, outcome: StageOutcome) -> None:
        """Keep how a stage ended."""
        self._queue.put((Scribe.stage_finished, run, outcome))

    @hookimpl
    def pipeline_record(self, run: Run, stage: str, record: Record) -> None:
        """Keep metrics, a figure, a table or a text."""
        self._queue.put((Scribe.record, run, stage, record))

    def finish(self, timeout: float | None = None) -> Report:
        """Wait until everything is sent, ``timeout`` seconds at most (60), and tell what became of it.

        What is not sent by then goes on being sent in the background, or by the next session.
        """
        if self._report is None:
            self._closing.set()
            self._queue.put(None)
            self._thread.join(PATIENCE_SECONDS if timeout is None else timeout)
            self._report = self._conclude()
        return self._report

    def _conclude(self) -> Report:
        courier = self._courier
        if courier is None:
            return Report(warnings=tuple(self._warnings))
        if not courier.finished.is_set():
            self._add(courier.so_far)
        warnings = (*self._warnings, *courier.warnings)
        return Report(dict(courier.run_ids), dict(courier.experiment_ids), warnings, courier.complete)

    def _add(self, warning: str) -> None:
        self._warnings.append(warning)
        self._warn(warning)

    def _work(self) -> None:
        """The thread's life: take what the hooks left, write it down ten times a second."""
        import getpass
        import sys

        from pipeline.tracking import spool
        from pipeline.tracking.courier import Courier

        try:
            session = {
                "uri": self._location.uri,
                "artifacts": self._location.artifacts,
                "folder": str(self._folder.resolve()),
                "user": _or_none(getpass.getuser),
                "source": _program(Path(sys.argv[0])),
            }
            kept, lock = spool.create(self._folder, session)
            scribe = Scribe(kept)
            self._courier = courier = Courier(kept, self._location, self._warn)
        except OSError as error:
            self._add(f"runs are not recorded: {error}")
            return
        while not self._drain(scribe):
            pass
        scribe.close()
        courier.say_goodbye()
        courier.finished.wait()
        lock.release()

    def _drain(self, scribe: Scribe) -> bool:
        """Write down what has gathered; True after the last of it."""
        item = self._queue.get()
        self._closing.wait(FLUSH_SECONDS)
        last = False
        while True:
            if item is None:
                last = True
            else:
                method, *arguments = item
                self._attempt(lambda method=method, arguments=arguments: method(scribe, *arguments))  # type: ignore[misc]
            if self._queue.empty():
                break
            item = self._queue.get()
        self._attempt(scribe.flush)
        return last

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            # Whatever is wrong with one record or for one moment, the work and the other records go on.
            warning = f"a record for MLflow cannot be written: {error}"
            if warning not in self._warnings:
                self._add(warning)


def _program(path: Path) -> str:
    """The name by which a program is known: a package that is run as one has it from its folder."""
    return path.parent.name if path.name == "__main__.py" else path.name


def _or_none(function: Callable[[], str]) -> str | None:
    try:
        return function()
    except (KeyError, OSError, ImportError):
        return None
