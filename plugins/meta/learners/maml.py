"""Finn, Abbeel & Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plugins.meta.episodes import Episodes, losses
from plugins.meta.learners.gradient import GradientLearner
from plugins.meta.types import Problem


class MAML(GradientLearner):
    """Weights from which few gradient steps lead far: the loss is that of the query set after adaptation.

    first_order: take the inner gradients for constants (section 5.2).
    only_head: ANIL, "almost no inner loop" (Raghu et al., ICLR 2020): the body is the same for every task.
    """

    def __init__(
        self,
        problem: Problem,
        hidden: Sequence[int] | None,
        inner_learning_rate: float,
        inner_steps: int,
        first_order: bool,
        only_head: bool,
    ) -> None:
        super().__init__(problem, hidden, inner_learning_rate, inner_steps, only_head)
        self.first_order = first_order

    def loss(self, episodes: Episodes) -> Tensor:
        """The mean query loss after the inner steps."""
        weights = self.adapt(episodes, self.inner_steps, second_order=not self.first_order)
        return losses(self.network(weights, episodes.query_inputs), episodes.query_targets).mean()

    def backward(self, episodes: Episodes) -> Tensor:
        """Part by part: the gradient of a mean over tasks is the sum of the parts' shares."""
        total = torch.zeros((), device=episodes.support_inputs.device)
        for part in self.parts(episodes):
            total += super().backward(part, share=len(part) / len(episodes))
        return total
