"""What the stages of the `multitask` plugin pass on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.types import Split

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class Examples:
    """Inputs (n, features) or (n, channels, height, width) and targets (n, tasks), both float32.

    A target is a standardised number, 0 or 1, or the index of a class.
    """

    inputs: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class TaskSet:
    """Several targets of the same rows.

    classes: for each task 1 where it is a number, 2 where it is yes or no, else how many classes it tells apart.
    """

    tasks: tuple[str, ...]
    classes: tuple[int, ...]
    parts: Split[Examples]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one input."""
        return self.parts.train.inputs.shape[1:]


@dataclass(frozen=True)
class Network:
    """The weights of one network for the tasks ``columns`` of a task set."""

    columns: tuple[int, ...]
    state: dict[str, torch.Tensor] = field(repr=False)


@dataclass(frozen=True)
class Interactions:
    """How tasks that share a network got on, epoch by epoch.

    cosines: (epochs, tasks, tasks) cosine of the tasks' gradients of the shared weights.
    affinity: (epochs, tasks, tasks) share of the column's loss that a step for the row alone takes away (Fifty et al.
    2021, equation 1); negative where it does harm.
    weights: (epochs, tasks) the mean weight that each task had.
    """

    cosines: np.ndarray
    affinity: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class MultiTaskModel:
    """Networks that have each task in one of them: one for all, one for each, or one for each group of tasks.

    tasks, classes: as in the task set that they learnt. shape: of one input.
    interactions: of the one network for all tasks, else None.
    """

    tasks: tuple[str, ...]
    classes: tuple[int, ...]
    shape: tuple[int, ...]
    architecture: str
    hidden: tuple[int, ...]
    channels: tuple[int, ...]
    experts: int
    networks: tuple[Network, ...]
    interactions: Interactions | None = None


@dataclass(frozen=True)
class Grouping:
    """Which tasks to train together: each group's columns, and the score that the choice made largest."""

    groups: tuple[tuple[int, ...], ...]
    score: float


@dataclass(frozen=True)
class Comparison:
    """Each task's metric on the test rows together and alone (tasks,), and the gain of together in percent."""

    tasks: tuple[str, ...]
    together: np.ndarray
    alone: np.ndarray
    gain: np.ndarray
