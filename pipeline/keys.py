"""What a step's result depends on: its cache key, and the reason why it will run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.code import reach
from pipeline.step import RunPlan, Step
from pipeline.store import content_digest


def derived_seed(seed: int, stage: str) -> int:
    """The stage's own seed, 32 bits: equal for every variant, so that they are compared on common random numbers."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{stage}".encode()).digest()[:4], "little")


def by_input(step: Step, of: Callable[[str], str]) -> dict[str, Any]:
    """Something of each upstream step, by the parameter that receives it."""
    return {
        parameter: of(given) if isinstance(given, str) else {name: of(name) for name in given}
        for parameter, given in step.inputs.items()
    }


def history_name(experiment: str, plan: RunPlan, step: Step) -> str:
    """Under which name the last execution of a step is remembered, to say later what has changed since.

    Runs that chose other variants above the step, or have another seed where one matters, remember their own.
    """
    above = plan.until(step.name).steps
    chosen = " ".join(each.variant for each in above if each.variant is not None)
    seeded = f"#{plan.seed}" if any(each.stage.seeded for each in above) else ""
    return f"{experiment}/{step.name}/{chosen}{seeded}"


def manifest(step: Step, inputs: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """All that the step's result depends on; its digest is the cache key.

    ``inputs`` gives each input's content digest (a mapping by stage name where an input takes many).
    """
    cls = type(step.stage)
    code = reach(cls)
    data_fields = cls.data_paths()
    config = step.stage.model_dump(mode="json", exclude=set(data_fields))
    for name in step.secrets:
        config[name] = "sha256:" + hashlib.sha256(json.dumps(config[name]).encode()).hexdigest()
    data: dict[str, Any] = {}
    for name in data_fields:
        paths = getattr(step.stage, name)
        if paths is not None:
            data[name] = [content_digest(Path(p)) for p in (paths if isinstance(paths, tuple | list) else [paths])]
    return {
        "stage": f"{cls.__module__}:{cls.__qualname__}",
        "config": config,
        "data": data,
        "inputs": dict(inputs),
        "seed": derived_seed(seed, step.name) if cls.seeded else None,
        "code": dict(code.modules),
        "libraries": dict(code.libraries),
    }


def key_of(parts: Mapping[str, Any]) -> str:
    """The cache key of a manifest."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:40]


def reason(parts: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    """Why a step with this manifest must run, seen against the manifest of its last execution."""
    if before is None:
        return "it has not run before"
    if parts["stage"] != before["stage"]:
        return f"it uses {parts['stage']} instead of {before['stage']}"
    reasons = []
    for name in sorted({*parts["config"], *before["config"]}):
        old, new = before["config"].get(name), parts["config"].get(name)
        if old != new:
            reasons.append(f"{name}: {json.dumps(old)} -> {json.dumps(new)}")
    for label, part in (("data of", "data"), ("input", "inputs"), ("code of", "code"), ("library", "libraries")):
        changed = [n for n in sorted({*parts[part], *before[part]}) if parts[part].get(n) != before[part].get(n)]
        if part == "libraries":
            changed = [f"{n} {before[part].get(n, 'absent')} -> {parts[part].get(n, 'absent')}" for n in changed]
        if changed:
            reasons.append(
                f"{label} {', '.join(changed)} changed" if part != "libraries" else f"{label} {', '.join(changed)}"
            )
    if parts["seed"] != before["seed"]:
        reasons.append("another seed")
    return "; ".join(reasons) or "its cached result is gone"
