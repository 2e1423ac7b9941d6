"""Networks for several tasks: what they share, and what is their own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


def layers(widths: Sequence[int]) -> nn.Sequential:
    """Fully connected layers, each followed by ReLU."""
    return nn.Sequential(*[part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())])


class HardSharing(nn.Module):
    """One trunk for all tasks, a linear head for each (Caruana 1997)."""

    def __init__(self, features: int, tasks: int, hidden: Sequence[int], experts: int) -> None:
        super().__init__()
        self.shared = layers([features, *hidden])
        self.heads = nn.Linear(hidden[-1], tasks)

    def forward(self, inputs: Tensor) -> Tensor:
        """(n, tasks) from (n, features)."""
        return self.heads(self.shared(inputs))


class MixtureOfExperts(nn.Module):
    """Each task mixes the same experts by a gate of its own (MMoE, Ma et al., KDD 2018)."""

    def __init__(self, features: int, tasks: int, hidden: Sequence[int], experts: int) -> None:
        super().__init__()
        self.shared = nn.ModuleList(layers([features, *hidden]) for _ in range(experts))
        self.gates = nn.ModuleList(nn.Linear(features, experts) for _ in range(tasks))
        self.heads = nn.ModuleList(nn.Linear(hidden[-1], 1) for _ in range(tasks))

    def forward(self, inputs: Tensor) -> Tensor:
        """(n, tasks) from (n, features)."""
        experts = torch.stack([expert(inputs) for expert in self.shared], 1)
        mixed = [(gate(inputs).softmax(1)[..., None] * experts).sum(1) for gate in self.gates]
        return torch.cat([head(x) for head, x in zip(self.heads, mixed, strict=True)], 1)


class CrossStitch(nn.Module):
    """A column of layers for each task, mixed after each layer by learnt weights (Misra et al., CVPR 2016)."""

    def __init__(self, features: int, tasks: int, hidden: Sequence[int], experts: int) -> None:
        super().__init__()
        self.shared = nn.ModuleList(
            nn.ModuleList(nn.Linear(a, b) for _ in range(tasks)) for a, b in pairwise([features, *hidden])
        )
        # Mostly one's own, a little of the others, as the paper begins.
        start = 0.9 * torch.eye(tasks) + (0.1 / max(tasks - 1, 1)) * (1 - torch.eye(tasks))
        self.stitches = nn.ParameterList(start.clone() for _ in hidden)
        self.heads = nn.ModuleList(nn.Linear(hidden[-1], 1) for _ in range(tasks))

    def forward(self, inputs: Tensor) -> Tensor:
        """(n, tasks) from (n, features)."""
        columns = inputs.expand(len(self.heads), *inputs.shape)
        for level, stitch in zip(self.shared, self.stitches, strict=True):
            outputs = torch.stack([layer(x).relu() for layer, x in zip(level, columns, strict=True)])
            columns = torch.einsum("st,tnf->snf", stitch, outputs)
        return torch.cat([head(x) for head, x in zip(self.heads, columns, strict=True)], 1)


NETWORKS: dict[str, type[nn.Module]] = {
    "hard_sharing": HardSharing,
    "mixture_of_experts": MixtureOfExperts,
    "cross_stitch": CrossStitch,
}
