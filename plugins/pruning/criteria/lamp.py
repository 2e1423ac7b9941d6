"""Layer-adaptive magnitude (Lee et al. 2021, "Layer-adaptive Sparsity for the Magnitude-based Pruning")."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from plugins.pruning.criteria._base import Probe, Scores
from plugins.pruning.weights import Weights


def score(network: nn.Module, weights: Weights, probe: Probe) -> Scores:
    """w^2 as a share of all w^2 of its layer that are no smaller (equation 1)."""
    return {name: lamp(weight.detach()) for name, weight in weights.items()}


def lamp(weight: Tensor) -> Tensor:
    """The scores of one layer. What is zero already scores zero."""
    squares = weight.flatten().double().square()
    ordered, order = squares.sort()
    at_least = ordered.flip(0).cumsum(0).flip(0)
    scores = torch.zeros_like(squares)
    scores[order] = ordered / at_least.clamp_min(torch.finfo(torch.float64).tiny)
    return scores.view_as(weight)
