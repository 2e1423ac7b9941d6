"""Formulas that tell two classes apart: the search on the labels 0 and 1, then each formula's constants by likelihood.

The probability is the logistic function of the formula, as in gplearn's SymbolicClassifier.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from pipeline.context import Context
from pipeline.errors import DataError
from pipeline.types import Table
from plugins.symbolic.engine.search import Search
from plugins.symbolic.folding import folded
from plugins.symbolic.grammar import brief, parse, write
from plugins.symbolic.models import reported, settings
from plugins.symbolic.programs import Program, constants, evaluate, gradient, with_constants
from plugins.symbolic.types import Classifier, Equation, Problem, arrays

if TYPE_CHECKING:
    from plugins.symbolic import stages

_RIDGE = 1e-6
"""What a squared unit of the logit costs beside the mean log loss: separable classes have no finite optimum."""


def search(stage: stages.GplearnClassifier, problem: Problem, context: Context) -> Classifier:
    """The front of log loss against size, one chosen by the Bayesian information criterion."""
    x, y = arrays(problem.train)
    levels = np.unique(y)
    if len(levels) != 2:
        raise DataError(
            f"the target {problem.target!r} has {len(levels)} different values in the training rows; a classifier "
            "tells two apart. For a number use symbolic.gplearn."
        )
    labels = (y == levels[1]).astype(float)
    found = Search(x, labels, settings(stage), context.seed).run(reported(context))
    prior = float(np.log(labels.mean() / (1 - labels.mean())))
    fitted = [((prior,), log_loss((prior,), x, labels)), *(by_likelihood(program, x, labels) for program in found)]
    equations: list[Equation] = []
    for program, loss in sorted(fitted, key=lambda entry: (len(entry[0]), entry[1])):
        if math.isfinite(loss) and (not equations or loss < equations[-1].error * (1 - 1e-6)):
            equations.append(Equation(write(program, problem.variables), len(program), loss))
    rows = len(y)
    chosen = int(np.argmin([2 * rows * e.error + e.complexity * math.log(rows) for e in equations]))
    classes = problem.classes or tuple(f"{level:g}" for level in levels)
    return Classifier(tuple(equations), chosen, problem.variables, problem.target, classes)


def by_likelihood(program: Program, x: np.ndarray, labels: np.ndarray) -> tuple[Program, float]:
    """a + b f with a, b and the constants of f by maximum likelihood (L-BFGS), and its mean log loss."""
    values = evaluate(program, x)
    spread = float(values.std())
    if not math.isfinite(spread) or spread == 0:
        return program, math.inf
    slope = 2.0 / spread * (1 if np.corrcoef(values, labels)[0, 1] > 0 else -1)
    inner = constants(program)
    start = np.array([-slope * float(values.mean()), slope, *inner])

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, slopes = gradient(with_constants(program, theta[2:]), x)
        with np.errstate(all="ignore"):
            logit = theta[0] + theta[1] * value
            error = (_sigmoid(logit) - labels) / len(labels) + 2 * _RIDGE * logit / len(labels)
            total = float(np.mean(np.logaddexp(0, logit) - labels * logit) + _RIDGE * np.mean(logit**2))
            steps = np.array([error.sum(), error @ value, *(theta[1] * (slopes @ error))])
        return (total, steps) if math.isfinite(total) and np.isfinite(steps).all() else (1e10, np.zeros_like(theta))

    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    result = folded(("add", float(best[0]), "mul", float(best[1]), *with_constants(program, best[2:])))
    return result, log_loss(result, x, labels)


def log_loss(program: Program, x: np.ndarray, labels: np.ndarray) -> float:
    """The mean negative logarithm of the probability of the true class; infinite where the formula is not finite."""
    logit = evaluate(program, x)
    loss = float(np.mean(np.logaddexp(0, logit) - labels * logit))
    return loss if math.isfinite(loss) else math.inf


def probability(expression: str, variables: tuple[str, ...], x: np.ndarray) -> np.ndarray:
    """Of the second class, shape (n,); one half where the formula is undefined."""
    logit = evaluate(parse(expression, variables), x)
    return np.where(np.isnan(logit), 0.5, _sigmoid(np.nan_to_num(logit, nan=0.0)))


def judge(problem: Problem, model: Classifier, context: Context) -> dict[str, float]:
    """Accuracy, area under the ROC curve and log loss on the test rows, and the accuracy of always saying the same."""
    from sklearn.metrics import accuracy_score, roc_auc_score
    from sklearn.metrics import log_loss as mean_log_loss

    levels = np.unique(arrays(problem.train)[1])
    x, y = arrays(problem.test)
    labels = (y == levels[1]).astype(int)
    chance = model.predict(x)
    metrics = {
        "accuracy": float(accuracy_score(labels, chance > 0.5)),
        "log_loss": float(mean_log_loss(labels, chance, labels=[0, 1])),
        "majority": _majority(problem.train, levels, labels),
        "complexity": float(model.equations[model.chosen].complexity),
    }
    if 0 < labels.mean() < 1:
        metrics["roc_auc"] = float(roc_auc_score(labels, chance))
    context.log(metrics)
    context.table("front", [vars(equation) for equation in model.equations])
    best = brief(model.equations[model.chosen].expression, problem.variables)
    context.text("formula", f"P({problem.target} = {model.classes[1]}) = 1/(1 + exp(-({best})))\n")
    return metrics


def _majority(train: Table, levels: np.ndarray, labels: np.ndarray) -> float:
    more = float((arrays(train)[1] == levels[1]).mean()) >= 0.5
    return float((labels == more).mean())


def _sigmoid(logit: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return np.asarray(expit(logit))
