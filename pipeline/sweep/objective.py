"""What a sweep optimises: metrics, which way each is better, and whether a scheduler can watch them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import Origin, Problem, closest, listing
from pipeline.plan import Plan
from pipeline.sweep_spec import SweepSpec


@dataclass(frozen=True)
class Objective:
    """One metric: ``stage/name``, ``max`` or ``min``; ``per_step`` says that the stage logs it as a curve."""

    metric: str
    mode: str
    per_step: bool = False

    @property
    def sign(self) -> float:
        """Multiplied with it, smaller is better."""
        return 1.0 if self.mode == "min" else -1.0

    @property
    def stage(self) -> str:
        """The stage that logs it."""
        return self.metric.split("/", 1)[0]

    @property
    def name(self) -> str:
        """The metric's name within its stage."""
        return self.metric.split("/", 1)[1]

    def better(self, one: float, other: float) -> bool:
        """Whether ``one`` is better than ``other``; NaN never is."""
        return not math.isnan(one) and (math.isnan(other) or self.sign * one < self.sign * other)


def read_objectives(plan: Plan, sweep: SweepSpec) -> tuple[tuple[Objective, ...], list[Problem]]:
    """The sweep's objectives, or what is wrong with them."""
    several = isinstance(sweep.metric, list)
    metrics = list(sweep.metric) if isinstance(sweep.metric, list) else [sweep.metric]
    problems: list[Problem] = []

    def origin(index: int, key: str = "metric") -> Origin | None:
        return plan.source.origin(("sweep", key, index) if isinstance(getattr(sweep, key), list) else ("sweep", key))

    modes: list[str | None] = [None] * len(metrics)
    if isinstance(sweep.mode, list):
        if len(sweep.mode) != len(metrics):
            message = f"'mode' lists {len(sweep.mode)} directions for {len(metrics)} metrics"
            problems.append(Problem(message, plan.source.origin(("sweep", "mode")), None, "Give one for each metric."))
        else:
            modes = list(sweep.mode)
    elif sweep.mode:
        modes = [sweep.mode] * len(metrics)
    if several and len(set(metrics)) < len(metrics):
        problems.append(Problem("a metric is listed twice", plan.source.origin(("sweep", "metric"))))
    objectives: list[Objective] = []
    for index, (metric, mode) in enumerate(zip(metrics, modes, strict=True)):
        if metric.split("/", 1)[0] in plan.unread:
            continue
        emitted, problem = _emitted(plan, metric, origin(index))
        if problem is not None:
            problems.append(problem)
            continue
        direction = mode or next((known for known, _ in emitted if known), None)
        if direction is None:
            message = f"neither the sweep nor the stage says which end of {metric!r} is better"
            problems.append(Problem(message, origin(index), None, "Add mode: max or mode: min to the sweep."))
            continue
        objectives.append(Objective(metric, direction, all(per_step for _, per_step in emitted)))
    return tuple(objectives), problems


def _emitted(plan: Plan, metric: str, origin: Origin | None) -> tuple[list[tuple[str | None, bool]], Problem | None]:
    """Direction and whether it is a curve, for every variant of the stage that logs ``metric``."""
    known: dict[str, list[tuple[str | None, bool]]] = {}
    stages: set[str] = set()
    for run in plan.runs:
        for step in run.steps:
            stages.add(step.name)
            for name, direction in step.stage.emits.items():
                known.setdefault(f"{step.name}/{name}", []).append((direction, name in step.stage.per_step))
    if metric not in known:
        stage = metric.split("/", 1)[0]
        hint = f"Logged by this pipeline: {listing(known)}." if known else "No stage of this pipeline logs a metric."
        if "/" not in metric:
            message = f"the metric {metric!r} is not of the form stage/metric"
        elif stage not in stages:
            message = f"the metric {metric!r} names no stage of this pipeline"
        else:
            message = f"stage {stage!r} does not log the metric {metric.split('/', 1)[1]!r}"
        return [], Problem(message, origin, closest(metric, known), hint)
    if len(known[metric]) < len(plan.runs):
        stage, name = metric.split("/", 1)
        silent = [
            step.variant or step.uses
            for run in plan.runs
            for step in run.steps
            if step.name == stage and name not in step.stage.emits
        ]
        message = f"the metric {metric!r} is not logged by every variant: {listing(set(silent))} does not log it"
        return [], Problem(message, origin, None, "Choose a metric that all of them log.")
    return known[metric], None


def dominates(one: Sequence[float], other: Sequence[float], objectives: Sequence[Objective]) -> bool:
    """Whether ``one`` is at least as good in every objective, and better in one."""
    signed = [(o.sign * a, o.sign * b) for o, a, b in zip(objectives, one, other, strict=True)]
    return all(a <= b for a, b in signed) and any(a < b for a, b in signed)


def pareto_front(values: Mapping[int, Sequence[float]], objectives: Sequence[Objective]) -> list[int]:
    """Keys of the finite value vectors that no other dominates."""
    finite = {key: vector for key, vector in values.items() if all(map(math.isfinite, vector))}
    return [
        key
        for key, vector in finite.items()
        if not any(dominates(other, vector, objectives) for other in finite.values())
    ]
