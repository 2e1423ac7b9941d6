"""Adaptation by gradient steps from weights that all tasks begin with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plugins.meta.episodes import Episodes, losses
from plugins.meta.learners._base import Learner
from plugins.meta.networks.batched import Weights, batched_network
from plugins.meta.networks.sizes import widths
from plugins.meta.types import Problem


class GradientLearner(Learner):
    """The inner loop: ``inner_steps`` of gradient descent on the support set, every task in one batch.

    only_head: adapt the last layer alone.
    """

    def __init__(
        self,
        problem: Problem,
        hidden: Sequence[int] | None,
        inner_learning_rate: float,
        inner_steps: int,
        only_head: bool = False,
    ) -> None:
        super().__init__(problem)
        self.network = batched_network(problem, widths(problem, hidden))
        self.inner_learning_rate, self.inner_steps = inner_learning_rate, inner_steps
        self.adapted = self.network.head if only_head else tuple(self.network.initial.keys())

    def step_size(self, name: str) -> Tensor | float:
        """The inner step size of a weight."""
        return self.inner_learning_rate

    def adapt(self, episodes: Episodes, steps: int, second_order: bool) -> Weights:
        """Each task's weights (tasks, ...) after ``steps``; with ``second_order`` gradients flow through the steps."""
        weights = self.network.expanded(len(episodes))
        for _ in range(steps):
            loss = losses(self.network(weights, episodes.support_inputs), episodes.support_targets).sum()
            gradients = torch.autograd.grad(loss, [weights[name] for name in self.adapted], create_graph=second_order)
            for name, gradient in zip(self.adapted, gradients, strict=True):
                weights[name] = weights[name] - self.step_size(name) * gradient
        return weights

    def parts(self, episodes: Episodes) -> list[Episodes]:
        """As many tasks at once as are fastest."""
        at_once = None if episodes.support_inputs.is_cuda else self.network.tasks_at_once
        return episodes.split(at_once or len(episodes))

    def predict(self, episodes: Episodes, steps: int) -> Tensor:
        """Outputs (tasks, queries, outputs) after ``steps`` gradient steps on the support set."""
        return torch.cat([self._predict(part, steps) for part in self.parts(episodes)])

    def _predict(self, episodes: Episodes, steps: int) -> Tensor:
        with torch.enable_grad():
            weights = self.adapt(episodes, steps, second_order=False)
        return self.network(weights, episodes.query_inputs)

    def embed(self, episodes: Episodes, steps: int) -> tuple[Tensor, Tensor]:
        """What the last layer sees after ``steps`` gradient steps."""
        with torch.enable_grad():
            weights = self.adapt(episodes, steps, second_order=False)
        return tuple(self.network.features(weights, x) for x in (episodes.support_inputs, episodes.query_inputs))
