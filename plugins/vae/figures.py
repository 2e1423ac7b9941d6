"""What the stages of the `vae` plugin draw."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.types import Images

if TYPE_CHECKING:
    import pandas as pd


def training(history: Sequence[dict[str, float]], example: str = "picture") -> Figure:
    """The bound on training and validation examples by epoch, and its parts on the latter."""
    epochs = np.arange(1, len(history) + 1)
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    bound, divergence = figure.subplots(1, 2)
    bound.plot(epochs, [metrics["train_elbo"] for metrics in history], label="training", color="0.6")
    bound.plot(epochs, [metrics["elbo"] for metrics in history], label="validation", color="C0")
    # The first epochs would flatten everything that follows.
    settled = [metrics[name] for metrics in history[len(history) // 10 :] for name in ("train_elbo", "elbo")]
    margin = 0.05 * (max(settled) - min(settled)) or 1
    bound.set(
        title="Evidence lower bound", ylabel=f"nats per {example}", ylim=(min(settled) - margin, max(settled) + margin)
    )
    bound.legend(frameon=False, loc="lower right")
    divergence.plot(epochs, [metrics["kl"] for metrics in history], color="C1")
    divergence.set(title="KL divergence from the prior (validation)", ylabel=f"nats per {example}")
    divergence.set_ylim(bottom=0)
    for axes in (bound, divergence):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def reconstructions(originals: Images, reconstructed: Images, elbo: float, columns: int = 10) -> Figure:
    """Test pictures, and below each its reconstruction."""
    columns = min(columns, len(originals))
    rows = ceil(len(originals) / columns)
    both = np.ones((2 * rows * columns, *originals.shape), np.float32)
    places = np.arange(len(originals)) + np.arange(len(originals)) // columns * columns
    both[places], both[places + columns] = originals.scaled(), reconstructed.scaled()
    title = f"Test pictures and their reconstructions (evidence lower bound {elbo:.1f} nats)"
    return _sheet(Images(both), columns, title, rows=["picture", "reconstruction"] * rows)


def samples(images: Images, columns: int = 10, title: str = "Pictures drawn from the model") -> Figure:
    """Pictures drawn from the model."""
    columns = min(columns, len(images))
    return _sheet(images.take(np.arange(min(len(images), 10 * columns))), columns, title)


def samples_by_class(images: Images, most: int = 12) -> Figure:
    """Pictures drawn of each class in turn, as a conditional model does: a column for each class, at most 12."""
    chosen = [np.flatnonzero(images.labels == label)[:10] for label in np.unique(images.labels)[:most]]
    rows = min(map(len, chosen))
    order = np.stack([index[:rows] for index in chosen], 1).ravel()
    names = [images.classes[images.labels[index[0]]] for index in chosen]
    return _sheet(images.take(order), len(chosen), "Pictures drawn from the model, by class", columns_named=names)


def importance(importance: np.ndarray, factors: Sequence[str]) -> Figure:
    """What each latent dimension (column) adds to telling each factor (row), (d, f)."""
    order = np.lexsort((-importance.max(1), importance.argmax(1)))
    figure = Figure(figsize=(1.8 + 0.45 * len(importance), 1.4 + 0.42 * len(factors)), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(importance[order].T, cmap="Blues", vmin=0, vmax=1)
    axes.set_yticks(np.arange(len(factors)), factors)
    axes.set_xticks(np.arange(len(order)), [str(dimension) for dimension in order])
    axes.set(title="Which latent dimension tells which factor", xlabel="latent dimension")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(picture, ax=axes, label="importance", shrink=0.9)
    return figure


def interpolation(ends: Images, between: Images) -> Figure:
    """Row by row: a test picture, decoded points on the way from its code to another's, and that other picture."""
    pairs = len(ends) // 2
    steps = len(between) // pairs
    originals = ends.scaled().reshape(pairs, 2, *ends.shape)
    decoded = between.scaled().reshape(pairs, steps, *ends.shape)
    rows = np.concatenate([originals[:, :1], decoded, originals[:, 1:]], axis=1)
    names = ["picture", *(f"{weight:.2f}" for weight in np.linspace(0, 1, steps)), "picture"]
    title = "From one test picture to another through the latent space"
    return _sheet(Images(rows.reshape(-1, *ends.shape)), steps + 2, title, columns_named=names)


def traversal(images: Images, dimensions: Sequence[int], values: Sequence[float]) -> Figure:
    """Row by row one latent dimension, moved from left to right while all others stay."""
    return _sheet(
        images,
        len(values),
        "One latent dimension at a time, moved by standard deviations of the codes",
        rows=[f"z {dimension}" for dimension in dimensions],
        columns_named=[f"{value:+.1f}" for value in values],
    )


