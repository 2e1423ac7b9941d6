"""One file for each method, to be read beside its paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.meta.learners._base import Learner
from plugins.meta.learners.maml import MAML
from plugins.meta.learners.matching import Matching
from plugins.meta.learners.meta_sgd import MetaSGD
from plugins.meta.learners.nearest import NearestNeighbour
from plugins.meta.learners.neural_process import NeuralProcess
from plugins.meta.learners.pretrained import Pretrained, Scratch
from plugins.meta.learners.prototypes import Prototypes
from plugins.meta.learners.reptile import Reptile
from plugins.meta.types import Problem

LEARNERS: dict[str, type[Learner]] = {
    "maml": MAML,
    "matching": Matching,
    "meta_sgd": MetaSGD,
    "nearest_neighbour": NearestNeighbour,
    "neural_process": NeuralProcess,
    "pretrained": Pretrained,
    "prototypes": Prototypes,
    "reptile": Reptile,
    "scratch": Scratch,
}


def build(method: str, problem: Problem, settings: Mapping[str, Any]) -> Learner:
    """A learner with fresh weights."""
    return LEARNERS[method](problem, **settings)
