"""What every learner can do."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from plugins.meta.episodes import Episodes
from plugins.meta.types import Problem


class Learner(nn.Module):
    """Learns from a task's support set to predict its query set; its weights are what all tasks share."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem

    @abstractmethod
    def loss(self, episodes: Episodes) -> Tensor:
        """What meta-training lowers, the mean over the episodes."""

    def backward(self, episodes: Episodes, share: float = 1.0) -> Tensor:
        """Add the gradient of ``share`` of the loss to those of the weights; that share."""
        loss = share * self.loss(episodes)
        loss.backward()
        return loss.detach()

    @abstractmethod
    def predict(self, episodes: Episodes, steps: int) -> Tensor:
        """Outputs (tasks, queries, outputs) after ``steps`` steps of adaptation, where it adapts by steps."""

    def embed(self, episodes: Episodes, steps: int) -> tuple[Tensor, Tensor] | None:
        """Vectors (tasks, n, size) of the support and of the query set that it tells classes by, if it makes any."""
        return None
