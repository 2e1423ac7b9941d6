"""What `pruning.prune_channels` does: whole channels and units, with all that depends on them.

Which channels hang together, across residual sums, concatenations and flattening, is told by Torch-Pruning's dependency
graph (Fang et al. 2023, "DepGraph: Towards Any Structural Pruning"); its importances are the criteria.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import copy, deepcopy
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.context import Context
from pipeline.errors import StageError
from pipeline.types import TorchModel
from plugins.pruning import figures
from plugins.pruning.counting import parameters, work
from plugins.pruning.criteria import Probe
from plugins.pruning.latency import speedup
from plugins.pruning.objective import quality
from plugins.pruning.pruning import Allowance, prepared, some
from plugins.pruning.shrinking import compose, embed, everything, shrink, whole
from plugins.pruning.training import train
from plugins.pruning.types import Data, Pruned, without_weights
from plugins.pruning.weights import prunable

if TYPE_CHECKING:
    from plugins.pruning.stages import PruneChannels

Masks = dict[str, Tensor]
Groups = dict[str, Any]
STEPS = 10
ROOTS = (nn.modules.conv._ConvNd, nn.Linear)


def prune(stage: PruneChannels, dense: TorchModel, images: Data, context: Context) -> Pruned:
    """Remove channels until the target is reached, round by round; StageError where it cannot be."""
    network = dense.module().to(context.device)
    check_not_shared(network)
    prunable(network)
    given, held_out, objective = prepared(network, images, context.device, stage.distillation, stage.temperature)
    history = [{"compression": 1.0, **quality(network, held_out, objective)}]
    allowance = Allowance.of(stage, history[0])
    generator = torch.Generator().manual_seed(context.seed)
    example = given.take(torch.arange(1, device=given.inputs.device)).inputs
    fixed = fixed_layers(network, example)
    reached = _measure(stage, network, given.take(torch.arange(256) % len(given)).inputs)
    masks = whole(network)
    small = network
    for round_ in context.progress(range(1, stage.rounds + 1), "rounds"):
        goal = stage.target ** (round_ / stage.rounds)
        probe = Probe(some(given, stage.score_samples, generator), objective, generator)
        inner = to_reach(small.eval(), example, fixed, stage.criterion, probe, goal, reached)
        before = (small, masks) if round_ > 1 else None
        small, masks = shrink(small, inner), compose(masks, inner)
        train(small, given, objective, stage.settings(last=round_ == stage.rounds), generator)
        found = quality(small, held_out, objective)
        if allowance and not allowance.met(found):
            if before is None:
                raise allowance.missed(found)
            small, masks = before
            break
        history.append({"compression": parameters(network) / parameters(small), **found})
        context.log(history[-1], step=round_)
    kept = {name: masks[name] for name in prunable(network)}
    context.figure("sparsity_by_layer", figures.sparsity_by_layer({name: mask.cpu() for name, mask in kept.items()}))
    if len(history) > 2:
        context.figure("rounds", figures.rounds(history))
    state = {name: value.cpu() for name, value in embed(small.state_dict(), masks).items()}
    return Pruned(without_weights(dense), {name: mask.cpu() for name, mask in masks.items()}, True, state=state)


def to_reach(
    network: nn.Module,
    example: Tensor,
    fixed: list[str],
    criterion: str,
    probe: Probe,
    goal: float,
    reached: Callable[[nn.Module], float],
) -> Masks:
    """Masks with the fewest channels removed for which ``reached`` gives ``goal`` or more, by bisection."""
    groups = together(network, example, fixed)
    scores = channel_scores(network, groups, criterion, probe)
    most = remove(network, groups, least(scores, 1.0))
    if (best := reached(shrink(network, most))) < goal:
        raise StageError(
            "prune",
            f"a {goal:.3g}-fold reduction cannot be reached: with one channel left in each layer it is {best:.3g}. "
            "Choose less.",
        )
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        ratio = (low + high) / 2
        masks = remove(network, groups, least(scores, ratio))
        if reached(shrink(network, masks)) >= goal:
            high, most = ratio, masks
        else:
            low = ratio
    return most


def together(network: nn.Module, example: Tensor, fixed: Collection[str] = ()) -> Groups:
    """Channels that hang together, by the first of the layers that make them; none that a ``fixed`` layer makes."""
    names = {layer: name for name, layer in network.named_modules()}
    ignored = [layer for layer, name in names.items() if name in fixed]
    groups = dependencies(network, example).get_all_groups(ignored_layers=ignored, root_module_types=list(ROOTS))
    return {names[group[0].dep.target.module]: group for group in groups}


def channel_scores(network: nn.Module, groups: Groups, criterion: str, probe: Probe) -> dict[str, Tensor]:
    """The importance of each channel of each group.

    StageError where no layer is left, or where an importance is no finite number.
    """
    if criterion == "taylor":
        leave_gradients(network, probe)
    score = importance(criterion)
    found = {name: score(group) for name, group in groups.items()}
    scores = {name: given.detach() for name, given in found.items() if given is not None}
    if not scores:
        raise StageError(
            "prune", "no layer can lose a channel: each one's make the output. Prune single weights instead."
        )
    if wrong := [name for name, given in scores.items() if not given.isfinite().all()]:
        raise StageError(
            "prune",
            f"the importances of {', '.join(wrong)} are not all finite numbers, so that no order can be told. "
            "Choose another criterion; bn_scale needs batch normalisation.",
        )
    return scores


def least(scores: Mapping[str, Tensor], ratio: float) -> dict[str, list[int]]:
    """The share ``ratio`` of all channels that is least important, by layer; the best one of each layer stays."""
    ordered = torch.cat(list(scores.values())).sort().values
    count = round(ratio * len(ordered))
    if not count:
        return {}
    removed = {}
    for name, given in scores.items():
        low = given <= ordered[count - 1]
        low[given.argmax()] = False
        if low.any():
            removed[name] = low.nonzero().flatten().tolist()
    return removed


def remove(network: nn.Module, groups: Groups, channels: Mapping[str, list[int]]) -> Masks:
    """Masks of all parameters and buffers without ``channels`` of the groups and all that depends on them.

    The removal is carried out on copies of layers in which every number is its own index: what is left there tells
    what was kept, whatever layers there are.
    """
    layers = dict(network.named_modules())
    # A layer may lose channels to several groups, as behind a concatenation, and at both its sides.
    removed: dict[Any, dict[Any, tuple[Any, set[int]]]] = {}
    for name, indices in channels.items():
        gone = set(indices)
        for item in groups[name]:
            places = [place for place, root in zip(item.idxs, item.root_idxs, strict=True) if root in gone]
            sides = removed.setdefault(item.dep.target.module, {})
            sides.setdefault(item.dep.handler, (item.dep, set()))[1].update(places)
    state, masks = network.state_dict(), dict[str, Tensor]()
    names = {layer: name for name, layer in [*layers.items(), *network.named_parameters()]}
    count = _counted(max(value.numel() for value in state.values()))
    for layer, sides in removed.items():
        if layer not in names:  # an operation such as a concatenation, which has no numbers
            continue
        left: Any = _numbered(layer, count)
        for handler, (dependency, places) in sides.items():
            handler.__self__.pruning_dim = dependency.target.pruning_dim
            left = handler(left, sorted(places))
        parts = {"": left} if isinstance(left, Tensor) else _numbers(left)
        for part, numbers in parts.items():
            name = ".".join(filter(None, (names[layer], part)))
            origins = _origins(numbers.detach().numpy(), state[name].shape)
            masks[name] = torch.from_numpy(origins).to(state[name].device)
    return {name: masks[name] if name in masks else everything(value) for name, value in state.items() if value.ndim}


def dependencies(network: nn.Module, example: Tensor) -> Any:
    """Torch-Pruning's graph of which channels hang together."""
    import torch_pruning

    return torch_pruning.DependencyGraph().build_dependency(network, example)


