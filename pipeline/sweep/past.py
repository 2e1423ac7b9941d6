"""Sweeps that MLflow has recorded, ours or another tool's, read back as trial records."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import RequestError, closest, listing
from pipeline.sweep.objective import Objective
from pipeline.sweep.records import State, TrialRecord
from pipeline.sweep.report.study import Study
from pipeline.tracking.history import History, RecordedRun

# Of an experiment whose runs have no parent.
MOST_RUNS = 10_000
_STATES: dict[str, State] = {"finished": "finished", "failed": "failed", "interrupted": "interrupted"}


def past_trials(reference: str, folder: Path | None = None) -> tuple[TrialRecord, ...]:
    """The trials of a recorded sweep, given its name or id."""
    return past_study(reference, folder=folder).records


def past_study(
    reference: str, *, metric: str | None = None, mode: str | None = None, folder: Path | None = None
) -> Study:
    """A recorded sweep from MLflow alone; RequestError where there are no runs to tell of, or no metric is known.

    reference: a parent run, or an experiment whose runs stand side by side, as other tools leave them.
    metric, mode: for runs that others tracked, which do not say what they optimised.
    """
    history = History(folder or Path.cwd())
    parent, children = _runs(history, reference)
    if not children:
        raise RequestError(f"run {reference!r} has no runs below it, so there is nothing to report")
    tags = parent.tags if parent else {}
    objectives = _objectives(reference, tags, children, metric, mode)
    varied = _varied(children)
    records = [_record(history, child, index, objectives, varied) for index, child in enumerate(children)]
    dimensions = list(dict.fromkeys(name for record in records for name in record.configuration))
    ended = sorted((record for record in records if record.state != "interrupted"), key=lambda r: (r.ended, r.number))
    space = json.loads((parent and history.document(parent, "sweep.json")) or "{}").get("space", {})
    return Study(children[0].experiment, tags.get("pipeline.search", "unknown"), tags.get("pipeline.scheduler", "none"),
                 objectives, tuple(dimensions), tuple(ended), space)  # fmt: skip


def _runs(history: History, reference: str) -> tuple[RecordedRun | None, list[RecordedRun]]:
    """The parent and the runs below it; or all the runs of an experiment that have none below them."""
    try:
        parent = history.run(reference)
    except RequestError as error:
        try:
            runs = history.runs(reference, limit=MOST_RUNS)
        except RequestError:
            raise error from None
        parents = {run.parent for run in runs}
        return None, sorted((run for run in runs if run.id not in parents), key=lambda run: (run.started, run.name))
    return parent, history.children(parent)


def _objectives(
    reference: str, tags: Mapping[str, str], children: Sequence[RecordedRun], metric: str | None, mode: str | None
) -> tuple[Objective, ...]:
    if metric is None and "pipeline.metric" in tags:
        names, modes = tags["pipeline.metric"].split(","), tags["pipeline.mode"].split(",")
        return tuple(Objective(name, direction, True) for name, direction in zip(names, modes, strict=True))
    logged = {name for child in children for name in child.metrics}
    if metric is None or mode is None:
        raise RequestError(
            f"{reference!r} does not say which metric it optimised: name it with --metric and --mode. "
            f"Logged: {listing(logged)}."
        )
    if metric not in logged:
        meant = closest(metric, logged)
        said = f" Did you mean {meant!r}?" if meant else f" Logged: {listing(logged)}."
        raise RequestError(f"no run of {reference!r} logged the metric {metric!r}.{said}")
    return (Objective(metric, mode, True),)


def _varied(children: Sequence[RecordedRun]) -> list[str]:
    """The parameters that differ between the runs: what the sweep was about, where it does not say so itself."""
    names = dict.fromkeys(name for child in children for name in child.params)
    return [name for name in names if len({child.params.get(name) for child in children}) > 1]


def _record(
    history: History, child: RecordedRun, index: int, objectives: Sequence[Objective], varied: Sequence[str]
) -> TrialRecord:
    tags = child.tags
    written = tags.get("pipeline.configuration")
    configuration: Mapping[str, Any] = (
        json.loads(written) if written else {n: _value(child.params[n]) for n in varied if n in child.params}
    )
    values = tuple(child.metrics.get(objective.metric, math.nan) for objective in objectives)
    points = history.curve(child, objectives[0].metric) if objectives[0].metric in child.metrics else []
    curve = {point.step: point.value for point in points} if len(points) > 1 else {}
    state = tags.get("pipeline.state") or _STATES.get(child.status, "interrupted")
    return TrialRecord(
        int(tags.get("pipeline.trial", index)), configuration, int(tags.get("pipeline.seed", 0)),
        state, None if any(map(math.isnan, values)) or state == "failed" else values, child.id,  # type: ignore[arg-type]  # our own tag holds a State
        child.started, child.started + (child.seconds or 0.0), max(curve, default=None), curve,
        tags.get("pipeline.worker", ""), tags.get("pipeline.error"),
    )  # fmt: skip


def _value(text: str) -> Any:
    """A parameter as a number where it is one."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def best_words(reference: str, folder: Path | None = None) -> list[str]:
    """The best configuration of a recorded sweep, or a trial's own, as overrides: ``model.latent_dim=8``."""
    run = History(folder or Path.cwd()).run(reference)
    written = run.tags.get("pipeline.best_configuration") or run.tags.get("pipeline.configuration")
    if written is None:
        raise RequestError(f"run {reference!r} is no sweep that has found a best configuration, nor one of its trials")
    configuration = dict(json.loads(written))
    # Variants are chosen first: a value for one of them would not be understood before.
    names = sorted(configuration, key=lambda name: "." in name)
    return [f"{name}={json.dumps(configuration[name])}" for name in names]
