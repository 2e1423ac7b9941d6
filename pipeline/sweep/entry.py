"""The way in: run the sweep of a plan, or say what it would cost."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import RequestError
from pipeline.plan import Plan
from pipeline.records import File, Run, Status
from pipeline.store import Store
from pipeline.sweep.journal import Journal
from pipeline.sweep.objective import Objective
from pipeline.sweep.records import TrialRecord
from pipeline.sweep.request import Request, read_request
from pipeline.sweep.session import Session, TrialOutcome

FOLDER = ".pipeline"


@dataclass(frozen=True)
class SweepOutcome:
    """How a sweep ended.

    parent: the run above the trials. trials: every run, those of before a resumption too. best: the best
    configuration's first run; pareto: those that no other beats, where there are several metrics. values: each
    configuration's mean values over its seeds, by trial number. files: the report.
    """

    status: Status
    parent: Run
    objectives: tuple[Objective, ...]
    trials: tuple[TrialOutcome, ...]
    best: TrialOutcome | None
    pareto: tuple[TrialOutcome, ...] = ()
    values: dict[int, tuple[float, ...]] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class Before:
    """What is known of the same sweep from an earlier time."""

    path: Path
    ended: int
    unfinished: int
    complete: bool


def earlier(plan: Plan, trials: int | None = None, folder: Path | str = FOLDER) -> Before | None:
    """The journal of the same sweep, None if it was never begun: what ``resume`` would go on with."""
    journal = Journal.open(_journals(folder), _checked(plan, trials))
    if journal.empty:
        return None
    return Before(journal.path, len(journal.ended), len(journal.unfinished), journal.complete)


def sweep(
    plan: Plan,
    *,
    store: Store | None,
    notify: Callable[..., None] | None = None,
    trials: int | None = None,
    resume: bool = False,
    address: str | None = None,
    fresh: bool = False,
    warm_start: Iterable[TrialRecord] = (),
    command: Sequence[str] = (),
    folder: Path | str = FOLDER,
    started: Callable[[Session], Any] | None = None,
) -> SweepOutcome:
    """Run the plan's sweep and wait; failing trials are told by the outcome, not raised.

    notify: hears the lifecycle hooks; the plan's plugins by default. trials: in place of the file's.
    resume: go on with the same sweep's journal below ``folder``, also with more trials than before; without it an
    earlier journal is set aside. address: a Ray cluster. fresh: compute again what is stored.
    warm_start: trials of earlier sweeps that the search learns from. started: called with the session before it runs.
    """
    request = _checked(plan, trials)
    journal = Journal.open(_journals(folder), request)
    if not resume:
        journal.set_aside()
    scratch = tempfile.mkdtemp(prefix="pipeline-store-") if store is None else None
    opened = store or Store.open(str(scratch), codecs=plan.plugins.codecs(), packages=plan.plugins.packages)
    limit = request.spec.time_limit
    deadline = time.monotonic() + limit if limit else None
    session = Session(
        request, opened, journal, notify or plan.plugins.notify, command, deadline, known=tuple(warm_start)
    )
    try:
        if started is not None:
            started(session)
        session.run(address=address, fresh=fresh)
    finally:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)
    return SweepOutcome(
        session.status, session.parent, request.objectives, tuple(session.trials), session.best,
        tuple(session.pareto), session.values, session.files, session.error,
    )  # fmt: skip


def describe(plan: Plan) -> dict[str, Any]:
    """What the sweep shares and costs: for ``pipeline plan``."""
    from pipeline.sweep.sharing import shared_runs

    request = _checked(plan, None)
    trials = request.trials if request.trials is not None else _exhaustive(request)
    steps = [step.name for step in request.plan.runs[0].steps]
    shared = sum(len(run.steps) for run in shared_runs(request))
    own = sum(name in request.touched for name in steps)
    runs = trials * len(request.seeds)
    return {
        "search": request.search_name,
        "scheduler": request.scheduler_name,
        "objectives": {o.metric: o.mode for o in request.objectives},
        "dimensions": {name: json.dumps(spec).replace('"', "") for name, spec in request.spec.space.items()},
        "shared": [name for name in steps if name not in request.touched],
        "per_trial": [name for name in steps if name in request.touched],
        "trials": trials,
        "seeds": list(request.seeds),
        "runs": runs,
        "stage_executions": shared + runs * own,
        "stage_executions_without_sharing": runs * len(steps),
    }


def _exhaustive(request: Request) -> int:
    if request.search_name == "grid":
        from pipeline.sweep.search.grid import grid

        return sum(1 for _ in grid(request.space))
    return len(request.points)


def _checked(plan: Plan, trials: int | None) -> Request:
    request, problems = read_request(plan, trials)
    if request is None:
        raise RequestError(problems)
    return request


def _journals(folder: Path | str) -> Path:
    return Path(folder) / "sweeps"
