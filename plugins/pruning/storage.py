"""Bytes of a network on disk, as it is, sparse and in eight bits, and forward passes with sparse weights."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

SPARSE_ENOUGH = 0.75
"""From this share of zeros on compressed rows are faster than a dense matrix, from 256 x 256 on, at a batch of 256."""


def once(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict without the second names of weights that layers share."""
    return dict({value.data_ptr(): (name, value) for name, value in reversed(state.items())}.values())


def dense_bytes(state: Mapping[str, Tensor]) -> int:
    """The size of the state dict as a safetensors file."""
    return len(save({name: value.contiguous() for name, value in state.items()}))


def to_sparse(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Nonzero values and where they are: distances from one to the next in bytes, or one bit for each place.

    The smaller of both is taken. A distance of more than 255 is bridged by stored zeros (Han et al. 2016, figure 2).
    """
    stored: dict[str, Tensor] = {}
    for name, value in state.items():
        flat = value.flatten()
        places = flat.nonzero().flatten()
        bridged = _bridged(places)
        if value.ndim < 2 or 2 * len(places) > len(flat):
            stored[name] = value.contiguous()
        elif len(bridged) * (1 + flat.itemsize) < len(places) * flat.itemsize + len(flat) / 8:
            gaps = torch.diff(bridged, prepend=torch.tensor([-1])) - 1
            stored[f"{name}:gaps"] = gaps.to(torch.uint8)
            stored[f"{name}:values"] = flat[bridged]
        else:
            stored[f"{name}:bits"] = _packed(flat != 0)
            stored[f"{name}:values"] = flat[places]
    return stored


def from_sparse(stored: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """The state dict that ``to_sparse`` was given."""
    state = {}
    for name, shape in shapes.items():
        if name in stored:
            state[name] = stored[name]
            continue
        values = stored[f"{name}:values"]
        flat = values.new_zeros(shape.numel())
        if f"{name}:gaps" in stored:
            flat[(stored[f"{name}:gaps"].long() + 1).cumsum(0) - 1] = values
        else:
            flat[_unpacked(stored[f"{name}:bits"])[: len(flat)]] = values
        state[name] = flat.view(shape)
    return state


def to_int8(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as whole numbers of -127 to 127 and one scale for each output (Jacob et al. 2018, symmetric); zeros stay.

    What has fewer than two dimensions, such as biases and norms, stays as it is.
    """
    stored: dict[str, Tensor] = {}
    for name, value in state.items():
        if value.ndim < 2:
            stored[name] = value
            continue
        scale = value.abs().amax(list(range(1, value.ndim)), keepdim=True) / 127
        stored[name] = (value / scale.clamp_min(torch.finfo(value.dtype).tiny)).round().to(torch.int8)
        stored[f"{name}:scale"] = scale
    return stored


def from_int8(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict that ``to_int8`` was given, each weight within half a scale of what it was."""
    return {
        name: value * stored[f"{name}:scale"] if f"{name}:scale" in stored else value
        for name, value in stored.items()
        if not name.endswith(":scale")
    }


class SparseLinear(nn.Module):
    """A linear layer that keeps the nonzero weights only, in compressed rows.

    Each output is a sum of weighted rows of the transposed input: what an embedding bag computes, for which torch has
    faster code than for products of compressed row matrices. Each layer leaves its outputs transposed in memory, so
    that another one need not transpose them.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight = layer.weight.detach()
        rows, places = weight.nonzero().T
        self.register_buffer("values", weight[rows, places])
        self.register_buffer("places", places.int())
        self.register_buffer("begins", torch.searchsorted(rows.contiguous(), torch.arange(len(weight))).int())
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach()[:, None])

    def forward(self, given: Tensor) -> Tensor:
        """(..., in_features) gives (..., out_features), transposed in memory."""
        columns = transposed(given.flatten(0, -2))
        sums = functional.embedding_bag(self.places, columns, self.begins, mode="sum", per_sample_weights=self.values)
        return (sums if self.bias is None else sums.add_(self.bias)).t().unflatten(0, given.shape[:-1])


def transposed(matrix: Tensor) -> Tensor:
    """The transpose (k, n) of a matrix (n, k), contiguous in memory.

    Dealing the numbers of a row out to n hands is what ``channel_shuffle`` does to channels that lie side by side, with
    vector instructions: three times faster than ``matrix.t().contiguous()``.
    """
    turned = matrix.t()
    if turned.is_contiguous():
        return turned
    channels = matrix.reshape(1, 1, 1, -1).permute(0, 3, 1, 2)
    return functional.channel_shuffle(channels, len(matrix)).view(turned.shape)


def with_sparse_layers(network: nn.Module) -> nn.Module:
    """A copy whose linear layers of many zeros are sparse; for inference."""
    copy = deepcopy(network)
    for layer in list(copy.modules()):
        turned = False
        for name, child in list(layer.named_children()):
            if isinstance(child, nn.Linear) and (child.weight == 0).float().mean() >= SPARSE_ENOUGH:
                setattr(layer, name, SparseLinear(child))
                turned = isinstance(layer, nn.Sequential)
            elif turned and isinstance(child, nn.ReLU):
                child.inplace = True  # nobody else sees what the layer made, and new memory costs as much as the sums
            else:
                turned = False
    return copy


def _bridged(places: Tensor) -> Tensor:
    """The places, and on the way to one that is more than 256 further, every 256th."""
    gaps = torch.diff(places, prepend=torch.tensor([-1]))
    extra = (gaps - 1) // 256
    if not extra.any():
        return places
    bridges = [
        place - gap + 256 * torch.arange(1, count + 1)
        for place, gap, count in zip(places[extra > 0], gaps[extra > 0], extra[extra > 0].tolist(), strict=True)
    ]
    return torch.cat([places, *bridges]).sort().values


def _packed(bits: Tensor) -> Tensor:
    padded = nn.functional.pad(bits.to(torch.uint8), (0, -len(bits) % 8)).view(-1, 8)
    return (padded << torch.arange(8, dtype=torch.uint8)).sum(1).to(torch.uint8)


def _unpacked(packed: Tensor) -> Tensor:
    return ((packed[:, None] >> torch.arange(8, dtype=torch.uint8)) & 1).flatten().bool()
