"""Bytes of a network on disk, stored as it is and stored sparse, and forward passes with sparse weights."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from copy import deepcopy

import torch
from safetensors.torch import save
from torch import Tensor, nn

SPARSE_ENOUGH = 0.8
"""Above this share of zeros a compressed row matrix is faster than a dense one, measured from 256 x 256 on."""


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


class SparseLinear(nn.Module):
    """A linear layer whose weight is a compressed sparse row matrix."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        with warnings.catch_warnings():
            # torch announces once that compressed rows are young; the product is all that is needed of them.
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
            self.weight = layer.weight.detach().to_sparse_csr()
        self.bias = None if layer.bias is None else layer.bias.detach()[:, None]

    def forward(self, given: Tensor) -> Tensor:
        """(n, in_features) gives (n, out_features)."""
        product = self.weight @ given.t()
        return (product if self.bias is None else product + self.bias).t()


def with_sparse_layers(network: nn.Module) -> nn.Module:
    """A copy whose linear layers of many zeros are sparse; for inference."""
    copy = deepcopy(network)
    for layer in list(copy.modules()):
        for name, child in list(layer.named_children()):
            if isinstance(child, nn.Linear) and (child.weight == 0).float().mean() >= SPARSE_ENOUGH:
                setattr(layer, name, SparseLinear(child))
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
