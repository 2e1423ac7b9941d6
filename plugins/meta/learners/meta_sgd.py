"""Li, Zhou, Chen & Li, "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning", 2017 (arXiv:1707.09835)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plugins.meta.learners.maml import MAML
from plugins.meta.types import Problem


class MetaSGD(MAML):
    """MAML that learns the step size, and so the direction, of every single weight (equation 3)."""

    def __init__(
        self, problem: Problem, hidden: Sequence[int] | None, inner_learning_rate: float, inner_steps: int
    ) -> None:
        super().__init__(problem, hidden, inner_learning_rate, inner_steps, first_order=False, only_head=False)
        self.step_sizes = nn.ParameterDict(
            {name: torch.full_like(weight, inner_learning_rate) for name, weight in self.network.initial.items()}
        )

    def step_size(self, name: str) -> Tensor | float:
        """One for each element of the weight."""
        return self.step_sizes[name]
