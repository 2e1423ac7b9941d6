"""Pictures of recommenders: who is popular, where lists hit, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import sparse

from plugins.recommender.evaluation import metrics
from plugins.recommender.types import Holdout, Ranking, Rated

BUCKETS = 5
NAMED_ITEMS = 40


def long_tail(split: Holdout) -> Figure:
    """Interactions of each item in order, and the share that the most popular items have together."""
    counts = np.sort(np.bincount(split.train.items, minlength=split.catalogue.shape[1]))[::-1]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.fill_between(np.arange(1, len(counts) + 1), counts, color="tab:blue", alpha=0.6, step="mid")
    left.set(xlabel="item, most popular first", ylabel="training interactions", title="The long tail")
    share = np.concatenate([[0], np.cumsum(counts) / max(counts.sum(), 1)])
    right.plot(np.linspace(0, 1, len(share)), share, color="tab:blue")
    right.plot([0, 1], [0, 1], color="0.6", lw=1, ls="--")
    fifth = share[round(0.2 * len(counts))]
    right.plot([0.2, 0.2, 0], [0, fifth, fifth], color="0.4", lw=1)
    right.annotate(f"{fifth:.0%}", (0.2, fifth), xytext=(6, -10), textcoords="offset points")
    right.set(xlabel="share of items, most popular first", ylabel="share of interactions", xlim=(0, 1), ylim=(0, 1.02))
    right.set_title("What a fifth of the items has")
    return _finished(figure)


def slices(rows: list[dict[str, Any]], k: int) -> Figure:
    """NDCG and recall at k for each slice of users or items."""
    figure = Figure(figsize=(7, 1.4 + 0.42 * len(rows)), layout="constrained")
    axes = figure.subplots()
    place = np.arange(len(rows))
    for offset, metric, colour in ((-0.19, "ndcg", "tab:blue"), (0.19, "recall", "tab:orange")):
        values = [float(row[metric]) for row in rows]
        axes.barh(place + offset, values, height=0.36, color=colour, label=f"{metric}@{k}")
    names = [f"{str(row['slice']).replace('_', ' ')} ({row['users']:,})" for row in rows]
    axes.set_yticks(place, names)
    axes.invert_yaxis()
    axes.legend(frameon=False)
    axes.set_title("For whom, and for which items (users with something to find)", fontsize=11)
    return _finished(figure)


def cutoff_curves(lists: np.ndarray, relevant: sparse.csr_matrix) -> Figure:
    """Recall, precision and NDCG as the lists grow."""
    counts, hits = np.diff(relevant.indptr), metrics.hits_of(lists, relevant)
    cutoffs = np.arange(1, lists.shape[1] + 1)
    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axes = figure.subplots()
    for name in ("ndcg", "recall", "precision"):
        values = [metrics.METRICS[name](hits, counts, int(k)).mean() for k in cutoffs]
        axes.plot(cutoffs, values, marker="o", ms=4, label=name)
    axes.set(xlabel="length of the list, K", ylabel="mean over users", ylim=(0, None))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)
    return _finished(figure)


def recall_by_popularity(lists: np.ndarray, relevant: sparse.csr_matrix, popularity: np.ndarray) -> Figure:
    """Of the relevant items of each fifth by popularity: how many there were, and how many were found."""
    rows = np.repeat(np.arange(relevant.shape[0]), np.diff(relevant.indptr))
    found = (lists[rows] == relevant.indices[:, None]).any(axis=1)
    rank = np.argsort(np.argsort(-popularity, kind="stable"), kind="stable")
    bucket = rank[relevant.indices] * BUCKETS // len(popularity)
    wanted = np.bincount(bucket, minlength=BUCKETS)
    share = np.bincount(bucket, weights=found, minlength=BUCKETS) / np.maximum(wanted, 1)
    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(BUCKETS), share, color="tab:blue")
    for place, (height, count) in enumerate(zip(share, wanted, strict=True)):
        axes.annotate(f"of {count:,}", (place, height), ha="center", va="bottom", fontsize=9)
    names = ["most popular fifth", "second", "third", "fourth", "least popular"]
    axes.set_xticks(range(BUCKETS), names, fontsize=9)
    axes.set(ylabel=f"share found in the first {lists.shape[1]}", ylim=(0, max(share.max() * 1.15, 0.01)))
    return _finished(figure)


def _finished(figure: Figure) -> Figure:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
        axes.set_axisbelow(True)
    return figure


def leaderboard(frame: pd.DataFrame, metric: str, protocol: str) -> Figure:
    """Each model's mean with its interval; open marks are not told apart from the best (Holm-corrected p of .05)."""
    figure = Figure(figsize=(7.5, 1.3 + 0.36 * len(frame)), layout="constrained")
    axes = figure.subplots()
    place = np.arange(len(frame))
    apart = frame["p_holm"].to_numpy() < 0.05
    axes.hlines(place, frame["ci95_low"], frame["ci95_high"], color="tab:blue", lw=2)
    for marked, fill in ((apart, "tab:blue"), (~apart, "white")):
        axes.plot(frame[metric][marked], place[marked], "o", mec="tab:blue", mfc=fill, ms=7)
    axes.set_yticks(place, frame["model"])
    axes.invert_yaxis()
    axes.set_xlabel(f"{metric}, mean over users and 95 % interval")
    axes.set_title(f"open: not told apart from the best; protocol {protocol}", fontsize=9, loc="left")
    return _finished(figure)


