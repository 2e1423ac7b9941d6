"""What the stages of the `meta` plugin draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from plugins.meta.episodes import Episodes, half_interval

if TYPE_CHECKING:
    from torch import Tensor

MOST_ROWS, MOST_SUPPORT, MOST_QUERIES = 10, 5, 8


def training(history: Sequence[dict[str, float]], every: int) -> Figure:
    """The loss on training and validation tasks by iteration."""
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    iterations = every * np.arange(1, len(history) + 1)
    axes.plot(iterations, [metrics["loss"] for metrics in history], color="0.6", label="training tasks")
    axes.plot(iterations, [metrics["validation_loss"] for metrics in history], label="validation tasks")
    axes.set(title="Meta-training", xlabel="iteration", ylabel="loss")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def adaptation(curves: Mapping[str, tuple[Sequence[int], np.ndarray]], measure: str, steps: int, shots: int) -> Figure:
    """Mean and 95 % interval over test tasks, scores (places, tasks), by gradient steps and by shots.

    steps, shots: what the other curve's points have in common.
    """
    figure = Figure(figsize=(1.5 + 4 * len(curves), 3.4), layout="constrained")
    fixed = {"gradient steps": f"{shots} shot{'s' * (shots != 1)}", "shots": f"{steps} step{'s' * (steps != 1)}"}
    panels = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
    # A curve that diverges leaves the picture, so that the rest can be seen.
    first = max(values[0].mean() for _, values in curves.values())
    limit = 2 * first if measure == "mse" else np.inf
    for axes, (name, (places, values)) in zip(panels, curves.items(), strict=True):
        means, halves, at = values.mean(1), half_interval(values), np.array(places)
        shown = means <= limit
        axes.plot(at[shown], means[shown], marker="o", markersize=4)
        low, high = (means - halves)[shown], (means + halves)[shown]
        axes.fill_between(at[shown], low, high, alpha=0.25, linewidth=0, label="95 % interval")
        if not shown.all():
            beyond = f"diverges: beyond {limit:.2g}\nat {', '.join(map(str, at[~shown]))} {name}"
            axes.annotate(beyond, (0.98, 0.75), xycoords="axes fraction", ha="right", va="top", fontsize=9, color="C3")
        axes.set(title=fixed[name] if len(curves) > 1 else "", xlabel=name)
        axes.set_xlim(at.min() - 0.04 * np.ptp(at) - 0.1, at.max() + 0.04 * np.ptp(at) + 0.1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    if measure == "mse":
        panels[0].set_ylim(0, min(panels[0].get_ylim()[1], limit))
    panels[0].set_ylabel({"mse": "mean squared error", "accuracy": "accuracy"}[measure])
    panels[-1].legend(frameon=False)
    figure.suptitle(f"Adaptation to {values.shape[1]} new tasks")
    return figure


def episode(shown: Episodes, answers: Tensor) -> Figure:
    """One task of pictures: a row for each class, its support set at the left, its queries at the right.

    A query told right is framed in blue, one told wrong in red, with the row of the class it was taken for.
    """
    support, query = (inputs[0].mean(1).cpu().numpy() for inputs in (shown.support_inputs, shown.query_inputs))
    labels, wanted = shown.support_targets[0].cpu().numpy(), shown.query_targets[0].cpu().numpy()
    given = answers.cpu().numpy()
    rows = min(MOST_ROWS, int(labels.max()) + 1)
    examples = min(MOST_SUPPORT, int((labels == 0).sum()))
    questions = min(MOST_QUERIES, max(int((wanted == row).sum()) for row in range(rows)))
    figure = Figure(figsize=(0.75 * (examples + questions) + 1.2, 0.75 * rows + 0.9), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[examples + 0.6, questions])
    left.suptitle("support", fontsize=10)
    told = f"queries: {(given == wanted).mean():.0%} of all told right"
    right.suptitle(told + (" (red: taken for the class below)" if questions > 3 else ""), fontsize=10)
    panels = left.subplots(rows, examples, squeeze=False)
    for row, line in enumerate(panels):
        for axes, place in zip(line, np.flatnonzero(labels == row), strict=False):
            axes.imshow(support[place], cmap="gray_r", vmin=0, vmax=1)
        line[0].set_ylabel(row + 1, rotation=0, ha="right", va="center")
    asked = right.subplots(rows, questions, squeeze=False)
    for row, line in enumerate(asked):
        for axes, place in zip(line, np.flatnonzero(wanted == row), strict=False):
            axes.imshow(query[place], cmap="gray_r", vmin=0, vmax=1)
            right_answer = given[place] == row
            for spine in axes.spines.values():
                spine.set(edgecolor="C0" if right_answer else "C3", linewidth=2)
            if not right_answer:
                axes.set_xlabel(given[place] + 1, color="C3", fontsize=8, labelpad=1)
    for axes in [*panels.flat, *asked.flat]:
        axes.set(xticks=[], yticks=[])
        if not axes.images:
            axes.set_axis_off()
    return figure


def embedding(support: np.ndarray, query: np.ndarray, shown: Episodes) -> Figure:
    """Where the learner puts one task's examples (n, size): their first two principal components."""
    labels, wanted = shown.support_targets[0].cpu().numpy(), shown.query_targets[0].cpu().numpy()
    centre = query.mean(0)
    axes_of = np.linalg.svd(query - centre, full_matrices=False)[2][:2]
    figure = Figure(figsize=(5.4, 4.2), layout="constrained")
    axes = figure.subplots()
    classes = int(labels.max()) + 1
    colours = matplotlib.colormaps["tab10" if classes <= 10 else "tab20"]
    places, examples = (query - centre) @ axes_of.T, (support - centre) @ axes_of.T
    for label in range(classes):
        axes.scatter(*places[wanted == label].T, s=14, color=colours(label), alpha=0.6, linewidth=0)
        axes.scatter(*examples[labels == label].T, s=130, marker="*", color=colours(label), edgecolor="black",
                     zorder=3, label=label + 1)  # fmt: skip
    axes.set(title="One task as the learner sees it", xlabel="first principal component", ylabel="second")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", frameon=False, title="class\n(star: support)", fontsize=8,
                  ncols=1 if classes <= 10 else 2)  # fmt: skip
    return figure


