"""Fronts of error against complexity: how they are made from programs, and which equation is chosen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from pipeline.errors import DataError
from plugins.symbolic.grammar import parse, write
from plugins.symbolic.programs import Program, constants, evaluate
from plugins.symbolic.types import Equation, Front, Problem, arrays

SMALLEST_ERROR = 1e-16
"""Relative errors below this are rounding and count alike."""


_SAME = 1e-9
"""A relative gain in error that rounding makes: the same formula, written at greater length."""


def front_of(programs: Iterable[Program], problem: Problem, select: str = "bic") -> Front:
    """The programs that no other beats in both size and error on the training rows, one of them chosen.

    DataError where none of them is finite on these rows.
    """
    x, y = arrays(problem.train)
    judged = []
    # By their texts, because variable number 1 and the constant 1.0 are equal for Python.
    for program in {str(program): program for program in programs}.values():
        with np.errstate(all="ignore"):
            error = float(np.mean((evaluate(program, x) - y) ** 2))
        if math.isfinite(error):
            judged.append((len(program), error, program))
    if not judged:
        raise DataError("no formula was found that is finite on every training row.")
    variance = float(np.var(y))
    equations: list[Equation] = []
    for size, error, program in sorted(judged, key=lambda entry: (entry[0], entry[1], str(entry[2]))):
        if not equations or (
            error < equations[-1].error * (1 - _SAME) and equations[-1].error > SMALLEST_ERROR * variance
        ):
            equations.append(Equation(write(program, problem.variables), size, error))
    front = Front(tuple(equations), 0, problem.variables, problem.target, variance, len(y))
    return replace(front, chosen=choose(front, select))


def choose(front: Front, select: str) -> int:
    """Which equation a criterion, one of ``SELECTIONS``, takes."""
    counts = [len(constants(parse(equation.expression, front.variables))) for equation in front.equations]
    return SELECTIONS[select](front.equations, counts, front.variance, front.rows)


def by_error(equations: Sequence[Equation], counts: Sequence[int], variance: float, rows: int) -> int:
    """The smallest error."""
    return len(equations) - 1


def by_aic(equations: Sequence[Equation], counts: Sequence[int], variance: float, rows: int) -> int:
    """The smallest Akaike information criterion, each node counted as a parameter: to predict, not to explain."""
    return int(np.argmin([rows * _log(e, variance) + 2 * e.complexity for e in equations]))


def by_bic(equations: Sequence[Equation], counts: Sequence[int], variance: float, rows: int) -> int:
    """The smallest Bayesian information criterion, each node counted as a parameter."""
    return int(np.argmin([rows * _log(e, variance) + e.complexity * math.log(rows) for e in equations]))


def by_mdl(equations: Sequence[Equation], counts: Sequence[int], variance: float, rows: int) -> int:
    """The smallest description length: nodes at log 20 each, constants at half the logarithm of the rows."""
    lengths = [
        rows / 2 * _log(e, variance) + e.complexity * math.log(20) + count / 2 * math.log(rows)
        for e, count in zip(equations, counts, strict=True)
    ]
    return int(np.argmin(lengths))


def by_knee(equations: Sequence[Equation], counts: Sequence[int], variance: float, rows: int) -> int:
    """The steepest fall of the logarithm of the error per node (PySR's score)."""
    if len(equations) == 1:
        return 0
    falls = [(_log(a, variance) - _log(b, variance)) / (b.complexity - a.complexity) for a, b in pairwise(equations)]
    return 1 + int(np.argmax(falls))


SELECTIONS = {"bic": by_bic, "aic": by_aic, "mdl": by_mdl, "knee": by_knee, "best": by_error}


def _log(equation: Equation, variance: float) -> float:
    relative = equation.error / variance if variance > 0 else equation.error
    return math.log(max(relative, SMALLEST_ERROR))
