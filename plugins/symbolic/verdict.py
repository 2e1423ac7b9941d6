"""What is found out about the chosen formula: how well it predicts, inside and outside, and whether it is the law."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pipeline.context import Context
from pipeline.types import Table
from plugins.symbolic import figures
from plugins.symbolic.equivalence import is_equivalent
from plugins.symbolic.grammar import brief, parse
from plugins.symbolic.refine import consistent
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
    context.text("formula", f"{problem.target} = {brief(formula.best.expression, problem.variables)}\n")
    if problem.units:
        agrees = consistent(parse(formula.best.expression, problem.variables), problem)
        metrics["units_agree"] = float(agrees)
        context.log({"units_agree": float(agrees)})
    context.table("residuals", residuals(formula, problem.test))
    context.figure("tree", figures.tree(formula))
    context.figure("predictions", figures.predictions(problem, formula))
    if problem.extrapolation is not None:
        context.figure("extrapolation", figures.extrapolation(problem, formula))
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


def residuals(formula: Front, table: Table) -> list[dict[str, object]]:
    """What is left in the residuals: rank correlation with each variable, of their size with the prediction, and shape.

    A correlation that chance would not give (p below 0.01) says that the formula misses something.
    """
    from scipy.stats import kurtosis, skew, spearmanr

    x, y = arrays(table)
    predicted = formula.predict(x)
    usable = np.isfinite(predicted)
    left = (y - predicted)[usable]
    if len(left) < 4 or float(np.std(left)) <= 1e-12 * max(float(np.std(y)), 1e-300):
        return [{"question": "residuals are rounding, or too few to say", "value": float(np.std(left)), "p": None}]
    rows: list[dict[str, object]] = [
        {"question": "skewness", "value": float(skew(left)), "p": None},
        {"question": "excess kurtosis", "value": float(kurtosis(left)), "p": None},
    ]
    asked = {f"correlation with {name}": x[usable, place] for place, name in enumerate(formula.variables[:50])}
    for question, values in asked.items():
        if np.ptp(values) > 0:
            found = spearmanr(values, left)
            rows.append({"question": question, "value": float(found.statistic), "p": float(found.pvalue)})
    if np.ptp(predicted[usable]) > 0:
        found = spearmanr(predicted[usable], np.abs(left))
        rows.append({"question": "size against prediction", "value": float(found.statistic), "p": float(found.pvalue)})
    return rows
