"""What the stages of the `meta` plugin draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from torch import Tensor

    from plugins.meta.episodes import Episodes


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


def adaptation(means: np.ndarray, halves: np.ndarray, measure: str) -> Figure:
    """Mean over the test tasks by the number of gradient steps, with its 95 % interval."""
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    steps = np.arange(len(means))
    axes.plot(steps, means, marker="o", markersize=4)
    axes.fill_between(steps, means - halves, means + halves, alpha=0.25, linewidth=0, label="95 % interval")
    names = {"mse": "mean squared error", "accuracy": "accuracy"}
    axes.set(title="Adaptation to new tasks", xlabel="gradient steps", ylabel=names[measure])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
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
        axes.plot(grid, after[task, :, 0].cpu(), color="C0", label=f"after {steps} step{'s' * (steps != 1)}")
        points = episodes.support_inputs[task, :, 0].cpu(), episodes.support_targets[task, :, 0].cpu()
        axes.scatter(*points, color="black", s=14, zorder=3, label="support set")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("x")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.suptitle("New functions, before and after adaptation")
    return figure