def accuracy_by_popularity(rankings: Mapping[str, Ranking], metric: str) -> Figure:
    """Each model's accuracy against how popular its recommendations are."""
    figure = Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.subplots()
    name = next(name for name in next(iter(rankings.values())).metrics if name.startswith("popularity_at_"))
    for model, ranking in rankings.items():
        point = (ranking.metrics[name], ranking.metrics[metric])
        axes.plot(*point, "o", color="tab:blue")
        axes.annotate(model, point, xytext=(5, 4), textcoords="offset points", fontsize=9)
    axes.margins(x=0.15)
    axes.set(xlabel="mean training interactions of the recommended items", ylabel=metric)
    return _finished(figure)


def item_map(frame: pd.DataFrame) -> Figure:
    """Items at their places, as large as they are popular, coloured by group; the most popular ones are named."""
    figure = Figure(figsize=(10, 7.5), layout="constrained")
    axes = figure.subplots()
    sizes = 6 + 90 * frame["interactions"] / frame["interactions"].max()
    names = frame["group"][frame["group"] != ""].value_counts().index
    colours = {name: f"C{place}" for place, name in enumerate(names)} | {"": "0.7"}
    for name in [*names, ""]:
        part = frame["group"] == name
        label = (name or "other") if len(names) and part.any() else None
        axes.scatter(
            frame["x"][part], frame["y"][part], s=sizes[part], color=colours[name], alpha=0.6, lw=0, label=label
        )
    _name_apart(axes, frame)
    if len(names):
        legend = axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        for handle in legend.legend_handles:
            handle.set_sizes([40])
    axes.set(xticks=[], yticks=[])
    axes.set_title("Items close together are offered to the same people; large ones are popular", fontsize=11)
    return _finished(figure)


def _name_apart(axes: Axes, frame: pd.DataFrame) -> None:
    """Names beside the most popular items, as many as fit without touching a more popular one's."""
    width, height = np.ptp(frame["x"]), np.ptp(frame["y"])
    named: list[tuple[float, float]] = []
    for _, row in frame.iterrows():
        if all(abs(row["x"] - x) > 0.2 * width or abs(row["y"] - y) > 0.03 * height for x, y in named):
            named.append((row["x"], row["y"]))
            text = row["name"] if len(row["name"]) <= 28 else row["name"][:27] + "…"
            axes.annotate(text, named[-1], xytext=(4, 3), textcoords="offset points", fontsize=7)
        if len(named) == NAMED_ITEMS:
            break


def rating_errors(rated: Rated) -> Figure:
    """What was predicted for each true rating, and how the errors are spread."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    levels = np.unique(rated.actual)
    left.boxplot([rated.predicted[rated.actual == level] for level in levels], showfliers=False)
    left.set_xticks(range(1, len(levels) + 1), [f"{level:g}" for level in levels])
    left.set(xlabel="true rating", ylabel="predicted rating")
    right.hist(rated.predicted - rated.actual, bins=60, color="tab:blue", alpha=0.7)
    right.axvline(0, color="0.3", lw=1)
    right.set(xlabel="predicted - true", ylabel="ratings")
    return _finished(figure)
