"""SynFlow: the flow of synapses, without data (Tanaka et al. 2020, "Pruning neural networks without any data")."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from plugins.pruning.criteria._base import Probe, Scores
from plugins.pruning.weights import Weights


def score(network: nn.Module, weights: Weights, probe: Probe) -> Scores:
    """|w| dR/d|w|, where R sums the outputs for an input of ones in the network of absolute values (equation 3).

    In double precision: flows through deep networks leave the range of single precision. Meant for many rounds, as in
    the paper's 100; then no layer collapses before all others have.
    """
    positive = deepcopy(network).double()
    with torch.no_grad():
        for value in positive.state_dict().values():
            value.abs_()
    parameters = dict(positive.named_parameters())
    chosen = [parameters[name] for name in weights]
    ones = torch.ones_like(probe.given.take(torch.tensor([0])).inputs, dtype=torch.float64)
    gradients = torch.autograd.grad(positive(ones).sum(), chosen)
    return {
        name: (weight.detach() * gradient).abs()
        for name, weight, gradient in zip(weights, chosen, gradients, strict=True)
    }
