"""What the stages of the `meta` plugin pass on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.types import Images, Split

if TYPE_CHECKING:
    import numpy as np
    import torch

    from plugins.meta.learners import Learner


@dataclass(frozen=True)
class Problem:
    """What a learner is made for: inputs of ``input_shape``, ``outputs`` of them for each, numbers or class scores."""

    input_shape: tuple[int, ...]
    outputs: int
    classifies: bool


@dataclass(frozen=True)
class Tasks:
    """Tasks to learn to learn on: ``shots`` examples (of each class) to adapt to and ``queries`` to judge on."""

    shots: int
    queries: int


@dataclass(frozen=True)
class FunctionTasks(Tasks):
    """Regression tasks: functions of one number drawn from a family; ranges are (lowest, highest)."""

    family: str
    amplitude: tuple[float, float]
    phase: tuple[float, float]
    inputs: tuple[float, float]
    noise: float


@dataclass(frozen=True)
class ImageTasks(Tasks):
    """``ways``-way classification of pictures; no class is in two of the ``parts``.

    groups: for each class of each part the group (an alphabet) from which alone an episode takes its classes, or empty.
    rotations: whether a class turned by 90, 180 or 270 degrees is a class of its own when training.
    """

    ways: int
    parts: Split[Images]
    groups: Split[tuple[int, ...]]
    rotations: bool


@dataclass(frozen=True)
class TableTasks(Tasks):
    """Groups of a table's rows, each group a task: its target from the other columns.

    inputs: (n, features) float32. targets: (n, 1) float32 standardised numbers, or (n,) int64 in 0..ways-1.
    groups: (n,) int64, the group of each row. parts: the groups of each part. ways: classes, or 0 for numbers.
    """

    inputs: np.ndarray
    targets: np.ndarray
    groups: np.ndarray
    parts: Split[np.ndarray]
    ways: int


@dataclass(frozen=True)
class FixedTasks(Tasks):
    """Published classification episodes, the same for everyone.

    support, query: (tasks, n, channels, height, width) uint8.
    support_labels, query_labels: (tasks, n) int64 in 0..ways-1.
    """

    ways: int
    support: np.ndarray
    support_labels: np.ndarray
    query: np.ndarray
    query_labels: np.ndarray


@dataclass(frozen=True)
class MetaLearner:
    """A learner after meta-training: its method and settings, what it is made for, and its weights.

    compute: what meta-training cost, in GFLOP.
    """

    method: str
    settings: dict[str, Any]
    problem: Problem
    state: dict[str, torch.Tensor] = field(repr=False)
    compute: float = 0.0

    def module(self) -> Learner:
        """The learner with these weights, on the CPU."""
        from plugins.meta.learners import build

        learner = build(self.method, self.problem, self.settings)
        learner.load_state_dict(self.state)
        return learner.eval()


@dataclass(frozen=True)
class Adaptation:
    """How well a learner did on each of n test tasks: ``scores`` (n,), squared error or accuracy by ``measure``.

    method: the learner's. compute: what its meta-training cost, in GFLOP. steps: gradient steps of each adaptation.
    """

    method: str
    measure: str
    scores: np.ndarray
    compute: float
    steps: int


@dataclass(frozen=True)
class Verdict:
    """Whether meta-learning was worth it: the best method and the best control, and what the former takes away.

    gain: percent of the control's error. p: of the paired t-test over the tasks, Holm-corrected for all methods.
    """

    method: str
    control: str
    gain: float
    p: float
