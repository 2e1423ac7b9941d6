"""Any weight goes: what every other criterion must beat."""

from __future__ import annotations

import torch
from torch import nn

from plugins.pruning.criteria._base import Probe, Scores
from plugins.pruning.weights import Weights


def score(network: nn.Module, weights: Weights, probe: Probe) -> Scores:
    """Uniform draws from the probe's generator."""
    return {name: torch.rand(w.shape, generator=probe.generator).to(w.device) for name, w in weights.items()}
