"""SNIP: the sensitivity of the loss to a connection (Lee et al. 2019, "Single-shot Network Pruning")."""

from __future__ import annotations

from torch import nn

from plugins.pruning.criteria._base import Probe, Scores
from plugins.pruning.weights import Weights


def score(network: nn.Module, weights: Weights, probe: Probe) -> Scores:
    """|w dL/dw| (equation 5; its normalisation changes no order)."""
    gradients = probe.gradients(network, weights)
    return {name: (weight.detach() * gradients[name]).abs() for name, weight in weights.items()}
