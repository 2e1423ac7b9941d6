"""What the stages of the `multitask` plugin draw."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from plugins.multitask.types import Examples, Grouping

MOST_LINES = 10


def cosines(mean: np.ndarray, tasks: Sequence[str]) -> Figure:
    """The mean cosine of each two tasks' gradients (tasks, tasks): below 0 they want opposite things."""
    return _matrix(mean, tasks, 0.1, "Do the tasks agree?", "cosine of gradients,\nmean over epochs", ".2f")


def affinity(mean: np.ndarray, tasks: Sequence[str]) -> Figure:
    """What a step for one task does to the loss of another (tasks, tasks), in percent of what its own step does."""
    percent = 100 * mean / np.maximum(np.abs(mean.diagonal()), 1e-12)
    figure = _matrix(percent, tasks, 10.0, "Do the tasks help each other?",
                     "percent of what its own step\ntakes away, mean over epochs", ".0f")  # fmt: skip
    figure.axes[0].set(xlabel="its effect on", ylabel="a step for")
    return figure


def grouping(mean: np.ndarray, tasks: Sequence[str], found: Grouping) -> Figure:
    """The affinity with the tasks in the order of their groups, and a frame around each group."""
    order = [column for group in found.groups for column in group]
    figure = affinity(mean[np.ix_(order, order)], [tasks[column] for column in order])
    axes, start = figure.axes[0], 0
    axes.set_title("Which tasks to train together")
    for group in found.groups:
        corner, size = (start - 0.5, start - 0.5), len(group)
        axes.add_patch(Rectangle(corner, size, size, fill=False, edgecolor="black", linewidth=2.5, clip_on=False))
        start += len(group)
    return figure


def cosines_by_epoch(values: np.ndarray, tasks: Sequence[str]) -> Figure:
    """How the agreement of each pair changes while they learn (epochs, tasks, tasks)."""
    figure, axes = _axes("Do the tasks agree, and does it last?", "cosine of gradients")
    epochs = np.arange(1, len(values) + 1)
    pairs = sorted(combinations(range(len(tasks)), 2), key=lambda pair: values[:, pair[0], pair[1]].mean())
    # Of many pairs name those that quarrel and agree most.
    named = pairs if len(pairs) <= MOST_LINES else [*pairs[: MOST_LINES // 2], *pairs[-MOST_LINES // 2 :]]
    for first, second in pairs:
        if (first, second) in named:
            axes.plot(epochs, values[:, first, second], label=f"{tasks[first]}, {tasks[second]}")
        else:
            axes.plot(epochs, values[:, first, second], color="0.85", zorder=1, linewidth=0.8)
    axes.axhline(0, color="black", linewidth=0.8)
    _legend(figure, len(named))
    return figure


def weights(values: np.ndarray, tasks: Sequence[str], balancing: str) -> Figure:
    """How much each task weighed (epochs, tasks); 1 is its fair share."""
    figure, axes = _axes(f"How the tasks are weighed: {balancing.replace('_', ' ')}", "weight, mean over the epoch")
    epochs = np.arange(1, len(values) + 1)
    styles = ("-", "--", ":", "-.")
    for task, name in enumerate(tasks):
        axes.plot(epochs, values[:, task], styles[task // 10 % len(styles)], label=name)
    axes.axhline(1, color="0.7", linewidth=0.8, zorder=1)
    _legend(figure, len(tasks))
    return figure


def gains(gain: np.ndarray, tasks: Sequence[str]) -> Figure:
    """What each task gained by being learnt together with the others."""
    figure = Figure(figsize=(6.5, 1.3 + 0.35 * len(tasks)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(tasks)), gain, color=["C0" if value >= 0 else "C3" for value in gain])
    for row, value in enumerate(gain):
        axes.annotate(f"{value:+.2f}", (value, row), (4 if value >= 0 else -4, 0), textcoords="offset points",
                      ha="left" if value >= 0 else "right", va="center", fontsize=8)  # fmt: skip
    axes.axvline(0, color="black", linewidth=0.8)
    axes.margins(x=0.15)
    axes.set_yticks(range(len(tasks)), tasks)
    axes.invert_yaxis()
    axes.set(title=f"Together against alone (mean {gain.mean():+.2f} %)", xlabel="gain in percent")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def pairs(examples: Examples, classes: Sequence[str]) -> Figure:
    """Some composed pictures with the answers to both tasks."""
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    for number, axes in enumerate(figure.subplots(2, 6).flat):
        if number < len(examples):
            axes.imshow(examples.inputs[number].mean(0), cmap="gray_r", vmin=0, vmax=1)
            answers = [int(value) for value in examples.targets[number]]
            axes.set_title(" and ".join(classes[i] if classes else str(i) for i in answers), fontsize=9)
        axes.set_axis_off()
    figure.suptitle("Top left and bottom right, to be told apart")
    return figure


def _matrix(values: np.ndarray, tasks: Sequence[str], least: float, title: str, label: str, form: str) -> Figure:
    """The values of each two tasks; a task's own would drown them. The colours reach ``least`` or more."""
    values = np.where(np.eye(len(tasks), dtype=bool), np.nan, values)
    limit = max(least, float(np.nanmax(np.abs(values))))
    size = max(3.6, 2.6 + 0.5 * len(tasks))
    figure = Figure(figsize=(size + 1.4, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(values, cmap="RdBu", vmin=-limit, vmax=limit)
    axes.set_facecolor("0.85")
    for row, column in np.argwhere(np.isfinite(values)):
        colour = "white" if abs(values[row, column]) > 0.6 * limit else "black"
        shown = f"{values[row, column]:{form}}"
        axes.text(column, row, shown, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(tasks)), tasks, rotation=45, ha="right")
    axes.set_yticks(range(len(tasks)), tasks)
    axes.set_title(title)
    figure.colorbar(image, label=label, shrink=0.8)
    return figure


def _axes(title: str, label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel="epoch", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _legend(figure: Figure, entries: int) -> None:
    figure.legend(loc="outside right center", frameon=False, fontsize=8 if entries > 4 else 9)
