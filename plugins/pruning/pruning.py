"""What `pruning.prune` does: score, select, train, round by round."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import nn

from pipeline.context import Context
from pipeline.errors import StageError
from pipeline.types import Images, Split, TorchModel
from plugins.pruning import figures
from plugins.pruning.counting import nonzeros, parameters
from plugins.pruning.criteria import Probe, criterion
from plugins.pruning.examples import Examples, examples
from plugins.pruning.objective import Objective, classifies, quality
from plugins.pruning.schedules import kept_shares, to_keep
from plugins.pruning.selection import Masks, select, two_of_four
from plugins.pruning.training import train
from plugins.pruning.types import Pruned, without_weights
from plugins.pruning.weights import Weights, prunable

if TYPE_CHECKING:
    from plugins.pruning.stages import Prune, _Pruning


def prune(stage: Prune, dense: TorchModel, images: Split[Images], context: Context) -> Pruned:
    """Prune round by round; StageError where the target cannot be reached or scores are no numbers."""
    network = dense.module().to(context.device)
    given, held_out, objective = prepared(stage, network, images, context.device)
    generator = torch.Generator().manual_seed(context.seed)
    early = {name: value.to(context.device) for name, value in getattr(dense, "early", {}).items()}
    if not early and (stage.start == "early" or stage.rewind == "weights"):
        raise StageError("prune", f"{type(dense).__name__} keeps no early weights: train it with pruning.train.")
    if stage.start == "early":
        network.load_state_dict(early)
    weights = prunable(network)
    shares = _shares(stage, network, weights)
    total = sum(weight.numel() for weight in weights.values())
    masks: Masks | None = None
    history: list[dict[str, float]] = []
    for round_, share in enumerate(context.progress(shares, "rounds"), 1):
        probe = Probe(some(given, stage.score_samples, generator), objective, generator)
        scores = criterion(stage.criterion)(network.eval(), weights, probe)
        if stage.pattern == "2:4":
            masks = two_of_four(scores)
        else:
            masks = select(scores, round(share * total), stage.scope, masks)
        if stage.rewind == "weights":
            network.load_state_dict(early)
        settings = stage.settings(last=round_ == len(shares))
        train(network, given, objective, settings, generator, masks)
        history.append(
            {
                "compression": parameters(network) / nonzeros(network),
                "sparsity": 1 - sum(int(mask.sum()) for mask in masks.values()) / total,
                **quality(network, held_out, objective),
            }
        )
        context.log(history[-1], step=round_)
    assert masks is not None
    context.figure("sparsity_by_layer", figures.sparsity_by_layer(masks))
    context.figure("weights", figures.weights(dense.module(), network, list(masks)))
    if len(history) > 1:
        context.figure("rounds", figures.rounds(history))
    state = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
    return Pruned(without_weights(dense), {name: mask.cpu() for name, mask in masks.items()}, False, state=state)


def prepared(
    stage: _Pruning, network: nn.Module, images: Split[Images], device: torch.device
) -> tuple[Examples, Examples, Objective]:
    """Training and validation examples, and what to train for."""
    given, held_out = (examples(part, device) for part in (images.train, images.validation))
    objective = Objective(classifies(network, given), stage.distillation, stage.temperature)
    if objective.needs_teacher:
        given, held_out = given.taught_by(network), held_out.taught_by(network)
    return given, held_out, objective


def some(given: Examples, count: int, generator: torch.Generator) -> Examples:
    """A random sample to score with."""
    chosen = torch.randperm(len(given), generator=generator)[:count].to(given.inputs.device)
    return replace(
        given,
        inputs=given.inputs[chosen],
        labels=None if given.labels is None else given.labels[chosen],
        teacher=None if given.teacher is None else given.teacher[chosen],
    )


def _shares(stage: Prune, network: nn.Module, weights: Weights) -> list[float]:
    """The share of the weights that is kept after each round."""
    total = sum(weight.numel() for weight in weights.values())
    if stage.pattern == "2:4":
        return [0.5]
    try:
        keep = to_keep(parameters(network), total, stage.compression, stage.sparsity)
    except ValueError as error:
        raise StageError("prune", str(error)) from error
    if keep < len(weights):
        raise StageError("prune", f"{keep} weights are too few for {len(weights)} layers: each keeps one. Prune less.")
    return kept_shares(stage.schedule, stage.rounds, keep / total)
