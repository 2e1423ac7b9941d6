"""What the stages of the `pruning` plugin draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from torch import Tensor, nn


def training(history: Sequence[Mapping[str, float]]) -> Figure:
    """The loss on the training pictures and the accuracy on the validation pictures by epoch."""
    figure, (loss, accuracy) = _two()
    epochs = np.arange(1, len(history) + 1)
    loss.plot(epochs, [metrics["loss"] for metrics in history], color="0.4")
    loss.set(title="Loss (training)", ylabel="nats", yscale="log")
    accuracy.plot(epochs, [100 * metrics["accuracy"] for metrics in history], color="C0")
    accuracy.set(title="Accuracy (validation)", ylabel="%")
    loss.yaxis.set_major_formatter("{x:g}")
    loss.yaxis.set_minor_formatter(NullFormatter())
    loss.set_yticks(_ticks(loss.get_ylim()))
    for axes in (loss, accuracy):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def rounds(history: Sequence[Mapping[str, float]]) -> Figure:
    """What each round left, and how good the network was after it; the first is the dense network."""
    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = _plain(figure.subplots())
    name = "accuracy" if "accuracy" in history[0] else "difference"
    scale, unit = (100, "%") if name == "accuracy" else (1, "mean squared difference from the dense network")
    kept = [100 / metrics["compression"] for metrics in history]
    found = [scale * metrics[name] for metrics in history]
    axes.axhline(found[0], color="0.4", linewidth=1, linestyle="--", label="dense")
    axes.plot(kept, found, "o-", color="C0", markersize=4, label="pruned")
    axes.set(title=f"Validation {name} after each round", xlabel="parameters left (%)", ylabel=unit)
    axes.legend(frameon=False)
    _shrinking(axes)
    return figure


def sparsity_by_layer(masks: Mapping[str, Tensor]) -> Figure:
    """The share of weights that each layer keeps."""
    figure = Figure(figsize=(7, 0.34 * len(masks) + 1.4), layout="constrained")
    axes = _plain(figure.subplots())
    names = [_layer(name) for name in masks]
    shares = [100 * mask.float().mean().item() for mask in masks.values()]
    bars = axes.barh(names, shares, color="C0")
    axes.bar_label(
        bars,
        [f"{share:.3g} % of {mask.numel():,}" for share, mask in zip(shares, masks.values(), strict=True)],
        padding=4,
        fontsize=8,
    )
    axes.set(title="Weights kept in each layer", xlabel="%", ylabel="layer", xlim=(0, max(shares) * 1.35))
    axes.invert_yaxis()
    return figure


def weights(dense: nn.Module, pruned: nn.Module, names: Sequence[str]) -> Figure:
    """How the weights are distributed before and after; zeros are left out."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = _plain(figure.subplots())
    before, after = (_flat(network, names) for network in (dense, pruned))
    after = after[after != 0]
    limit = max(float(np.abs(np.concatenate([before, after])).max()), 1e-6)
    bins = np.linspace(-limit, limit, 121).tolist()
    axes.hist(before, bins, color="0.75", label=f"dense ({len(before):,})")
    axes.hist(after, bins, color="C0", alpha=0.8, label=f"pruned, not zero ({len(after):,})")
    axes.set(title="Weights before and after", xlabel="weight", ylabel="count", yscale="log")
    axes.legend(frameon=False)
    return figure


