"""Weights of small magnitude go first (Han et al. 2015, "Learning both Weights and Connections")."""

from __future__ import annotations

from torch import nn

from plugins.pruning.criteria._base import Probe, Scores
from plugins.pruning.weights import Weights


def score(network: nn.Module, weights: Weights, probe: Probe) -> Scores:
    """|w|."""
    return {name: weight.detach().abs() for name, weight in weights.items()}
