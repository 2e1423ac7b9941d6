"""Pictures of fronts and of what a formula predicts."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from plugins.symbolic.types import Front, Problem, arrays


def front(formula: Front) -> Figure:
    """Relative error against complexity, the chosen equation marked."""
    figure = Figure(figsize=(6.5, 4.2), layout="constrained")
    axes = figure.subplots()
    sizes = [equation.complexity for equation in formula.equations]
    variance = formula.variance or 1.0
    errors = [max(equation.error / variance, 1e-34) for equation in formula.equations]
    axes.step(sizes, errors, where="post", color="0.6", linewidth=1)
    axes.plot(sizes, errors, "o", color="tab:blue", markersize=5)
    axes.plot(sizes[formula.chosen], errors[formula.chosen], "o", color="tab:red", markersize=10, fillstyle="none")
    axes.set(yscale="log", xlabel="complexity (nodes)", ylabel="mean squared error / variance of the target")
    axes.set_title("Front of error against complexity; the chosen formula is ringed", fontsize=11)
    axes.grid(alpha=0.3)
    return figure


def predictions(problem: Problem, formula: Front) -> Figure:
    """Predicted against true values, and residuals against predictions, inside and outside the training range."""
    parts = {"train": problem.train, "test": problem.test}
    if problem.extrapolation is not None:
        parts["extrapolation"] = problem.extrapolation
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    colours = {"extrapolation": "tab:orange", "train": "0.6", "test": "tab:blue"}
    for name in ("extrapolation", "train", "test"):
        if name not in parts:
            continue
        x, y = arrays(parts[name])
        predicted = formula.predict(x)
        usable = np.isfinite(predicted)
        left.plot(y[usable], predicted[usable], ".", color=colours[name], markersize=4, alpha=0.6, label=name)
        right.plot(predicted[usable], (y - predicted)[usable], ".", color=colours[name], markersize=4, alpha=0.6)
    left.axline((0, 0), slope=1, color="0.3", linewidth=0.8)
    left.set(xlabel=f"{problem.target}, true", ylabel=f"{problem.target}, predicted")
    left.legend(frameon=False)
    right.axhline(0, color="0.3", linewidth=0.8)
    right.set(xlabel=f"{problem.target}, predicted", ylabel="residual")
    return figure