def sensitivity(table: pd.DataFrame, measure: str, unpruned: float) -> Figure:
    """The quality after one layer alone lost a share of its weights, for each layer."""
    figure = Figure(figsize=(7, 3.8), layout="constrained")
    axes = _plain(figure.subplots())
    scale, unit = (100, "%") if measure == "accuracy" else (1, "mean squared difference")
    for name, rows in table.groupby("layer", sort=False):
        axes.plot(100 * (1 - rows["sparsity"]), scale * rows[measure], "o-", markersize=4, label=_layer(str(name)))
    axes.axhline(scale * unpruned, color="0.4", linewidth=1, linestyle="--", label="dense")
    axes.set(
        title=f"One layer pruned alone, not trained: validation {measure}", xlabel="weights left in it (%)", ylabel=unit
    )
    _shrinking(axes)
    axes.legend(frameon=False, title="layer", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def trade_off(table: pd.DataFrame, measure: str, saved: str, dense: float | None) -> Figure:
    """The mean quality on the test examples by what is saved, with its range over the models, for each method."""
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    axes = _plain(figure.subplots())
    scale = 100 if measure == "accuracy" else 1
    for index, (method, rows) in enumerate(table.groupby("method", sort=False)):
        grouped = rows.groupby("asked")
        middle, low, high = (scale * getattr(grouped[measure], name)() for name in ("mean", "min", "max"))
        places = grouped[saved].mean()
        order = places.argsort()
        line = {"color": _colour(index), "linestyle": _STROKES[index // 10 % len(_STROKES)]}
        axes.plot(places.iloc[order], middle.iloc[order], marker="o", markersize=4, label=str(method), **line)
        axes.fill_between(
            places.iloc[order], low.iloc[order], high.iloc[order], color=_colour(index), alpha=0.12, linewidth=0
        )
    if dense is not None:
        axes.axhline(scale * dense, color="0.4", linewidth=1, linestyle="--", label="dense")
    labels = {
        "compression": "times fewer parameters",
        "theoretical_speedup": "times fewer operations, zeros not counted",
        "latency_speedup": "times faster as measured, batch 256",
    }
    models = table["model"].nunique()
    axes.set(
        title=f"Test {measure}, mean" + (f" and range of {models} networks" if models > 1 else " of one network"),
        xlabel=labels[saved],
        ylabel="%" if measure == "accuracy" else "mean squared difference",
        xscale="log",
    )
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(_ticks(axes.get_xlim()))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def front(summary: pd.DataFrame, measure: str) -> Figure:
    """Quality against measured speed; what no other point beats in both is joined and named."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = _plain(figure.subplots())
    scale = 100 if measure == "accuracy" else 1
    best = summary[summary["on_front"]].sort_values("latency_speedup")
    axes.plot(summary["latency_speedup"], scale * summary[measure], "o", color="0.75", markersize=4)
    axes.plot(best["latency_speedup"], scale * best[measure], "o-", color="C0", markersize=5)
    widths = np.array([np.ptp(summary["latency_speedup"]) or 1, scale * np.ptp(summary[measure]) or 1])
    names: list[tuple[np.ndarray, list[str]]] = []
    for row in best.itertuples():
        place = np.array([row.latency_speedup, scale * getattr(row, measure)])
        if not names or (np.abs(place - names[-1][0]) / widths > 0.05).any():
            names.append((place, []))
        names[-1][1].append(f"{row.method} {row.compression:.3g}x")  # points that all but touch share one label
    for place, texts in names:
        axes.annotate("\n".join(texts), place, xytext=(4, 5), fontsize=8, textcoords="offset points")
    axes.margins(x=0.14)
    axes.set(
        title="Pareto front of speed and quality",
        xlabel="times faster as measured, batch 256",
        ylabel="test accuracy (%)" if measure == "accuracy" else "mean squared difference",
    )
    return figure


def latency(rows: Sequence[Mapping[str, float | str]]) -> Figure:
    """The measured speed-up of each form at each batch size, with its interval."""
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = _plain(figure.subplots())
    shown = [row for row in rows if row["form"] != "dense"]
    labels = [f"{row['form']}\nbatch {row['batch_size']}" for row in shown]
    values = np.array([[float(row[key]) for key in ("speedup_low", "speedup", "speedup_high")] for row in shown])
    errors = np.abs(values[:, [1, 1]] - values[:, [0, 2]]).T
    axes.bar(labels, values[:, 1], yerr=errors, color="C0", width=0.6, capsize=3)
    axes.axhline(1, color="0.4", linewidth=1, linestyle="--")
    for place, value in enumerate(values[:, 1]):
        axes.annotate(f"{value:.2f}x", (place, values[place, 2]), ha="center", va="bottom", fontsize=9,
                      xytext=(0, 3), textcoords="offset points")  # fmt: skip
    axes.set(title="Measured speed-up over the dense network (one CPU thread)", ylabel="times faster")
    axes.set_ylim(0, max(1.0, values[:, 2].max()) * 1.18)
    return figure


def sizes(sizes: Mapping[str, Mapping[str, int]]) -> Figure:
    """What is left of the dense network, by each way of counting."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = _plain(figure.subplots())
    dense, pruned = sizes["dense"], sizes["pruned"]
    reference = {
        "nonzeros": "parameters",
        "nonzero_multiply_accumulates": "multiply_accumulates",
        "sparse_bytes": "bytes",
        "sparse_int8_bytes": "bytes",
    }
    shares = {name: 100 * value / dense[reference.get(name, name)] for name, value in pruned.items()}
    bars = axes.barh([name.replace("_", " ") for name in shares], list(shares.values()), color="C0")
    axes.bar_label(bars, [f"{share:.3g} %" for share in shares.values()], padding=4, fontsize=9)
    axes.axvline(100, color="0.4", linewidth=1, linestyle="--")
    axes.set(title="What is left of the dense network", xlabel="%", xlim=(0, 118))
    axes.invert_yaxis()
    return figure


def confusion(labels: np.ndarray, before: np.ndarray, after: np.ndarray, classes: Sequence[str]) -> Figure:
    """Which classes are taken for which, before and after pruning; right answers are left out of the colours."""
    count = int(max(labels.max(), before.max(), after.max())) + 1
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    tables = [
        np.bincount(labels * count + given, minlength=count**2).reshape(count, count) for given in (before, after)
    ]
    wrong = [np.where(np.eye(count, dtype=bool), 0, table) for table in tables]
    highest = max(1, *(table.max() for table in wrong))
    names = list(classes) or [str(label) for label in range(count)]
    for axes, name, table, mistakes in zip(figure.subplots(1, 2), ("dense", "pruned"), tables, wrong, strict=True):
        axes.imshow(mistakes, cmap="Oranges", vmin=0, vmax=highest)
        for row, column in np.ndindex(count, count) if count <= 12 else ():
            if table[row, column]:
                # It stays within its cell: measuring a hundred numbers for the layout takes longer than drawing them.
                axes.text(column, row, table[row, column], ha="center", va="center", fontsize=7, in_layout=False)
        axes.set(title=f"{name}: {mistakes.sum():,} of {len(labels):,} wrong", xlabel="answer", ylabel="class")
        if count <= 12:
            axes.set_xticks(range(count), names, rotation=45 if max(map(len, names)) > 2 else 0)
            axes.set_yticks(range(count), names)
    return figure


def _flat(network: nn.Module, names: Sequence[str]) -> np.ndarray:
    parameters = dict(network.named_parameters())
    return torch.cat([parameters[name].detach().flatten() for name in names]).cpu().numpy()


_STROKES = ("-", "--", ":")


def _colour(index: int) -> str:
    return f"C{index % 10}"


def _layer(name: str) -> str:
    return name.removesuffix(".weight")


def _shrinking(axes: Axes) -> None:
    """Let the axis run from all to nothing on a scale of ratios, in plain numbers."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    low, high = axes.get_xlim()
    axes.set_xticks(_ticks((low, high)))
    axes.set_xlim(high, low)


def _ticks(limits: tuple[float, float]) -> list[float]:
    """Ones, twos and fives of all powers of ten within the limits, and where these are too few, every digit."""
    low, high = limits

    def within(*digits: int) -> list[float]:
        return [digit * 10.0**power for power in range(-4, 7) for digit in digits if low <= digit * 10.0**power <= high]

    return found if len(found := within(1, 2, 5)) > 2 else within(*range(1, 10))


def _two() -> tuple[Figure, tuple[Axes, Axes]]:
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    return figure, (_plain(left), _plain(right))


def _plain(axes: Axes) -> Axes:
    axes.spines[["top", "right"]].set_visible(False)
    return axes
