"""Nichol, Achiam & Schulman, "On First-Order Meta-Learning Algorithms", 2018 (arXiv:1803.02999)."""

from __future__ import annotations

import torch
from torch import Tensor

from plugins.meta.episodes import Episodes
from plugins.meta.learners.gradient import GradientLearner


class Reptile(GradientLearner):
    """Moves the first weights towards those that training on each task leads to; needs no query set."""

    def loss(self, episodes: Episodes) -> Tensor:
        """A number whose gradient is the mean over tasks of first less adapted weights (algorithm 2)."""
        everything = Episodes(
            torch.cat([episodes.support_inputs, episodes.query_inputs], 1),
            torch.cat([episodes.support_targets, episodes.query_targets], 1),
            episodes.query_inputs,
            episodes.query_targets,
        )
        adapted = self.adapt(everything, self.inner_steps, second_order=False)
        initial = self.network.initial
        moves = {name: (initial[name] - adapted[name].mean(0)).detach() for name in self.adapted}
        # Half the squared distance to the adapted weights, whose gradient is the distance.
        return sum(((initial[name] * move).sum() - (initial[name] * move).sum().detach() + move.square().sum() / 2)
                   for name, move in moves.items())  # fmt: skip
