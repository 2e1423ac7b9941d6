"""What each task minimises."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def task_losses(outputs: Sequence[Tensor], targets: Tensor, classes: Sequence[int]) -> Tensor:
    """(tasks,) squared error of numbers, cross-entropy of the others; targets (n, tasks)."""
    return torch.stack([_loss(outputs[i], targets[:, i], count) for i, count in enumerate(classes)])


def _loss(outputs: Tensor, targets: Tensor, classes: int) -> Tensor:
    if classes == 1:
        return (outputs[:, 0] - targets).square().mean()
    if classes == 2:
        return functional.binary_cross_entropy_with_logits(outputs[:, 0], targets)
    return functional.cross_entropy(outputs, targets.long())


def output_counts(classes: Sequence[int]) -> list[int]:
    """How many outputs each task has: one for a number and for yes or no."""
    return [1 if count <= 2 else count for count in classes]
