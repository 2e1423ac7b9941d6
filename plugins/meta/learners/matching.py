"""Vinyals et al., "Matching Networks for One Shot Learning", NeurIPS 2016 (arXiv:1606.04080)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from plugins.meta.episodes import Episodes
from plugins.meta.learners.prototypes import Prototypes
from plugins.meta.types import Problem


class Matching(Prototypes):
    """A query takes the labels of the support set by attention: softmax over cosine similarities (section 2.1).

    Without full context embeddings. The similarities are scaled by a learnt factor, as they lie in -1..1.
    """

    def __init__(self, problem: Problem, hidden: Sequence[int] | None) -> None:
        super().__init__(problem, hidden)
        self.log_scale = torch.nn.Parameter(torch.tensor(2.3))

    def forward(self, episodes: Episodes) -> Tensor:
        """Logarithms of class probabilities (tasks, queries, ways)."""
        support, query = self.embed(episodes, 0)
        return attention(support, episodes.support_targets, query, self.log_scale.exp())


def attention(support: Tensor, labels: Tensor, query: Tensor, scale: Tensor) -> Tensor:
    """log of the sum over each class of softmax(scale * cosine): (tasks, queries, ways)."""
    similarity = functional.normalize(query, dim=-1) @ functional.normalize(support, dim=-1).mT
    weights = (scale * similarity).log_softmax(-1)
    outside = functional.one_hot(labels).mT.eq(0)[:, None]
    return weights[:, :, None].masked_fill(outside, -torch.inf).logsumexp(-1)
