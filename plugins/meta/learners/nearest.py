"""The control that learns nothing: the answer of the nearest support input (Cover & Hart 1967)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from plugins.meta.episodes import Episodes
from plugins.meta.learners._base import Learner


class NearestNeighbour(Learner):
    """Euclidean distance between inputs as they are."""

    def loss(self, episodes: Episodes) -> Tensor:
        """There is nothing to train."""
        raise NotImplementedError("the nearest neighbour has no meta-training")

    def predict(self, episodes: Episodes, steps: int) -> Tensor:
        """The targets (one-hot where they are classes) of the nearest support inputs."""
        distances = torch.cdist(episodes.query_inputs.flatten(2), episodes.support_inputs.flatten(2))
        nearest = distances.argmin(-1)
        if self.problem.classifies:
            labels = episodes.support_targets.gather(1, nearest)
            return functional.one_hot(labels, self.problem.outputs).float()
        return episodes.support_targets.gather(1, nearest[..., None].expand(-1, -1, self.problem.outputs))
