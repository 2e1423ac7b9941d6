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
    """Inputs (n, features) and targets (n, tasks) as float32: standardised numbers, or 0 and 1."""

    inputs: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class TaskSet:
    """Several targets of the same rows: each task's name, and whether it is yes or no rather than a number."""

    tasks: tuple[str, ...]
    binary: tuple[bool, ...]
    parts: Split[Examples]


@dataclass(frozen=True)
class Network:
    """The weights of one network for the tasks ``columns`` of a task set."""

    columns: tuple[int, ...]
    state: dict[str, torch.Tensor] = field(repr=False)


@dataclass(frozen=True)
class MultiTaskModel:
    """A network for all tasks, and for comparison one for each task alone; and how their gradients agreed.

    cosines: (tasks, tasks) mean cosine of the tasks' gradients of the shared weights over training.
    """

    architecture: str
    hidden: tuple[int, ...]
    experts: int
    together: Network
    alone: tuple[Network, ...]
    cosines: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Each task's metric on the test rows together and alone (tasks,), and the gain of together in percent."""

    tasks: tuple[str, ...]
    together: np.ndarray
    alone: np.ndarray
    gain: np.ndarray
