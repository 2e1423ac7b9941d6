"""What each task minimises."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def task_losses(outputs: Sequence[Tensor], targets: Tensor, classes: Sequence[int]) -> Tensor:
    """(tasks,) squared error of numbers, cross-entropy of the others; targets (n, tasks)."""
    if set(classes) == {1}:
        return (torch.cat(list(outputs), 1) - targets).square().mean(0)
    return torch.stack([_loss(outputs[i], targets[:, i], count) for i, count in enumerate(classes)])


def _loss(outputs: Tensor, targets: Tensor, classes: int) -> Tensor:
    if classes == 1:
        return (outputs[:, 0] - targets).square().mean()
    if classes == 2:
        return functional.binary_cross_entropy_with_logits(outputs[:, 0], targets)
    return functional.cross_entropy(outputs, targets.long())


def task_gradients(losses: Tensor, weights: Sequence[Tensor]) -> list[Tensor]:
    """(tasks, ...) for each weight; zeros where a task does not use it."""
    settings = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
    if any(weight.ndim > 2 for weight in weights):
        # Convolutions go backward faster one task after the other, everything else all tasks at once.
        rows = [torch.autograd.grad(loss, weights, **settings) for loss in losses]
        return [torch.stack(parts) for parts in zip(*rows, strict=True)]
    each = torch.eye(len(losses), device=losses.device)
    return [
        part if part.ndim > weight.ndim else part.expand(len(losses), *part.shape)
        for part, weight in zip(
            torch.autograd.grad(losses, weights, each, is_grads_batched=True, **settings), weights, strict=True
        )
    ]


def output_counts(classes: Sequence[int]) -> list[int]:
    """How many outputs each task has: one for a number and for yes or no."""
    return [1 if count <= 2 else count for count in classes]
