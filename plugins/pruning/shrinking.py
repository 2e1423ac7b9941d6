"""From masked networks to small ones and back: rows, columns and channels that are all removed are left out."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn

Masks = Mapping[str, Tensor]


def kept(value: Tensor, mask: Tensor) -> Tensor:
    """The part of ``value`` that a product mask keeps; ``value`` itself where that is all of it."""
    # The lines through one kept element tell all of a product. NumPy stops at the first, torch would look at them all.
    keeps = mask.cpu().numpy()
    somewhere = np.unravel_index(keeps.argmax(), keeps.shape)
    for dimension in range(keeps.ndim):
        line = keeps[(*somewhere[:dimension], slice(None), *somewhere[dimension + 1 :])]
        if not line.all():
            value = value.index_select(dimension, torch.from_numpy(line.nonzero()[0]).to(value.device))
    return value


def embedded(value: Tensor, mask: Tensor) -> Tensor:
    """The inverse: ``value`` where the mask keeps, zero elsewhere."""
    whole = value.new_zeros(mask.shape)
    whole[mask] = value.flatten()
    return whole


def shrink(network: nn.Module, masks: Masks) -> nn.Module:
    """A copy without what the masks leave out."""
    parts = {}
    for name, value in [*network.named_parameters(), *network.named_buffers()]:
        if name in masks and (part := kept(given := value.detach(), masks[name])) is not given:
            parts[id(value)] = nn.Parameter(part, value.requires_grad) if isinstance(value, nn.Parameter) else part
    small = deepcopy(network, parts)  # what stands in the memo is taken for a copy
    for layer in small.modules():
        _resize(layer)
    return small


def embed(small: Mapping[str, Tensor], masks: Masks) -> dict[str, Tensor]:
    """The state dict of full size that computes what the small one does."""
    return {name: embedded(value, masks[name]) if name in masks else value for name, value in small.items()}


def compose(outer: Masks, inner: Masks) -> dict[str, Tensor]:
    """The masks of full size of two prunings, the second of what the first one left."""
    return {name: embedded(inner[name], mask) if name in inner else mask for name, mask in outer.items()}


def _resize(layer: nn.Module) -> None:
    """Let the layer's own record of its size follow its weights."""
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, Tensor):
        return
    if isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = weight.shape
    elif isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        layer.in_channels, layer.out_channels = weight.shape[0], weight.shape[1] * layer.groups
    elif isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        if layer.groups == layer.in_channels and layer.groups > 1:
            layer.groups = weight.shape[0] // (layer.out_channels // layer.groups)
        layer.out_channels, layer.in_channels = weight.shape[0], weight.shape[1] * layer.groups
    elif isinstance(layer, nn.modules.batchnorm._BatchNorm):
        layer.num_features = len(weight)
    elif isinstance(layer, nn.LayerNorm):
        layer.normalized_shape = tuple(weight.shape)


def everything(value: Tensor) -> Tensor:
    """The mask that keeps all of ``value``."""
    return torch.ones_like(value, dtype=torch.bool)


def whole(network: nn.Module) -> dict[str, Tensor]:
    """Masks that keep everything, of all parameters and buffers that have dimensions."""
    return {name: everything(value) for name, value in network.state_dict().items() if value.ndim}
