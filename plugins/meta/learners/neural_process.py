"""Garnelo et al., "Conditional Neural Processes", ICML 2018 (arXiv:1807.01613)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from plugins.meta.episodes import Episodes
from plugins.meta.learners._base import Learner
from plugins.meta.types import Problem


class NeuralProcess(Learner):
    """The mean of the encoded support pairs conditions a network that predicts a normal distribution for each query."""

    def __init__(self, problem: Problem, hidden: Sequence[int] | None) -> None:
        super().__init__(problem)
        sizes = tuple(hidden or (128, 128, 128))
        inputs = prod(problem.input_shape)
        self.encoder = _mlp([inputs + problem.outputs, *sizes])
        self.decoder = _mlp([inputs + sizes[-1], *sizes, 2 * problem.outputs])

    def distribution(self, episodes: Episodes) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, each (tasks, queries, outputs); no deviation is under 0.01."""
        pairs = torch.cat([episodes.support_inputs.flatten(2), episodes.support_targets], -1)
        summary = self.encoder(pairs).mean(1, keepdim=True)
        query = episodes.query_inputs.flatten(2)
        decoded = self.decoder(torch.cat([query, summary.expand(-1, query.shape[1], -1)], -1))
        mean, raw = decoded.chunk(2, -1)
        return mean, 0.01 + functional.softplus(raw)

    def loss(self, episodes: Episodes) -> Tensor:
        """Minus the mean log-likelihood of the query set."""
        mean, deviation = self.distribution(episodes)
        return -torch.distributions.Normal(mean, deviation).log_prob(episodes.query_targets).mean()

    def predict(self, episodes: Episodes, steps: int) -> Tensor:
        """The means; there are no steps to take."""
        return self.distribution(episodes)[0]


def _mlp(sizes: Sequence[int]) -> nn.Sequential:
    layers = [layer for before, after in pairwise(sizes) for layer in (nn.Linear(before, after), nn.ReLU())]
    return nn.Sequential(*layers[:-1])
