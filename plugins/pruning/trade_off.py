"""What `pruning.trade_off` does: many ways to prune, each to several sizes, with what each costs and saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import torch

from pipeline.context import Context
from pipeline.types import Table, TorchModel
from plugins.pruning import channels, figures, pruning
from plugins.pruning.certificate import size
from plugins.pruning.examples import Examples, examples
from plugins.pruning.latency import speedup
from plugins.pruning.objective import Objective, classifies, quality
from plugins.pruning.storage import with_sparse_layers
from plugins.pruning.types import Data, Pruned

if TYPE_CHECKING:
    from plugins.pruning.stages import Prune, PruneChannels, TradeOff

MEASURES = ("compression", "theoretical_speedup", "latency_speedup")


def explore(stage: TradeOff, models: dict[str, TorchModel], images: Data, context: Context) -> Table:
    """Prune each model in each way to each compression, and judge on the test examples; a row for each."""
    held_out = examples(images.test, torch.device("cpu"))
    rows: list[dict[str, Any]] = []
    pending = [(name, *each) for name in models for each in stage.ways()]
    for name, method, compression, way in context.progress(pending, "prunings"):
        dense = models[name]
        # A silent context of the same seed: its curves would be thousands.
        inner = Context(method, context.seed)
        pruned = _pruned(way, dense, images, inner)
        rows.append({"model": name, "method": method, "asked": compression} | point(dense, pruned, held_out))
    table = pd.DataFrame(rows)
    measure = "accuracy" if "accuracy" in table else "difference"
    summary = means(table, measure)
    summary["on_front"] = on_front(summary, measure)
    context.table("points", table)
    context.table("summary", summary)
    for name in MEASURES:
        context.figure(f"{measure}_by_{name}", figures.trade_off(table, measure, name, _dense(models, held_out)))
    context.figure("front", figures.front(summary, measure))
    for method, group in table.groupby("method", sort=False):
        context.log({f"{method}/{measure}": group[measure].mean()})
    return Table(table)


def point(dense: TorchModel, pruned: Pruned, held_out: Examples) -> dict[str, float]:
    """The quality on the examples, and how many times smaller, less work and faster the network is.

    The time is that of the fastest form: without the removed channels, or with sparse matrices, or as it is.
    """
    full, small = dense.module(), pruned.shrunken()
    objective = Objective(classifies(full, held_out))
    given = held_out.taught_by(full) if objective.needs_teacher else held_out
    batch = held_out.take(torch.arange(256) % len(held_out)).inputs
    before, after = size(full, batch[:1]), size(small, batch[:1])
    forms = [small] if pruned.structured else [small, with_sparse_layers(small)]
    return {
        **quality(small, given, objective),
        "compression": before["parameters"] / after["nonzeros"],
        "theoretical_speedup": before["multiply_accumulates"] / max(after["nonzero_multiply_accumulates"], 1),
        "latency_speedup": max(speedup(full, form, batch) for form in forms),
    }


def means(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The mean, least and largest quality over the models for each method and compression, and the mean savings."""
    grouped = table.groupby(["method", "asked"], sort=False)
    quality_ = grouped[measure].agg(["mean", "min", "max", "count"]).rename(columns={"mean": measure})
    return quality_.join(grouped[list(MEASURES)].mean()).reset_index()


def on_front(summary: pd.DataFrame, measure: str) -> list[bool]:
    """Whether nothing is at least as good and as fast, and better or faster (Pareto's front)."""
    sign = 1 if measure == "accuracy" else -1
    points = list(zip(sign * summary[measure], summary["latency_speedup"], strict=True))
    return [
        not any(all(o >= m for o, m in zip(other, mine, strict=True)) and other != mine for other in points)
        for mine in points
    ]


def _pruned(way: Prune | PruneChannels, dense: TorchModel, images: Data, context: Context) -> Pruned:
    from plugins.pruning.stages import Prune

    if isinstance(way, Prune):
        return pruning.prune(way, dense, images, context)
    return channels.prune(way, dense, images, context)


def _dense(models: dict[str, TorchModel], held_out: Examples) -> float | None:
    """The mean accuracy of the dense networks, where they are classifiers."""
    networks = [model.module() for model in models.values()]
    if not classifies(networks[0], held_out):
        return None
    found = [quality(network, held_out, Objective(True))["accuracy"] for network in networks]
    return sum(found) / len(found)
