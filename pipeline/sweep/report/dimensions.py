"""Pictures of the space: importance, slices, contour, parallel coordinates, the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from pipeline.sweep.report.progress import BEST, OTHER, STOPPED
from pipeline.sweep.report.study import Column, Study

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.tri import Triangulation

MOST_SLICES = 12
MAP = "viridis_r"
ROOM = 28
"""So many letters of labels stand side by side below a slice."""


def importances(shares: Mapping[str, float]) -> Figure | None:
    """One bar for each dimension."""
    if not shares:
        return None
    figure = Figure(figsize=(7.5, 1.0 + 0.35 * len(shares)), layout="constrained")
    axis = figure.subplots()
    names = list(shares)[::-1]
    axis.barh(names, [shares[name] for name in names], color=BEST)
    axis.set_xlabel("share of the explained variance (fANOVA)")
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def slices(study: Study, shares: Mapping[str, float]) -> Figure | None:
    """The objective over each dimension, the most important first; darker is later."""
    columns = sorted((c for c in study.columns if c.varies), key=lambda c: -shares.get(c.name, 0))[:MOST_SLICES]
    if not columns or len(study.points) < 2:
        return None
    across = min(3, len(columns))
    down = math.ceil(len(columns) / across)
    figure = Figure(figsize=(2.9 * across + 0.6, 2.5 * down), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    values = [point.values[0] for point in study.points]
    for axis, column in zip(axes, columns, strict=False):
        axis.scatter(column.values, values, c=range(len(values)), cmap="Blues", vmin=-len(values), s=14)
        best = next(index for index, point in enumerate(study.points) if point is study.best)
        axis.plot(column.values[best], values[best], "*", color=STOPPED, ms=9, markeredgecolor="white", mew=0.5)
        _scale(axis, column, "x")
        axis.set_xlabel(column.name, fontsize=8)
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[len(columns) :]:
        axis.set_visible(False)
    figure.supylabel(study.objective.metric, fontsize=9)
    return figure


def contour(study: Study, shares: Mapping[str, float]) -> Figure | None:
    """The two most important numbers against each other, and the objective as interpolated between the points."""
    ranked = [name for name in shares if not _named(study, name).labels]
    if len(ranked) < 2:
        return None
    across, up = (_named(study, name) for name in ranked[:2])
    rows = [
        (x, y, point.values[0])
        for x, y, point in zip(across.values, up.values, study.points, strict=True)
        if not (math.isnan(x) or math.isnan(y))
    ]
    if len({row[:2] for row in rows}) < 6:
        return None
    import numpy as np

    xs, ys, values = np.array(rows).T
    low, high = np.quantile(values, [0.0, 0.9] if study.objective.mode == "min" else [0.1, 1.0])
    figure = Figure(figsize=(6.5, 4.8), layout="constrained")
    axis = figure.subplots()
    colours = MAP if study.objective.mode == "max" else "viridis"
    if (mesh := _mesh(across, up, xs, ys)) is not None:
        axis.tricontourf(mesh, np.clip(values, low, high), levels=12, cmap=colours, alpha=0.8)
    dots = axis.scatter(
        xs, ys, c=np.clip(values, low, high), cmap=colours, edgecolor="white", s=30, clip_on=False, zorder=3
    )
    _scale(axis, across, "x")
    _scale(axis, up, "y")
    axis.set_xlabel(across.name)
    axis.set_ylabel(up.name)
    figure.colorbar(dots, label=study.objective.metric)
    return figure


def parallel(study: Study) -> Figure | None:
    """One line for each configuration through its dimensions to its value; the best in colour, on top."""
    columns = [column for column in study.columns if column.varies]
    if not columns or len(study.points) < 2:
        return None
    values = Column(study.objective.metric, tuple(point.values[0] for point in study.points))
    every = [*columns, values]
    heights = [_heights(column) for column in every]
    order = sorted(range(len(study.points)), key=lambda i: -study.objective.sign * values.values[i], reverse=False)
    figure = Figure(figsize=(max(7.5, 1.4 * len(every)), 4.2), layout="constrained")
    axis = figure.subplots()
    from matplotlib import colormaps

    shades = colormaps["Blues"]
    for rank, index in enumerate(order):
        places = [(x, h[index]) for x, h in enumerate(heights) if not math.isnan(h[index])]
        colour = shades(0.15 + 0.85 * (rank + 1) / len(order))
        axis.plot(*zip(*places, strict=True), color=colour, lw=2.2 if rank == len(order) - 1 else 0.9, alpha=0.9)
    for x, column in enumerate(every):
        axis.axvline(x, color="0.8", lw=0.8, zorder=0)
        _ends(axis, x, column)
    axis.set_xticks(range(len(every)), [column.name.replace(".", ".\n") for column in every], fontsize=8)
    axis.tick_params("x", length=0, pad=14)
    axis.set_yticks([])
    axis.set_xlim(-0.3, len(every) - 0.7)
    axis.set_ylim(-0.02, 1.02)
    axis.spines[["top", "right", "left", "bottom"]].set_visible(False)
    return figure


def pareto(study: Study) -> Figure | None:
    """Every configuration in the first two objectives, and those that no other beats."""
    if len(study.objectives) < 2 or not study.points:
        return None
    figure = Figure(figsize=(6.5, 4.8), layout="constrained")
    axis = figure.subplots()
    front = sorted((point for point in study.points if point.number in study.front), key=lambda p: p.values[0])
    axis.plot([p.values[0] for p in study.points], [p.values[1] for p in study.points], "o", color=OTHER, ms=4)
    axis.plot([p.values[0] for p in front], [p.values[1] for p in front], "o-", color=BEST, label="Pareto front")
    for place, objective in zip(("x", "y"), study.objectives, strict=False):
        better = "higher" if objective.mode == "max" else "lower"
        getattr(axis, f"set_{place}label")(f"{objective.metric}  ({better} is better)")
    axis.legend(frameon=False)
    axis.grid(alpha=0.25)
    return figure


def _named(study: Study, name: str) -> Column:
    return next(column for column in study.columns if column.name == name)


def _mesh(across: Column, up: Column, xs: np.ndarray, ys: np.ndarray) -> Triangulation | None:
    """Triangles between the points as they lie in the picture; None where all are on one line."""
    import numpy as np
    from matplotlib.tri import Triangulation

    places = np.column_stack([np.log(v) if column.log else v for column, v in ((across, xs), (up, ys))])
    places = (places - places.min(axis=0)) / (np.ptp(places, axis=0) + 1e-300)
    if np.linalg.matrix_rank(places - places[0]) < 2:
        return None
    return Triangulation(xs, ys, Triangulation(*places.T).triangles)


def _scale(axis: Any, column: Column, which: str) -> None:
    if column.log:
        from matplotlib.ticker import NullFormatter

        getattr(axis, f"set_{which}scale")("log")
        present = [value for value in column.values if not math.isnan(value)]
        low, high = min(present), max(present)
        if high < 100 * low:
            # Too few powers of ten for ticks.
            ticks = [low * (high / low) ** (third / 3) for third in range(4)]
            ticks = [round(tick) if low.is_integer() and high.is_integer() else tick for tick in ticks]
            getattr(axis, f"set_{which}ticks")(ticks, [f"{tick:.3g}" for tick in ticks])
            getattr(axis, f"{which}axis").set_minor_formatter(NullFormatter())
    if column.labels:
        getattr(axis, f"set_{which}ticks")(range(len(column.labels)), column.labels)
        if which == "x" and sum(map(len, column.labels)) > ROOM:
            axis.tick_params("x", labelrotation=30)
            for label in axis.get_xticklabels():
                label.set(ha="right", rotation_mode="anchor")


def _heights(column: Column) -> list[float]:
    values = [math.log(v) if column.log and not math.isnan(v) else v for v in column.values]
    present = [value for value in values if not math.isnan(value)]
    low, high = min(present), max(present)
    return [(value - low) / (high - low) if high > low else 0.5 for value in values]


def _ends(axis: Any, x: int, column: Column) -> None:
    present = [value for value in column.values if not math.isnan(value)]
    ends = column.labels[:1] + column.labels[-1:] if column.labels else (f"{min(present):.3g}", f"{max(present):.3g}")
    for height, text in zip((-0.035, 1.035), ends, strict=False):
        axis.text(x, height, text, ha="center", va="top" if height < 0 else "bottom", fontsize=7)
