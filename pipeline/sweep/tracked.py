"""A sweep as commands and Python users run it: tracked in MLflow, and told by the same Result as a run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.compare import Comparison, Judged, grouped
from pipeline.keeping import FOLDER, artifact_loader, open_store, open_tracking
from pipeline.plan import Plan
from pipeline.result import Result, RunResult
from pipeline.store import Store
from pipeline.sweep.entry import SweepOutcome, sweep
from pipeline.sweep.past import past_trials
from pipeline.sweep.session import Session


def tracked_sweep(
    plan: Plan,
    *,
    trials: int | None = None,
    resume: bool = False,
    address: str | None = None,
    fresh: bool = False,
    warm_start: Iterable[str] = (),
    track: bool = True,
    store: Store | str | Path | None = FOLDER,
    command: Sequence[str] = (),
    observers: Iterable[object] = (),
    started: Callable[[Session], Any] | None = None,
) -> Result:
    """Run the plan's sweep and wait; ``result.extra`` has ``best``, and ``pareto`` where there are several metrics.

    warm_start: names or MLflow ids of earlier sweeps whose trials inform the search. The rest as in ``sweep()`` and
    ``Pipeline.run()``.
    """
    known = [record for reference in warm_start for record in past_trials(reference)]
    opened = open_store(store, plan.plugins)
    tracking = open_tracking() if track else None
    watching = [*observers, *([tracking] if tracking else [])]
    for observer in watching:
        plan.plugins.observe(observer)
    try:
        outcome = sweep(
            plan, store=opened, trials=trials, resume=resume, address=address, fresh=fresh, warm_start=known,
            command=command, started=started,
        )  # fmt: skip
    finally:
        report = tracking.finish(1.2 if sys.exc_info()[0] else None) if tracking else None
        for observer in watching:
            if plan.plugins.manager.is_registered(observer):
                plan.plugins.manager.unregister(observer)
    ids: Mapping[str, str] = report.run_ids if report else {}
    load = artifact_loader(opened)
    runs = {t.run.id: RunResult(t.run, t.outcome, ids.get(t.run.id), load) for t in outcome.trials}
    return Result(
        outcome.status,
        plan.experiment,
        tracking.uri if tracking else None,
        tuple(runs.values()),
        _comparison(outcome),
        ids.get(outcome.parent.id),
        (*([outcome.error] if outcome.error else []), *(report.warnings if report else ())),
        _extra(outcome, runs),
    )


def _comparison(outcome: SweepOutcome) -> Comparison:
    """The configurations side by side, without tests: thousands of pairs would only find chance."""
    judged = [
        Judged(t.run.variants, t.run.seed or 0, t.outcome.metrics, dict(t.record.configuration))
        for t in outcome.trials
        if t.record.values is not None
    ]
    return Comparison(grouped(judged), {o.metric: o.mode for o in outcome.objectives}, {}, ())


def _extra(outcome: SweepOutcome, runs: Mapping[str, RunResult]) -> dict[str, Any]:
    def told(trial: Any) -> dict[str, Any]:
        values = outcome.values[trial.record.number]
        return {
            **runs[trial.run.id].as_dict(),
            "trial": trial.record.number,
            "configuration": dict(trial.record.configuration),
            "values": {o.metric: v for o, v in zip(outcome.objectives, values, strict=True)},
        }

    extra: dict[str, Any] = {"best": told(outcome.best) if outcome.best else None}
    if len(outcome.objectives) > 1:
        extra["pareto"] = [told(trial) for trial in outcome.pareto]
    return extra
