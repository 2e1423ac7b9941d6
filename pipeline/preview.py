"""What a run would do, without doing it: what is cached, and why each other stage would run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from pipeline.errors import DataError, listing
from pipeline.keys import by_input, history_name, key_of, manifest, reason
from pipeline.plan import Plan
from pipeline.stage import type_name
from pipeline.step import RunPlan, Step
from pipeline.store import Store

State = Literal["cached", "runs", "may run"]


class Outlook(NamedTuple):
    """What will happen to a stage.

    variants: the choices, of this stage and of those above it, that lead to it.
    seeds: the seeds of the runs that need it. executions: how often it is executed for them; once where they share it.
    state: "may run" where that depends on what a stage above makes; if that is the same as before, it is cached.
    keys: the cache keys, where they are known yet.
    """

    stage: str
    uses: str
    variants: Mapping[str, str]
    seeds: tuple[int, ...]
    executions: int
    state: State
    reason: str
    keys: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The entry of ``stages`` in ``pipeline plan --json``."""
        return {
            "stage": self.stage,
            "uses": self.uses,
            "variants": dict(self.variants),
            "seeds": list(self.seeds),
            "executions": self.executions,
            "state": self.state,
            "reason": self.reason or None,
            "keys": list(self.keys),
        }


class Resolved(NamedTuple):
    """A value of the pipeline as it will be used, and where it came from: a place, a word, or a default."""

    key: str
    value: Any
    origin: str


class _Found(NamedTuple):
    """What the store tells about one execution; ``digest`` is its result's, where that is cached."""

    state: State
    reason: str = ""
    key: str | None = None
    digest: str | None = None


@dataclass
class _Execution:
    """A step with everything above it, once for all the runs that share it."""

    step: Step
    variants: Mapping[str, str]
    found: _Found
    seeds: list[int] = field(default_factory=list)


def preview(plan: Plan, store: Store | None) -> list[Outlook]:
    """The outlook of every stage in order of execution; seeds that fare alike are told together."""
    executions: dict[Any, _Execution] = {}
    for run in plan.runs:
        above: dict[str, tuple[Any, _Execution]] = {}
        for step in run.steps:
            upstream = [above[name] for name in step.upstream]
            seed = run.seed if step.stage.seeded else None
            identity = (step.name, step.variant, seed, tuple(identity for identity, _ in upstream))
            if identity not in executions:
                inputs = {name: execution.found for name, (_, execution) in above.items()}
                variants = _variants(step, (execution for _, execution in upstream))
                executions[identity] = _Execution(step, variants, _look(plan, run, step, inputs, store))
            executions[identity].seeds.append(run.seed)
            above[step.name] = identity, executions[identity]
    order = {step.name: position for position, step in enumerate(plan.runs[0].steps)}
    return _told_together(sorted(executions.values(), key=lambda execution: order[execution.step.name]))


def _variants(step: Step, upstream: Iterable[_Execution]) -> dict[str, str]:
    own = {step.name: step.variant} if step.variant is not None else {}
    return {name: variant for above in upstream for name, variant in above.variants.items()} | own


def _look(plan: Plan, run: RunPlan, step: Step, above: Mapping[str, _Found], store: Store | None) -> _Found:
    before = store.last(history_name(plan.experiment, run, step)) if store else None
    waiting = [name for name, given in step.inputs.items() if not _all_cached(given, above)]
    try:
        if waiting:
            return _look_below(manifest(step, {}, run.seed), before, waiting)
        parts = manifest(step, by_input(step, lambda name: above[name].digest or ""), run.seed)
    except DataError as error:
        return _Found("runs", str(error))
    key = key_of(parts)
    entry = store.get(key) if store else None
    if entry is not None:
        return _Found("cached", key=key, digest=entry.digest)
    return _Found("runs", reason(parts, before), key)


def _all_cached(given: str | tuple[str, ...], above: Mapping[str, _Found]) -> bool:
    return all(above[name].state == "cached" for name in ([given] if isinstance(given, str) else given))


def _look_below(parts: Mapping[str, Any], before: Mapping[str, Any] | None, waiting: list[str]) -> _Found:
    """The outlook of a stage whose inputs are not known yet: it may have reasons of its own to run."""
    first = f"input {listing(waiting)} {'runs' if len(waiting) == 1 else 'run'} first"
    if before is None:
        return _Found("runs", reason(parts, None))
    own = {**parts, "inputs": before["inputs"]}
    if key_of(own) == key_of(before):
        return _Found("may run", first)
    return _Found("runs", f"{reason(own, before)}; {first}")


def _told_together(executions: Iterable[_Execution]) -> list[Outlook]:
    groups: dict[Any, list[_Execution]] = {}
    for execution in executions:
        alike = (execution.step.name, tuple(execution.variants.items()), execution.found.state, execution.found.reason)
        groups.setdefault(alike, []).append(execution)
    return [
        Outlook(
            members[0].step.name,
            members[0].step.uses,
            members[0].variants,
            tuple(sorted({seed for member in members for seed in member.seeds})),
            len(members),
            members[0].found.state,
            members[0].found.reason,
            tuple(member.found.key for member in members if member.found.key),
        )
        for members in groups.values()
    ]


def provenance(plan: Plan) -> list[Resolved]:
    """Every value that the runs will use, and where it came from; secrets as they were written."""
    seeds = [run.seed for run in plan.runs]
    seeded = "seeds" if "seeds" in plan.source.data else "seed"
    resolved = [
        Resolved("name", plan.experiment, _origin(plan, ("name",))),
        Resolved(seeded, list(dict.fromkeys(seeds)) if seeded == "seeds" else seeds[0], _origin(plan, (seeded,))),
    ]
    for step in steps_of(plan):
        base = ("stages", step.name)
        own = base if step.variant is None else (*base, "variants", step.variant)
        label = step.name if step.variant is None else f"{step.name}[{step.variant}]"
        resolved.append(Resolved(label, step.uses, _origin(plan, (*own, "uses"), (*base, "uses"))))
        for name, value in step.shown_fields().items():
            resolved.append(
                Resolved(f"{label}.{name}", value, _origin(plan, (*own, "with", name), (*base, "with", name)))
            )
        for name, given in step.inputs.items():
            places = (*own, "inputs", name), (*base, "inputs", name)
            origin = _origin(plan, *places, default="wired by name")
            resolved.append(
                Resolved(f"{label}.inputs.{name}", given if isinstance(given, str) else list(given), origin)
            )
    return resolved


def _origin(plan: Plan, *paths: tuple[str, ...], default: str = "default") -> str:
    """Where the first of ``paths`` that has a value got it."""
    for path in paths:
        if path in plan.source.values:
            origin = plan.source.values[path]
            return str(origin) if origin.line else f"{origin}: {origin.text}"
    return default


def steps_of(plan: Plan) -> list[Step]:
    """Each stage of the plan, once for each of its variants, in order of execution."""
    steps = {(step.name, step.variant): step for run in plan.runs for step in run.steps}
    order = {step.name: position for position, step in enumerate(plan.runs[0].steps)}
    return sorted(steps.values(), key=lambda step: order[step.name])


def edges(plan: Plan) -> list[tuple[str, str, str]]:
    """Who gives what to whom: stage, stage, and the name of the type that passes."""
    makes = {step.name: type_name(type(step.stage).interface().output) for step in steps_of(plan)}
    return list(dict.fromkeys((up, step.name, makes[up]) for step in steps_of(plan) for up in step.upstream))