def worth(rows: Sequence[Mapping[str, Any]], measure: str) -> Figure:
    """Each method's mean and 95 % interval against what its training cost; controls are grey."""
    figure = Figure(figsize=(6.5, 1.4 + 0.4 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        colour = "0.5" if row["control"] else "C0"
        axes.errorbar(row[measure], place, xerr=row["ci95"], fmt="D", color=colour, capsize=3)
        cost = f"{row['compute']:,.3g} GFLOP" if row["compute"] else "no training"
        axes.annotate(cost, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=8, color=colour)
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    better = "higher" if measure == "accuracy" else "lower"
    name = "accuracy" if measure == "accuracy" else "mean squared error"
    axes.set(title="Was it worth it? Controls are grey", xlabel=f"{name} ({better} is better)")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def functions(episodes: Episodes, before: Tensor | None, after: Tensor, steps: int) -> Figure:
    """Some test functions, the points that the learner saw, and what it made of them."""
    count = len(episodes)
    figure = Figure(figsize=(10, 2.9), layout="constrained")
    for task, axes in enumerate(figure.subplots(1, count, sharey=True, squeeze=False)[0]):
        grid = episodes.query_inputs[task, :, 0].cpu()
        axes.plot(grid, episodes.query_targets[task, :, 0].cpu(), color="0.5", label="function")
        if before is not None:
            axes.plot(grid, before[task, :, 0].cpu(), color="C1", linestyle=":", label="before")
        name = "prediction" if before is None else f"after {steps} step{'s' * (steps != 1)}"
        axes.plot(grid, after[task, :, 0].cpu(), color="C0", label=name)
        points = episodes.support_inputs[task, :, 0].cpu(), episodes.support_targets[task, :, 0].cpu()
        axes.scatter(*points, color="black", s=14, zorder=3, label="support set")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("x")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.suptitle("New functions, before and after adaptation" if before is not None else "New functions")
    return figure
