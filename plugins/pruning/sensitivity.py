"""What `pruning.sensitivity` does: each layer pruned alone, without training, to see which ones can spare weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import torch
from torch import nn

from pipeline.context import Context
from pipeline.types import Table, TorchModel
from plugins.pruning import figures
from plugins.pruning.criteria import Probe, criterion
from plugins.pruning.examples import Examples
from plugins.pruning.objective import Objective, quality
from plugins.pruning.pruning import prepared, some
from plugins.pruning.selection import Masks, select
from plugins.pruning.types import Data
from plugins.pruning.weights import prunable

if TYPE_CHECKING:
    from plugins.pruning.stages import Sensitivity


def scan(stage: Sensitivity, dense: TorchModel, images: Data, context: Context) -> Table:
    """Scan (Han et al. 2015, figure 6); a row is a layer, a sparsity, and the quality on the validation examples."""
    network = dense.module().to(context.device)
    given, held_out, objective = prepared(network, images, context.device)
    generator = torch.Generator().manual_seed(context.seed)
    probe = Probe(some(given, stage.score_samples, generator), objective, generator)
    weights = prunable(network)
    scores = criterion(stage.criterion)(network, weights, probe)
    unpruned = quality(network, held_out, objective)
    (measure,) = unpruned
    rows = []
    for name in context.progress(list(scores), "layers"):
        for sparsity in stage.sparsities:
            masks = select({name: scores[name]}, round((1 - sparsity) * scores[name].numel()), "global")
            found = without(network, masks, held_out, objective)[measure]
            rows.append({"layer": name, "sparsity": sparsity, measure: found, "loss": abs(unpruned[measure] - found)})
    table = pd.DataFrame(rows)
    hardest = table[table["sparsity"] == max(stage.sparsities)]
    context.log({"largest_loss": hardest["loss"].max(), "mean_loss": hardest["loss"].mean()})
    context.table("sensitivity", table)
    context.figure("sensitivity", figures.sensitivity(table, measure, unpruned[measure]))
    return Table(table)


@torch.no_grad()
def without(network: nn.Module, masks: Masks, held_out: Examples, objective: Objective) -> dict[str, float]:
    """The quality of the network without what the masks leave out; it is put back."""
    parameters = dict(network.named_parameters())
    before = {name: parameters[name].detach().clone() for name in masks}
    for name, mask in masks.items():
        parameters[name].mul_(mask)
    found = quality(network, held_out, objective)
    for name, value in before.items():
        parameters[name].copy_(value)
    return found
