"""What `pruning.prune` does: score, select, train, round by round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pipeline.context import Context
from pipeline.errors import StageError
from pipeline.types import TorchModel
from plugins.pruning import figures
from plugins.pruning.counting import nonzeros, parameters, work
from plugins.pruning.criteria import Probe, criterion
from plugins.pruning.examples import Examples, examples
from plugins.pruning.objective import Objective, classifies, quality
from plugins.pruning.schedules import kept_shares, to_keep
from plugins.pruning.selection import Masks, fit_work, select, two_of_four
from plugins.pruning.training import copied, train
from plugins.pruning.types import Classifier, Data, Pruned, without_weights
from plugins.pruning.weights import Weights, prunable

if TYPE_CHECKING:
    from plugins.pruning.stages import Prune, _Pruning


def prune(stage: Prune, dense: TorchModel, images: Data, context: Context) -> Pruned:
    """Prune round by round; StageError where the target cannot be reached or scores are no numbers."""
    network = dense.module().to(context.device)
    given, held_out, objective = prepared(network, images, context.device, stage.distillation, stage.temperature)
    history = [{"compression": 1.0, **quality(network, held_out, objective)}]
    allowance = Allowance.of(stage, history[0])
    generator = torch.Generator().manual_seed(context.seed)
    if not isinstance(dense, Classifier) and (stage.start == "early" or stage.rewind != "none"):
        raise StageError("prune", f"{type(dense).__name__} keeps no early weights: train it with pruning.train.")
    if isinstance(dense, Classifier) and stage.start == "early":
        network.load_state_dict(dense.early)
    weights = prunable(network)
    goals = _goals(stage, network, weights)
    places = _places(network, weights, given)
    masks: Masks | None = None
    for round_, goal in enumerate(context.progress(goals, "rounds"), 1):
        before = None if masks is None else (copied(network), masks)
        probe = Probe(some(given, stage.score_samples, generator), objective, generator)
        scores = criterion(stage.criterion)(network.eval(), weights, probe)
        masks = _masks(stage, scores, goal, masks, places)
        settings = stage.settings(last=round_ == len(goals))
        if isinstance(dense, Classifier) and stage.rewind != "none":
            settings = dense.rest
            if stage.rewind == "weights":
                network.load_state_dict(dense.early)
        train(network, given, objective, settings, generator, masks)
        found = quality(network, held_out, objective)
        if allowance and not allowance.met(found):
            if before is None:
                raise allowance.missed(found)
            network.load_state_dict(before[0])
            masks = before[1]
            break
        history.append({"compression": parameters(network) / nonzeros(network), **_removed(masks), **found})
        context.log(history[-1], step=round_)
    assert masks is not None
    context.figure("sparsity_by_layer", figures.sparsity_by_layer(masks))
    context.figure("weights", figures.weights(dense.module(), network, list(masks)))
    if len(history) > 2:
        context.figure("rounds", figures.rounds(history))
    return Pruned(
        without_weights(dense), {name: mask.cpu() for name, mask in masks.items()}, False, state=copied(network)
    )


def prepared(
    network: nn.Module, images: Data, device: torch.device, distillation: float = 0.0, temperature: float = 1.0
) -> tuple[Examples, Examples, Objective]:
    """Training and validation examples, and what to train for."""
    given, held_out = (examples(part, device) for part in (images.train, images.validation))
    objective = Objective(classifies(network, given), distillation, temperature)
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


@dataclass(frozen=True)
class Allowance:
    """How much accuracy on the validation examples may be lost: a round that loses more is undone, and is the last."""

    dense: float
    loss: float

    @classmethod
    def of(cls, stage: _Pruning, dense: Mapping[str, float]) -> Allowance | None:
        """The stage's, if it has one; StageError where the dense network's quality is no accuracy."""
        if stage.accuracy_loss is None:
            return None
        if "accuracy" not in dense:
            raise StageError("prune", "only a classifier has an accuracy to lose: leave out accuracy_loss.")
        return cls(dense["accuracy"], stage.accuracy_loss)

    def met(self, found: Mapping[str, float]) -> bool:
        """Whether what was found is good enough."""
        return self.dense - found["accuracy"] <= self.loss

    def missed(self, found: Mapping[str, float]) -> StageError:
        """What to say where the first round already lost more."""
        return StageError(
            "prune",
            f"the first round already lost {self.dense - found['accuracy']:.4f} of the accuracy {self.dense:.4f}, and "
            f"accuracy_loss allows {self.loss:g}. Prune in more rounds, train longer after each, or allow more.",
        )


def _goals(stage: Prune, network: nn.Module, weights: Weights) -> list[float]:
    """The share of the weights, or with flops_reduction of the work, that is kept after each round."""
    total = sum(weight.numel() for weight in weights.values())
    if stage.pattern == "2:4":
        return [0.5]
    if stage.flops_reduction is not None:
        return kept_shares(stage.schedule, stage.rounds, 1 / stage.flops_reduction)
    try:
        keep = to_keep(parameters(network), total, stage.compression, stage.sparsity)
    except ValueError as error:
        raise StageError("prune", str(error)) from error
    if keep < len(weights):
        raise StageError(
            "prune", f"{keep} of {total:,} weights are too few for {len(weights)} layers: each keeps one. Prune less."
        )
    return kept_shares(stage.schedule, stage.rounds, keep / total)


def _places(network: nn.Module, weights: Weights, given: Examples) -> dict[str, int]:
    """How many multiply-accumulates each weight of a layer takes part in."""
    found = work(network, given.take(torch.arange(1, device=given.inputs.device)).inputs)
    return {
        name: found[layer].dense // weight.numel() if (layer := name.removesuffix("weight").rstrip(".")) in found else 0
        for name, weight in weights.items()
    }


def _masks(
    stage: Prune, scores: Mapping[str, Tensor], goal: float, before: Masks | None, places: Mapping[str, int]
) -> Masks:
    if stage.pattern == "2:4":
        return two_of_four(scores)
    if stage.flops_reduction is not None:
        return fit_work(scores, goal, stage.scope, places, before)
    return select(scores, round(goal * sum(score.numel() for score in scores.values())), stage.scope, before)


def _removed(masks: Masks) -> dict[str, float]:
    kept = [int(mask.sum()) for mask in masks.values()]
    total = sum(mask.numel() for mask in masks.values())
    # One weight is what the guard of `select` leaves of a layer that would have lost all.
    return {"sparsity": 1 - sum(kept) / total, "collapsed_layers": sum(count <= 1 for count in kept)}
