"""What is found out about the chosen formula: how well it predicts, inside and outside, and whether it is the law."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pipeline.context import Context
from pipeline.types import Table
from plugins.symbolic import figures
from plugins.symbolic.equivalence import is_equivalent
from plugins.symbolic.grammar import parse
from plugins.symbolic.types import Front, Problem, Verdict, arrays

if TYPE_CHECKING:
    from plugins.symbolic import stages


def verify(stage: stages.Verify, problem: Problem, formula: Front, context: Context) -> Verdict:
    """R2 and RMSE on test and extrapolation rows, recovery of a known law, and the pictures that show why."""
    metrics = {"complexity": float(formula.best.complexity)}
    metrics |= scores(formula, problem.train, "train") | scores(formula, problem.test, "test")
    if problem.extrapolation is not None:
        metrics |= scores(formula, problem.extrapolation, "extrapolation")
    recovered = None
    if problem.truth is not None:
        program = parse(formula.best.expression, problem.variables)
        x, _ = arrays(problem.test)
        recovered = is_equivalent(program, parse(problem.truth, problem.variables), x)
        metrics["recovered"] = float(recovered)
    context.log(metrics)
    context.table("front", [vars(equation) for equation in formula.equations])
    context.text("formula", f"{problem.target} = {formula.best.expression}\n")
    context.figure("predictions", figures.predictions(problem, formula))
    return Verdict(formula.best.expression, recovered, metrics)


def scores(formula: Front, table: Table, part: str) -> dict[str, float]:
    """R2 and root mean squared error; an undefined prediction counts as the mean of what is defined."""
    x, y = arrays(table)
    predicted = formula.predict(x)
    with np.errstate(all="ignore"):
        usable = np.isfinite(predicted) & (np.abs(predicted) < 1e100)
        filled = np.where(usable, predicted, np.mean(predicted[usable]) if usable.any() else 0.0)
        error = float(np.mean((filled - y) ** 2))
    spread = float(np.var(y))
    r2 = 1 - error / spread if spread > 0 else float(error == 0)
    return {f"r2_{part}": r2, f"rmse_{part}": math.sqrt(error)}
