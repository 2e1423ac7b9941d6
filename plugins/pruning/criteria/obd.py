"""Optimal brain damage (LeCun, Denker & Solla 1990): what the loss would gain, to second order."""

from __future__ import annotations

import torch
from torch import nn

from plugins.pruning.criteria._base import Probe, Scores
from plugins.pruning.weights import Weights

DRAWS = 8


def score(network: nn.Module, weights: Weights, probe: Probe) -> Scores:
    """|h| w^2 / 2, with the diagonal h of the Hessian of the loss (equation 4).

    The diagonal is estimated as the mean of v (H v) over draws of signs v (Bekas et al. 2007), which is exact where the
    Hessian is diagonal; its absolute value is taken because a sampled curvature may be negative.
    """
    diagonal = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    chosen = list(weights.values())
    for loss, batch in zip(probe.losses(network), probe.given.batches(probe.batch_size), strict=True):
        gradients = torch.autograd.grad(loss, chosen, create_graph=True)
        for draw in range(DRAWS):
            signs = [torch.randint(0, 2, w.shape, generator=probe.generator).to(w).mul_(2).sub_(1) for w in chosen]
            products = torch.autograd.grad(
                gradients, chosen, signs, retain_graph=draw < DRAWS - 1, materialize_grads=True
            )
            share = len(batch) / len(probe.given) / DRAWS
            for total, sign, product in zip(diagonal.values(), signs, products, strict=True):
                total += share * sign * product
    return {name: diagonal[name].abs() * weight.detach().square() / 2 for name, weight in weights.items()}
