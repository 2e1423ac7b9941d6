"""Episodes: a batch of tasks as tensors, each with a support set to adapt to and a query set to judge on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Episodes:
    """Inputs (tasks, n, ...); targets (tasks, n) class indices, or (tasks, n, outputs) numbers.

    classes: (tasks, ways) which classes of the whole set those of each episode are, where it classifies.
    """

    support_inputs: Tensor
    support_targets: Tensor
    query_inputs: Tensor
    query_targets: Tensor
    classes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.support_inputs)

    def split(self, tasks: int) -> list[Episodes]:
        """Parts of so many tasks, the last of what is left."""
        fields = (self.support_inputs, self.support_targets, self.query_inputs, self.query_targets, self.classes)
        starts = range(0, len(self), tasks)
        return [Episodes(*(part if part is None else part[i : i + tasks] for part in fields)) for i in starts]


class Sampler(Protocol):
    """Draws episodes, all on one device."""

    def draw(self, tasks: int, shots: int, queries: int, generator: torch.Generator) -> Episodes:
        """``tasks`` new episodes."""


def losses(outputs: Tensor, targets: Tensor) -> Tensor:
    """Each task's mean loss (tasks,): cross-entropy for class indices, squared error for numbers."""
    if targets.is_floating_point():
        return (outputs - targets).square().flatten(1).mean(1)
    return functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none").view_as(targets).mean(1)


def scores(outputs: Tensor, targets: Tensor) -> Tensor:
    """Each task's mean squared error, or accuracy where the targets are classes (tasks,)."""
    if targets.is_floating_point():
        return losses(outputs, targets)
    return (outputs.argmax(-1) == targets).float().mean(1)


def half_interval(values: np.ndarray) -> np.ndarray:
    """Half the width of the 95 % interval of the mean over tasks, for scores (..., tasks)."""
    with np.errstate(invalid="ignore"):  # where an adaptation diverged there is no interval
        return 1.96 * values.std(-1, ddof=1) / np.sqrt(values.shape[-1])
