"""What the stages of the `multitask` plugin draw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure


def affinity(cosines: np.ndarray, tasks: Sequence[str]) -> Figure:
    """The mean cosine of each two tasks' gradients: below 0 they want opposite things of the shared weights."""
    size = 2.5 + 0.5 * len(tasks)
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(cosines, cmap="RdBu", vmin=-1, vmax=1)
    for row, column in np.ndindex(*cosines.shape):
        colour = "white" if abs(cosines[row, column]) > 0.6 else "black"
        axes.text(column, row, f"{cosines[row, column]:.2f}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(tasks)), tasks, rotation=45, ha="right")
    axes.set_yticks(range(len(tasks)), tasks)
    axes.set_title("Do the tasks agree?")
    figure.colorbar(image, label="cosine of gradients, mean over epochs", shrink=0.8)
    return figure


def gains(gain: np.ndarray, tasks: Sequence[str]) -> Figure:
    """What each task gained by being learnt together with the others."""
    figure = Figure(figsize=(6, 1.2 + 0.35 * len(tasks)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(tasks)), gain, color=["C0" if value >= 0 else "C3" for value in gain])
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(tasks)), tasks)
    axes.invert_yaxis()
    axes.set(title=f"Together against alone (mean {gain.mean():+.2f} %)", xlabel="gain in percent")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
