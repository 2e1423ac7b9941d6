"""Weights and activations (Sun et al. 2024, "A Simple and Effective Pruning Approach for Large Language Models")."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from plugins.pruning.counting import LAYERS
from plugins.pruning.criteria._base import Probe, Scores
from plugins.pruning.weights import Weights


@torch.no_grad()
def score(network: nn.Module, weights: Weights, probe: Probe) -> Scores:
    """|w| times the norm of its input over the examples (equation 1), compared best within an output or a layer.

    A kernel's weight meets its input at every place: the norm is over these too. Transposed convolutions spread each
    input channel evenly: the norm is the channel's.
    """
    squares: dict[str, Tensor] = {}

    def watch(name: str) -> Any:
        def hook(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
            squares[name] = squares.get(name, 0) + _squares(layer, given[0])

        return hook

    layers = {f"{name}.weight" if name else "weight": layer for name, layer in network.named_modules()}
    hooks = [layers[name].register_forward_pre_hook(watch(name)) for name in weights]
    try:
        for batch in probe.given.batches(probe.batch_size):
            network(batch.inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: weight.abs() * squares[name].sqrt() for name, weight in weights.items()}


def _squares(layer: nn.Module, given: Tensor) -> Tensor:
    """Sums of squares of what each weight of one output is multiplied with; of a shape that spreads over the weight."""
    assert isinstance(layer, LAYERS)
    if isinstance(layer, nn.Linear):
        return given.flatten(0, -2).square().sum(0)
    if isinstance(layer, nn.Conv2d) and layer.groups == 1 and layer.padding_mode == "zeros":
        padding = layer.padding if not isinstance(layer.padding, str) else layer._reversed_padding_repeated_twice[::2]
        seen = functional.unfold(given, layer.kernel_size, layer.dilation, padding, layer.stride)  # type: ignore[arg-type]
        return seen.square().sum((0, 2)).view(layer.weight.shape[1:])
    channels = given.square().flatten(2).sum((0, 2))
    if layer.weight.shape[0] == len(channels):
        return channels.view(-1, *[1] * (layer.weight.ndim - 1))
    return channels.view(layer.groups, -1).mean(0).view(1, -1, *[1] * (layer.weight.ndim - 2))
