"""Wires stages by name: as with pytest fixtures, a stage receives the output of another by naming it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pipeline.errors import Origin, Problem, closest, listing
from pipeline.source import Path, Source
from pipeline.stage import accepts, type_name
from pipeline.step import Step

Menu = dict[str, dict[str | None, Step]]
"""One configured stage for each stage name and variant; the variant is None where a stage has no variants."""


def wire(stages: Collection[str], menu: Menu, source: Source) -> list[Problem]:
    """Wire every step's inputs by name in place, and say what does not fit."""
    problems: list[Problem] = []
    for alternatives in menu.values():
        for variant, step in alternatives.items():
            wired, found = _wire(step, stages, menu, source)
            problems += found
            alternatives[variant] = replace(step, inputs=wired)
    if not problems:
        problems += _cycles(menu, source)
    return problems


def _wire(
    step: Step, stages: Collection[str], menu: Menu, source: Source
) -> tuple[dict[str, str | tuple[str, ...]], list[Problem]]:
    at: Path = ("stages", step.name) if step.variant is None else ("stages", step.name, "variants", step.variant)
    wanted = type(step.stage).interface().inputs
    wired: dict[str, str | tuple[str, ...]] = {}
    problems: list[Problem] = []

    def place(parameter: str) -> Origin | None:
        for where in (at, ("stages", step.name)):
            if (*where, "inputs", parameter) in source.values:
                return source.origin((*where, "inputs", parameter))
        return source.origin(at, key=True)

    for parameter in step.inputs:
        if parameter not in wanted:
            hint = f"It takes {listing(wanted)}." if wanted else "It takes no inputs."
            problems.append(
                Problem(f"{step.uses} has no input {parameter!r}", place(parameter), closest(parameter, wanted), hint)
            )
    for parameter, needed in wanted.items():
        given = step.inputs.get(parameter, parameter)
        names = (given,) if isinstance(given, str) else given
        if parameter not in step.inputs and parameter not in stages:
            if needed.required:
                problems.append(_missing_input(step, parameter, needed.type, menu, stages, source.origin(at, key=True)))
            continue
        if not needed.many and not isinstance(given, str):
            problems.append(
                Problem(f"input {parameter!r} of {step.uses} takes one stage, not a list", place(parameter))
            )
            continue
        unknown = [name for name in names if name not in stages]
        for name in unknown:
            problem = Problem(f"input {parameter!r} of stage {step.name!r} names no stage: {name!r}", place(parameter),
                              closest(name, stages), f"Stages: {listing(stages)}.")  # fmt: skip
            problems.append(problem)
        for name in (name for name in names if name not in unknown):
            for maker in menu.get(name, {}).values():
                made = type(maker.stage).interface().output
                if not accepts(needed.type, made):
                    problems.append(
                        Problem(
                            f"input {parameter!r} of {step.uses} must be {type_name(needed.type)}, but stage {name!r} "
                            f"({maker.uses}) makes {type_name(made)}",
                            place(parameter),
                            None,
                            _makers(needed.type, menu, step.name),
                        )
                    )
        wired[parameter] = names if needed.many else names[0]
    return wired, problems


def _missing_input(
    step: Step, parameter: str, needed: Any, menu: Menu, stages: Collection[str], origin: Origin | None
) -> Problem:
    message = f"stage {step.name!r} ({step.uses}) needs an input {parameter!r} of type {type_name(needed)}"
    others = [name for name in stages if name != step.name]
    return Problem(message, origin, closest(parameter, others), _makers(needed, menu, step.name, parameter))


def _makers(needed: Any, menu: Menu, me: str, parameter: str = "") -> str:
    fitting = [
        name
        for name, alternatives in menu.items()
        if name != me
        and alternatives
        and all(accepts(needed, type(s.stage).interface().output) for s in alternatives.values())
    ]
    if not fitting:
        return f"No stage here makes {type_name(needed)}; see `pipeline stages`."
    wiring = f" Wire it: inputs: {{{parameter}: {fitting[0]}}}." if parameter else ""
    return f"Made by: {listing(fitting)}.{wiring}"


def _cycles(menu: Menu, source: Source) -> list[Problem]:
    needs = {name: {up for step in steps.values() for up in step.upstream} for name, steps in menu.items()}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        loop = error.args[1]
        place = source.origin(("stages", loop[0]), key=True)
        hint = "One of these inputs must come from elsewhere."
        return [Problem(f"the stages wait for one another: {' -> '.join(loop)}", place, None, hint)]
    return []
