"""Parameters and multiply-accumulates of a network, all of them and those that are not zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
"""The layers whose weights are matrices or kernels: what can be pruned, and where the work is."""

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@dataclass(frozen=True)
class Work:
    """Multiply-accumulates of one forward pass of one example: with all weights, and with the nonzero ones only."""

    dense: int
    sparse: int


def parameters(network: nn.Module) -> int:
    """How many numbers are learned; a weight that two layers share counts once."""
    return sum(parameter.numel() for parameter in network.parameters())


def nonzeros(network: nn.Module) -> int:
    """How many of them are not zero."""
    return sum(int(parameter.count_nonzero()) for parameter in network.parameters())


@torch.inference_mode()
def work(network: nn.Module, inputs: Tensor) -> dict[str, Work]:
    """The work of each layer by its name, for inputs (1, ...); biases, activations and norms are not counted.

    A weight is used once for each place of the output, or for each place of the input where the convolution is
    transposed.
    """
    found: dict[str, Work] = {}

    def count(name: str) -> Any:
        def hook(layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
            places = _places(layer, given[0], output)
            weight = layer.weight
            assert isinstance(weight, Tensor)
            before = found.get(name, Work(0, 0))
            found[name] = Work(
                before.dense + places * weight.numel(), before.sparse + places * int(weight.count_nonzero())
            )

        return hook

    hooks = [
        layer.register_forward_hook(count(name)) for name, layer in network.named_modules() if isinstance(layer, LAYERS)
    ]
    try:
        network.eval()(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _places(layer: nn.Module, given: Tensor, output: Tensor) -> int:
    if isinstance(layer, nn.Linear):
        return output.numel() // layer.out_features
    if isinstance(layer, _TRANSPOSED):
        return given.numel() // layer.in_channels
    assert isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    return output.numel() // layer.out_channels
