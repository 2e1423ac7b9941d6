"""Movement: weights that training moves towards zero go first (Sanh et al. 2020, "Movement Pruning")."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from plugins.pruning.criteria._base import Probe, Scores
from plugins.pruning.weights import Weights

LEARNING_RATE = 0.05


def score(network: nn.Module, weights: Weights, probe: Probe) -> Scores:
    """- sum of w dL/dw over the steps of one pass of gradient descent over the examples (equation 3)."""
    moving = deepcopy(network)
    parameters = dict(moving.named_parameters())
    chosen = [parameters[name] for name in weights]
    scores = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for loss in probe.losses(moving):
        gradients = torch.autograd.grad(loss, chosen)
        with torch.no_grad():
            for total, weight, gradient in zip(scores.values(), chosen, gradients, strict=True):
                total -= weight * gradient
                # What an earlier round removed stays removed.
                weight.sub_(LEARNING_RATE * gradient * (weight != 0))
    return scores
