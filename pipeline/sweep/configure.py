"""A configuration of the search space put into the pipeline: the run that a trial executes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from pipeline.errors import StageError
from pipeline.stage import Stage
from pipeline.step import RunPlan, Step
from pipeline.sweep.space import split_name


def configure(runs: Sequence[RunPlan], configuration: Mapping[str, Any], seed: int) -> RunPlan:
    """The run among ``runs`` with the configuration's variants, its fields set, under ``seed``.

    StageError where a stage refuses the configuration, such as two fields that do not fit together.
    """
    parts = [(split_name(name), value) for name, value in configuration.items()]
    chosen = {part[0]: value for part, value in parts if part is not None and not part[2]}
    base = next(run for run in runs if all(run.variants.get(stage) == name for stage, name in chosen.items()))
    changes: dict[str, dict[tuple[str, ...], Any]] = {}
    for part, value in parts:
        if part is not None and part[2]:
            changes.setdefault(part[0], {})[part[2]] = value
    steps = tuple(_changed(step, changes[step.name]) if step.name in changes else step for step in base.steps)
    return replace(base, seed=seed, steps=steps)


def _changed(step: Step, changes: Mapping[tuple[str, ...], Any]) -> Step:
    try:
        stage = revalidated(step.stage, changes)
    except ValidationError as error:
        details = "; ".join(str(detail["msg"]).removeprefix("Value error, ") for detail in error.errors())
        raise StageError(step.name, f"{step.uses} does not take this configuration: {details}") from None
    return replace(step, stage=stage)


def revalidated(stage: Stage, changes: Mapping[tuple[str, ...], Any]) -> Stage:
    """The same stage with some fields (and keys within) changed; pydantic's ValidationError where it refuses."""
    data = stage.model_dump(mode="json", by_alias=True)
    for path, value in changes.items():
        place = data
        for part in path[:-1]:
            place = place[part] if isinstance(place.get(part), dict) else place.setdefault(part, {})
        place[path[-1]] = value
    return type(stage).model_validate_json(json.dumps(data), strict=True)


def touched_stages(names: Iterable[str], runs: Sequence[RunPlan]) -> frozenset[str]:
    """The stages that some dimension changes, and all those downstream of one, in any of ``runs``."""
    touched = {part[0] for name in names if (part := split_name(name)) is not None}
    for run in runs:
        for step in run.steps:
            if touched.intersection(step.upstream):
                touched.add(step.name)
    return frozenset(touched)
