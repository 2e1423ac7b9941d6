"""Snell, Swersky & Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017 (arXiv:1703.05175)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from plugins.meta.episodes import Episodes, losses
from plugins.meta.learners._base import Learner
from plugins.meta.networks.embedding import Embedding
from plugins.meta.networks.sizes import widths
from plugins.meta.types import Problem


class Prototypes(Learner):
    """A class is the mean of its support embeddings; a query's score is minus its squared distance to that."""

    def __init__(self, problem: Problem, hidden: Sequence[int] | None) -> None:
        super().__init__(problem)
        self.embedding = Embedding(problem, widths(problem, hidden))

    def forward(self, episodes: Episodes) -> Tensor:
        """Scores (tasks, queries, ways)."""
        support, query = self.embed(episodes, 0)
        means = prototypes(support, episodes.support_targets)
        return -torch.cdist(query, means, compute_mode="use_mm_for_euclid_dist").square()

    def embed(self, episodes: Episodes, steps: int) -> tuple[Tensor, Tensor]:
        """Support and query set in one batch."""
        shots = episodes.support_inputs.shape[1]
        embedded = self.embedding(torch.cat([episodes.support_inputs, episodes.query_inputs], 1))
        return embedded[:, :shots], embedded[:, shots:]

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the query set."""
        return losses(self(episodes), episodes.query_targets).mean()

    def predict(self, episodes: Episodes, steps: int) -> Tensor:
        """Scores (tasks, queries, ways); there are no steps to take."""
        return self(episodes)


def prototypes(embedded: Tensor, labels: Tensor) -> Tensor:
    """Mean vector of each class (tasks, ways, size), from vectors (tasks, n, size) and labels (tasks, n)."""
    members = functional.one_hot(labels).to(embedded.dtype)
    return members.mT @ embedded / members.sum(1)[..., None]
