"""GraSP: what the gradient flow would lose (Wang et al. 2020, "Picking Winning Tickets Before Training")."""

from __future__ import annotations

import torch
from torch import nn

from plugins.pruning.criteria._base import Probe, Scores
from plugins.pruning.weights import Weights


def score(network: nn.Module, weights: Weights, probe: Probe) -> Scores:
    """w (H g), with the Hessian H and the gradient g of the loss (equation 8, with the sign turned: high is kept)."""
    gradients = probe.gradients(network, weights)
    total = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for loss, batch in zip(probe.losses(network), probe.given.batches(probe.batch_size), strict=True):
        first = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        along = sum(
            (one * gradients[name]).sum() * (len(batch) / len(probe.given))
            for name, one in zip(weights, first, strict=True)
        )
        assert isinstance(along, torch.Tensor)
        products = torch.autograd.grad(along, list(weights.values()), materialize_grads=True)
        for name, product in zip(weights, products, strict=True):
            total[name] += product
    return {name: weight.detach() * total[name] for name, weight in weights.items()}