def importance(criterion: str) -> Any:
    """Torch-Pruning's importance of a group of channels by our name for it."""
    from torch_pruning.pruner import importance as importances

    makers: dict[str, Callable[[], Any]] = {
        "l1": lambda: importances.GroupMagnitudeImportance(p=1),
        "l2": lambda: importances.GroupMagnitudeImportance(p=2),
        "bn_scale": importances.BNScaleImportance,
        "taylor": importances.GroupTaylorImportance,
        "geometric_median": importances.FPGMImportance,
        "lamp": importances.LAMPImportance,
        "random": importances.RandomImportance,
    }
    return makers[criterion]()


def fixed_layers(network: nn.Module, example: Tensor) -> list[str]:
    """Layers whose channels must all stay: without one, the output has another shape, or cannot be computed."""
    expected = network(example).shape
    return [name for name in together(network, example) if not _survives(network, example, name, expected)]


def check_not_shared(network: nn.Module) -> None:
    """StageError where two layers share a weight: neither can lose a channel that the other needs."""
    owners: dict[int, str] = {}
    for prefix, layer in network.named_modules():
        for name, parameter in layer.named_parameters(recurse=False):
            place = f"{prefix}.{name}"
            if (other := owners.setdefault(id(parameter), place)) != place:
                raise StageError(
                    "prune",
                    f"{other} and {place} share one weight, whose channels cannot be removed from one place alone. "
                    "Prune single weights instead, with pruning.prune.",
                )


