"""Which weights of a network can be pruned."""

from __future__ import annotations

from torch import nn

from pipeline.errors import StageError
from plugins.pruning.counting import LAYERS

Weights = dict[str, nn.Parameter]


def prunable(network: nn.Module) -> Weights:
    """The weights of all linear and convolutional layers by their names; StageError where there are none.

    Biases and norms are left alone, as in the literature. A weight that two layers share is listed once.
    """
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, LAYERS)}
    found: Weights = {}
    for name, layer in layers.items():
        weight = layer.weight
        if isinstance(weight, nn.Parameter) and not any(weight is other for other in found.values()):
            found[f"{name}.weight" if name else "weight"] = weight
    if not found:
        raise StageError(
            "pruning",
            f"{type(network).__name__} has no layer that can be pruned. "
            "Give a network with linear or convolutional layers.",
        )
    return found
