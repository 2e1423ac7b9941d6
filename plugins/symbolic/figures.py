"""Pictures of fronts and of what a formula predicts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from plugins.symbolic.engine.search import Progress
from plugins.symbolic.functions import FUNCTIONS
from plugins.symbolic.grammar import parse
from plugins.symbolic.programs import Program, arguments
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


def generations(seen: Sequence[Progress]) -> Figure:
    """The best error and its program's size, generation by generation; restarts are dotted."""
    figure = Figure(figsize=(6.5, 4.2), layout="constrained")
    axes = figure.subplots()
    numbers = [progress.generation for progress in seen]
    axes.plot(numbers, [max(progress.error, 1e-34) for progress in seen], ".-", color="tab:blue")
    axes.set(yscale="log", xlabel="generation")
    axes.set_ylabel("best relative error", color="tab:blue")
    sizes = axes.twinx()
    sizes.plot(numbers, [progress.size for progress in seen], drawstyle="steps-post", color="tab:orange", alpha=0.7)
    sizes.set_ylabel("its size (nodes)", color="tab:orange")
    for before, after in pairwise(seen):
        if after.restarts > before.restarts:
            axes.axvline(after.generation, color="0.5", linestyle=":", linewidth=1)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def tree(formula: Front) -> Figure:
    """The chosen formula as a tree: functions in blue, variables in green, constants in grey."""
    nodes: list[tuple[float, int, str, str]] = []
    edges: list[tuple[tuple[float, int], tuple[float, int]]] = []
    width = _placed(parse(formula.best.expression, formula.variables), formula.variables, 0, 0.0, nodes, edges)[1]
    depth = max(level for _, level, _, _ in nodes)
    figure = Figure(figsize=(max(3.0, 0.85 * width), max(1.5, 0.85 * (depth + 1))), layout="constrained")
    axes = figure.subplots()
    for (left, above), (right, below) in edges:
        axes.plot([left, right], [-above, -below], color="0.6", linewidth=1, zorder=1)
    for place, level, text, colour in nodes:
        axes.text(
            place, -level, text, ha="center", va="center", fontsize=10, zorder=2,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": "0.4", "linewidth": 0.7},
        )  # fmt: skip
    axes.set(xlim=(-0.7, width - 0.3), ylim=(-depth - 0.5, 0.5))
    axes.set_axis_off()
    return figure


_SIGNS = {"add": "+", "sub": "\u2212", "mul": "\u00d7", "div": "\u00f7", "neg": "\u2212", "pow": "^",
          "square": "( )\u00b2", "sqrt": "\u221a", "inv": "1/( )", "abs": "| |"}  # fmt: skip


def _placed(
    program: Program,
    variables: Sequence[str],
    level: int,
    start: float,
    nodes: list[tuple[float, int, str, str]],
    edges: list[tuple[tuple[float, int], tuple[float, int]]],
) -> tuple[float, float]:
    """Note a subtree's nodes and edges from ``start`` on; its root's place, and where it ends."""
    head = program[0]
    if not isinstance(head, str):
        text = variables[head] if isinstance(head, int) else f"{head:.4g}"
        nodes.append((start, level, text, "#d5ecd4" if isinstance(head, int) else "#ececec"))
        return start, start + 1
    below, stop = [], start
    for argument in arguments(program):
        place, stop = _placed(argument, variables, level + 1, stop, nodes, edges)
        below.append(place)
    middle = sum(below) / len(below)
    assert FUNCTIONS[head].arity == len(below)
    nodes.append((middle, level, _SIGNS.get(head, head), "#d3e3f5"))
    edges.extend(((middle, level), (place, level + 1)) for place in below)
    return middle, stop


def extrapolation(problem: Problem, formula: Front) -> Figure:
    """Errors against how far a row lies outside the training range, in widths of the variable that leaves it most."""
    inner, _ = arrays(problem.train)
    low, high = inner.min(axis=0), inner.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    spread = float(problem.train.target.to_numpy().std()) or 1.0
    figure = Figure(figsize=(6.5, 4.2), layout="constrained")
    axes = figure.subplots()
    parts = {"test": (problem.test, "tab:blue"), "extrapolation": (problem.extrapolation, "tab:orange")}
    for name, (table, colour) in parts.items():
        if table is None:
            continue
        x, y = arrays(table)
        beyond = np.maximum(np.maximum(low - x, x - high) / width, 0).max(axis=1)
        error = np.abs(formula.predict(x) - y) / spread
        usable = np.isfinite(error)
        axes.plot(beyond[usable], np.maximum(error[usable], 1e-17), ".", color=colour, alpha=0.5, label=name)
    axes.set(yscale="log", xlabel="distance outside the training range (widths of the range)")
    axes.set_ylabel("|error| / deviation of the target")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    return figure


def forms(counts: Sequence[tuple[str, int]], own: str) -> Figure:
    """How often each form was found; the chosen formula's is red."""
    shown = list(counts[:12])[::-1]
    figure = Figure(figsize=(8, 1.2 + 0.4 * len(shown)), layout="constrained")
    axes = figure.subplots()
    labels = [text if len(text) <= 60 else f"{text[:57]}..." for text, _ in shown]
    colours = ["tab:red" if text == own else "tab:blue" for text, _ in shown]
    axes.barh(range(len(shown)), [times for _, times in shown], color=colours, height=0.6)
    axes.set_yticks(range(len(shown)), labels, fontsize=9)
    axes.set(xlabel="times found")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title("Forms that repeated searches found, constants apart; the chosen one is red", fontsize=11)
    return figure
