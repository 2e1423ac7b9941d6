"""Ways to score single weights: one file for each, to be read beside its paper.

A criterion is a function ``score(network, weights, probe)``. It gives a tensor for each of ``weights``, of its shape:
the higher a score, the sooner the weight is kept. ``probe`` holds examples and the objective, for criteria that look at
data. The network is in evaluation mode, and a criterion leaves it as it was.
"""

from __future__ import annotations

from importlib import import_module
from typing import get_args

from plugins.pruning.criteria._base import Criterion as Criterion
from plugins.pruning.criteria._base import Probe as Probe
from plugins.pruning.names import Name


def criterion(name: str) -> Criterion:
    """The criterion of that name."""
    score: Criterion = import_module(f"plugins.pruning.criteria.{name}").score
    return score


NAMES: tuple[str, ...] = get_args(Name)
