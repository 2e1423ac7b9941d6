"""Weights of the tasks' losses, moved as training goes on; they add up to the number of tasks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Equal(nn.Module):
    """One each."""

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.ones(tasks))
        self.weights: Tensor

    def combined(self, losses: Tensor) -> Tensor:
        """One loss from those of the tasks (tasks,)."""
        return (self.weights * losses).mean()

    def after_epoch(self, losses: Tensor) -> None:
        """Take note of the epoch's mean losses (tasks,)."""


class Uncertainty(Equal):
    """exp(-s) L + s / 2 with a learnt s = log variance for each task (Kendall, Gal & Cipolla, CVPR 2018)."""

    def __init__(self, tasks: int) -> None:
        super().__init__(tasks)
        self.log_variances = nn.Parameter(torch.zeros(tasks))

    def combined(self, losses: Tensor) -> Tensor:
        """With the penalty that keeps the variances small."""
        precisions = (-self.log_variances).exp()
        self.weights = (len(precisions) * precisions / precisions.sum()).detach()
        return (precisions * losses + self.log_variances / 2).mean()


class DynamicAverage(Equal):
    """The slower a loss falls, the more it weighs: a softmax of its last ratio (Liu, Johns & Davison, CVPR 2019)."""

    temperature = 2.0

    def __init__(self, tasks: int) -> None:
        super().__init__(tasks)
        self.register_buffer("previous", torch.full((tasks,), torch.nan))
        self.previous: Tensor

    def after_epoch(self, losses: Tensor) -> None:
        """Weigh by how much of each loss the epoch left; equally after the first."""
        ratios = (losses / self.previous).nan_to_num(1.0)
        self.weights = len(losses) * (ratios / self.temperature).softmax(0)
        self.previous = losses.clone()


class GradNorm(Equal):
    """Gradients of equal size, larger for tasks that lag behind (Chen et al., ICML 2018, algorithm 1)."""

    alpha, step = 1.5, 0.025

    def __init__(self, tasks: int) -> None:
        super().__init__(tasks)
        self.register_buffer("first", torch.full((tasks,), torch.nan))
        self.first: Tensor

    def move(self, losses: Tensor, layer: Sequence[Tensor]) -> None:
        """Move the weights by the gradients (tasks,) of the last shared ``layer``, before ``combined``."""
        gradients = [torch.autograd.grad(loss, layer, retain_graph=True) for loss in losses]
        norms = torch.stack([torch.cat([part.flatten() for part in g]).norm() for g in gradients])
        self.first = torch.where(self.first.isnan(), losses.detach(), self.first)
        self.weights = gradnorm_step(self.weights, norms, losses.detach() / self.first, self.alpha, self.step)


def gradnorm_step(weights: Tensor, norms: Tensor, ratios: Tensor, alpha: float, step: float) -> Tensor:
    """New weights (tasks,) from the norms of the unweighted gradients and each loss's ratio to its first value.

    A step down the gradient of sum |w_i n_i - mean(w n) r_i^alpha|, the mean taken as constant (equation 2), with r the
    ratios over their mean; then scaled so that they add up to the number of tasks.
    """
    sizes = weights * norms
    target = sizes.mean() * (ratios / ratios.mean()) ** alpha
    # Steps relative to the mean norm, so that the scale of the losses does not matter.
    moved = (weights - step * (sizes - target).sign() * norms / norms.mean()).clamp_min(1e-3)
    return len(weights) * moved / moved.sum()


WEIGHTINGS: dict[str, type[Equal]] = {
    "equal": Equal,
    "uncertainty": Uncertainty,
    "dynamic_average": DynamicAverage,
    "gradnorm": GradNorm,
}