def manifold(images: Images) -> Figure:
    """A grid of decoded points of a plane."""
    title = "The latent plane, decoded at equal quantiles of the prior"
    return _sheet(images, round(len(images) ** 0.5), title)


def rate_distortion(frame: pd.DataFrame) -> Figure:
    """Models as points (columns model, rate, distortion), with the lines on which the bound is the same."""
    figure = Figure(figsize=(6.4, 5), layout="constrained")
    axes = figure.subplots()
    rate, distortion = frame["rate"].to_numpy(), frame["distortion"].to_numpy()
    axes.plot(rate, distortion, "o-", color="C0")
    for model, x, y in zip(frame["model"], rate, distortion, strict=True):
        axes.annotate(model, (x, y), xytext=(6, 6), textcoords="offset points", fontsize=9)
    axes.margins(0.15)
    limits = axes.get_xlim(), axes.get_ylim()
    best = (rate + distortion).min()
    axes.axline((0, best), slope=-1, color="0.6", linestyle="--", linewidth=1, label=f"bound of {-best:.1f} nats")
    axes.set(
        title="Rate and distortion",
        xlabel="rate: divergence from the prior (nats)",
        ylabel="distortion: what is lost of the picture (nats)",
        xlim=(max(0, limits[0][0]), limits[0][1]),
        ylim=limits[1],
    )
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def kl_per_dimension(kl: np.ndarray) -> Figure:
    """The mean divergence of each latent dimension, from the most used to the least."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots()
    order = np.argsort(-kl)
    axes.bar(np.arange(len(kl)), kl[order], color="C1")
    if len(kl) <= 40:
        axes.set_xticks(np.arange(len(kl)), [str(dimension) for dimension in order])
    axes.set(
        title="What each latent dimension carries",
        xlabel="latent dimension",
        ylabel="KL divergence from the prior (nats)",
    )
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def codes(units: np.ndarray, labels: np.ndarray | None, classes: Sequence[str], most: int = 3000) -> Figure:
    """The codes (n, units) of test pictures in the plane: as they are, or their two principal components."""
    units, labels = units[:most], None if labels is None else labels[:most]
    centred = units - units.mean(axis=0)
    name = "latent dimension"
    if units.shape[1] > 2:
        name = "principal component"
        _, scales, directions = np.linalg.svd(centred, full_matrices=False)
        # The sign of a component means nothing: fixed, so that the picture is the same on every machine.
        directions *= np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(1)])[:, None]
        shares = scales**2 / max((scales**2).sum(), 1e-12)
        plane, names = centred @ directions[:2].T, [f"{name} {i + 1} ({shares[i]:.0%})" for i in range(2)]
    else:
        plane = np.column_stack([units, np.zeros(len(units))])[:, :2]
        names = [f"{name} 0", f"{name} 1" if units.shape[1] > 1 else ""]
    figure = Figure(figsize=(6.6, 5.4), layout="constrained")
    axes = figure.subplots()
    shown = [] if labels is None else np.unique(labels)
    if 1 < len(shown) <= 20:
        colours = colormaps["tab10" if len(shown) <= 10 else "tab20"]
        for number, label in enumerate(shown):
            chosen = plane[labels == label]
            axes.scatter(*chosen.T, s=9, linewidths=0, alpha=0.7, color=colours(number), label=classes[label])
        axes.legend(frameon=False, markerscale=2.5, bbox_to_anchor=(1, 1), loc="upper left")
    else:
        axes.scatter(*plane.T, s=9, linewidths=0, alpha=0.7)
    axes.set(title="Codes of test pictures", xlabel=names[0], ylabel=names[1])
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _sheet(
    images: Images, columns: int, title: str, rows: Sequence[str] = (), columns_named: Sequence[str] = ()
) -> Figure:
    """Pictures side by side on one pair of axes, which is many times faster than axes for each."""
    sheet = images.tiled(columns)
    figure = Figure(figsize=(8, 7.4 * sheet.shape[0] / sheet.shape[1] + 0.6), layout="constrained")
    axes: Axes = figure.subplots()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=1)
    _, height, width = images.shape
    axes.set_yticks(np.arange(len(rows)) * (height + 1) + (height - 1) / 2, rows)
    axes.set_xticks(np.arange(len(columns_named)) * (width + 1) + (width - 1) / 2, columns_named)
    axes.tick_params(length=0, labelsize=9)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=11)
    return figure