def leave_gradients(network: nn.Module, probe: Probe) -> None:
    """Leave the mean loss's gradient in each parameter, where Torch-Pruning's Taylor criterion looks for it."""
    weights = dict(network.named_parameters())
    for weight, gradient in zip(weights.values(), probe.gradients(network, weights).values(), strict=True):
        weight.grad = gradient


def _measure(stage: PruneChannels, network: nn.Module, batch: Tensor) -> Callable[[nn.Module], float]:
    """How many times smaller or faster another network is, in the target's measure."""
    before = sum(layer.dense for layer in work(network, batch[:1]).values())
    weights = parameters(network)
    by_target: dict[str, Callable[[nn.Module], float]] = {
        "compression": lambda small: weights / parameters(small),
        "flops_reduction": lambda small: before / sum(layer.dense for layer in work(small, batch[:1]).values()),
        "latency_speedup": lambda small: speedup(network, small, batch),
    }
    return by_target[stage.target_name]


def _numbered(part: nn.Module | Tensor, count: Tensor) -> nn.Module | Tensor:
    """A copy in which every number is its own index, taken from ``count``; what is no tensor is shared."""
    if isinstance(part, Tensor):
        indices = count[: part.numel()].view(part.shape)
        return nn.Parameter(indices) if isinstance(part, nn.Parameter) else indices
    twin = copy(part)
    for kind in (
        "_parameters",
        "_buffers",
        "_modules",
    ):  # past torch's own setters, which take longer than all the rest
        inner = {name: None if given is None else _numbered(given, count) for name, given in vars(part)[kind].items()}
        vars(twin)[kind] = inner
    return twin


def _counted(most: int) -> Tensor:
    return torch.arange(most, dtype=torch.float32 if most <= 2**24 else torch.float64)


def _origins(numbers: np.ndarray, shape: torch.Size) -> np.ndarray:
    """The mask of what ``numbers`` were numbered: a product, which the lines through its first element tell."""
    mask = np.ones(shape, bool)
    for dimension, size in enumerate(shape):
        if numbers.shape[dimension] == size:
            continue
        line = numbers[(*[0] * dimension, slice(None), *[0] * (len(shape) - dimension - 1))]
        left = np.zeros((size, *[1] * (len(shape) - dimension - 1)), bool)
        left[line.astype(np.int64) // prod(shape[dimension + 1 :]) % size] = True
        mask &= left
    return mask


def _numbers(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers that have dimensions, by name; parts of the network, not copies."""
    return {name: value for name, value in network.state_dict().items() if value.ndim}


def _survives(network: nn.Module, example: Tensor, name: str, expected: torch.Size) -> bool:
    trial = deepcopy(network)
    layer = dict(trial.named_modules())[name]
    graph = dependencies(trial, example)
    group = graph.get_pruning_group(layer, graph.get_pruner_of_module(layer).prune_out_channels, [0])
    if not graph.check_pruning_group(group):
        return False
    group.prune()
    try:
        return bool(trial(example).shape == expected)
    except (RuntimeError, ValueError):
        return False
