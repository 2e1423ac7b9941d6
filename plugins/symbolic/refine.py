"""What `symbolic.refine` does to a front."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from pipeline.context import Context
from plugins.symbolic import figures, refinement, units
from plugins.symbolic.folding import folded
from plugins.symbolic.front import choose, front_of
from plugins.symbolic.grammar import parse, write
from plugins.symbolic.programs import Program
from plugins.symbolic.shortening import one_sided, shorter
from plugins.symbolic.types import Front, Problem, arrays

if TYPE_CHECKING:
    import numpy as np

    from plugins.symbolic import stages


def refine(stage: stages.Refine, problem: Problem, model: Front, context: Context) -> Front:
    """The refined front; where units are given, of formulas whose units agree, as long as there is one."""
    deadline = time.monotonic() + stage.time_limit
    candidates = refinements(problem, model, stage.select, deadline, stage.prune, stage.round)
    metrics: dict[str, float] = {}
    if problem.units:
        # Before the front is made: a formula whose units clash must not displace one whose units agree.
        agree = [consistent(program, problem, not stage.dimensionless_constants) for program in candidates]
        metrics["inconsistent"] = agree.count(False)
        texts = [write(program, problem.variables, 6) for program in candidates]
        context.table("units", [{"expression": t, "agrees": a} for t, a in zip(texts, agree, strict=True)])
        candidates = [program for program, good in zip(candidates, agree, strict=True) if good] or candidates
    front = front_of(candidates, problem, stage.select)
    context.log({"equations": len(front.equations), **metrics})
    context.figure("front", figures.front(front))
    return front


def refined(problem: Problem, model: Front, select: str, deadline: float) -> Front:
    """The front with everything done to it that can be, constants carrying whatever unit is missing."""
    candidates = refinements(problem, model, select, deadline)
    if problem.units:
        candidates = [program for program in candidates if consistent(program, problem)] or candidates
    return front_of(candidates, problem, select)


def refinements(
    problem: Problem, model: Front, select: str, deadline: float, prune: bool = True, round_: bool = True
) -> list[Program]:
    """Each equation refitted, pruned, simplified and rounded while time is left; then the rest as they are.

    Those nearest to the one that would be chosen now come first. Where the rows are noisy, what breaks down between
    them is left out. Where there are units, every equation stands there as it was too: a constant that was added may
    have spoilt them.
    """
    x, y = arrays(problem.train)
    given = [parse(equation.expression, model.variables) for equation in model.equations]
    if (y == y[0]).all():
        return given
    likely = choose(model, select)
    programs = [given[place] for place in sorted(range(len(given)), key=lambda place: abs(place - likely))]
    finished: list[Program] = []

    def neat(program: Program) -> Program:
        return refinement.rounded(program, x, y) if round_ else folded(program)

    with threadpool_limits(1):
        while programs and time.monotonic() < deadline:
            program = programs.pop(0)
            better, _ = refinement.prune(program, x, y) if prune else refinement.refit(program, x, y)
            finished += _forms(neat(better), x, y, neat)
    candidates = [*finished, *(programs if not problem.units else given)]
    if min(refinement.relative_error(program, x, y) for program in candidates) < refinement.NOISE:
        return candidates
    return [program for program in candidates if refinement.steady(program, x, y)] or candidates


def _forms(program: Program, x: np.ndarray, y: np.ndarray, neat: Callable[[Program], Program]) -> list[Program]:
    """The formula, shorter ways to write it, and those without a root of a square where the rows are on one side."""
    found = [program, *map(neat, shorter(program))]
    if plain := one_sided(found[-1]):
        # A law that holds beyond the rows' range is seldom one of absolute values.
        fitted, error = refinement.proportional(plain, x, y)
        if error <= max(refinement.relative_error(program, x, y) * (1 + 1e-9), refinement.EXACT):
            found += [fitted, *map(neat, shorter(fitted))]
    return found


def consistent(program: Program, problem: Problem, free_constants: bool = True) -> bool:
    """Whether the units of a formula agree with the problem's."""
    *inputs, target = [units.read(text) if text else None for text in problem.units]
    return units.agree(program, inputs, target, free_constants)
