"""Runs a recorded run again from what MLflow holds, and tells whether it gave the same."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipeline.api import Pipeline
from pipeline.environment import requirements
from pipeline.errors import Problem, RequestError
from pipeline.records import StageOutcome
from pipeline.result import RunResult
from pipeline.tracking.history import History, RecordedRun

DOCUMENT = "pipeline.yaml"
LOCK = "requirements.txt"
PLAN = "plan.json"
STAGES = "stages.json"


@dataclass(frozen=True)
class Difference:
    """A metric that is not what it was; None where it is missing."""

    stage: str
    metric: str
    recorded: float | None
    now: float | None


@dataclass(frozen=True)
class Library:
    """A library whose version is not what it was; None where it was not installed."""

    name: str
    recorded: str | None
    now: str | None


def reproducible(history: History, reference: str) -> list[RecordedRun]:
    """The run, or the runs below it, that can be run again; RequestError where there is none, or too many to guess."""
    run = history.run(reference)
    if run.tags.get("pipeline.kind") == "sweep":
        hint = f"Choose one of its trials: pipeline show {run.id[:12]}"
        raise RequestError(Problem(f"{run.name!r} ({run.id[:12]}) is a sweep of many trials", None, None, hint))
    return history.children(run) or [run]


def recorded_pipeline(history: History, run: RecordedRun) -> str:
    """The pipeline file that was kept with the run."""
    text = history.document(run, DOCUMENT)
    if text is None:
        message = f"run {run.name!r} ({run.id[:12]}) has no {DOCUMENT} in MLflow: it was not recorded by `pipeline run`"
        raise RequestError(message)
    return text


def together(pipelines: Sequence[Pipeline]) -> Pipeline:
    """One pipeline with the runs of all, which have their experiment and plugins in common."""
    plans = [pipeline.plan for pipeline in pipelines]
    variables = {name: value for plan in plans for name, value in plan.source.variables.items()}
    source = replace(plans[0].source, variables=variables)
    return Pipeline(replace(plans[0], source=source, runs=tuple(run for plan in plans for run in plan.runs)))


def report(history: History, recorded: RecordedRun, now: RunResult) -> dict[str, Any]:
    """What `pipeline reproduce --json` tells of one run."""
    metrics = now.metrics
    told = differences([stage.name for stage in now.outcome.stages], recorded.metrics, metrics)
    measured = _measured(history.document(recorded, PLAN))
    different = [difference for difference in told if difference.metric not in measured]
    lock = history.document(recorded, LOCK)
    return {
        "recorded_run_id": recorded.id,
        "mlflow_run_id": now.mlflow_run_id,
        "name": recorded.name,
        "status": now.outcome.status,
        "error": now.outcome.error,
        "equal": now.outcome.status == "finished" and not different,
        "metrics": len({*recorded.metrics, *metrics}),
        "differences": [asdict(difference) for difference in different],
        "outputs": changed_outputs(history.document(recorded, STAGES), now.outcome.stages),
        "libraries": [asdict(library) for library in changed_libraries(lock, requirements())] if lock else [],
    }


def differences(stages: Sequence[str], recorded: Mapping[str, float], now: Mapping[str, float]) -> list[Difference]:
    """The metrics of ``stages`` that differ in any bit, in the order of the stages."""
    order = {stage: position for position, stage in enumerate(stages)}
    names = [name for name in dict.fromkeys([*recorded, *now]) if name.split("/")[0] in order]
    return [
        Difference(name.split("/")[0], name, recorded.get(name), now.get(name))
        for name in sorted(names, key=lambda name: order[name.split("/")[0]])
        if not _same(recorded.get(name), now.get(name))
    ]


def _measured(plan: str | None) -> set[str]:
    """The metrics of time and memory, which nothing can repeat; ``plan`` is the text that MLflow keeps of the plan."""
    steps = json.loads(plan)["steps"] if plan else []
    return {f"{step['name']}/{metric}" for step in steps for metric in step.get("measured", ())}


def changed_outputs(recorded: str | None, now: Sequence[StageOutcome]) -> list[str]:
    """The stages that returned something else, in order; ``recorded`` is the text that MLflow keeps of the stages."""
    before = {stage["name"]: stage["digest"] for stage in json.loads(recorded or "[]")}
    return [stage.name for stage in now if before.get(stage.name, stage.digest) != stage.digest]


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def changed_libraries(recorded: str, now: str) -> list[Library]:
    """The libraries whose versions differ between two requirements files."""
    before, after = _versions(recorded), _versions(now)
    return [
        Library(name, before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _versions(requirements: str) -> dict[str, str]:
    pairs: list[Any] = [line.split("==") for line in requirements.splitlines() if "==" in line]
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}
