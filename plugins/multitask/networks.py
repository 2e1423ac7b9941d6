"""Networks for several tasks: what they share, and what is their own.

Each begins with a stem that all tasks share (convolutions for pictures, nothing for tables) and ends with a linear head
for each task; in between ``features`` makes a vector for each task. Weights whose names begin with ``stem.`` or
``shared.`` are those that tasks may quarrel about.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn


class MultiTaskNetwork(nn.Module):
    """(n, outputs) for each task, from (n, features) or (n, channels, height, width).

    shape: of one input. outputs: of each task. hidden: widths of the layers. channels: of the stem's blocks of 3x3
    convolution, 2x2 max-pooling and ReLU, where the inputs are pictures.
    """

    def __init__(
        self, shape: Sequence[int], outputs: Sequence[int], hidden: Sequence[int], channels: Sequence[int], experts: int
    ) -> None:
        super().__init__()
        self.stem, size = stem(shape, channels)
        self.build(size, len(outputs), hidden, experts)
        self.heads = nn.ModuleList(nn.Linear(hidden[-1], count) for count in outputs)

    @abstractmethod
    def build(self, size: int, tasks: int, hidden: Sequence[int], experts: int) -> None:
        """Make what lies between the stem, which gives ``size`` numbers, and the heads."""

    @abstractmethod
    def features(self, x: Tensor) -> Sequence[Tensor]:
        """(n, hidden[-1]) for each task, from (n, size)."""

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """Numbers, or scores of classes, of each task."""
        return [head(x) for head, x in zip(self.heads, self.features(self.stem(inputs)), strict=True)]

    def shared_weights(self) -> dict[str, Tensor]:
        """The weights that several tasks use, by name."""
        return {name: w for name, w in self.named_parameters() if name.startswith(("stem.", "shared."))}


class HardSharing(MultiTaskNetwork):
    """One trunk for all tasks (Caruana 1997), the heads in one layer."""

    def __init__(
        self, shape: Sequence[int], outputs: Sequence[int], hidden: Sequence[int], channels: Sequence[int], experts: int
    ) -> None:
        super().__init__(shape, outputs, hidden, channels, experts)
        self.outputs = list(outputs)
        self.heads = nn.Linear(hidden[-1], sum(outputs))

    def build(self, size: int, tasks: int, hidden: Sequence[int], experts: int) -> None:
        """A trunk."""
        self.shared = layers([size, *hidden])

    def features(self, x: Tensor) -> Sequence[Tensor]:
        """The same for each task."""
        return [self.shared(x)] * len(self.outputs)

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """Numbers, or scores of classes, of each task."""
        return list(self.heads(self.shared(self.stem(inputs))).split(self.outputs, 1))


class CrossStitch(MultiTaskNetwork):
    """A column of layers for each task, mixed after each layer by learnt weights (Misra et al., CVPR 2016)."""

    def build(self, size: int, tasks: int, hidden: Sequence[int], experts: int) -> None:
        """A column for each task, a matrix for each layer."""
        self.shared = nn.ModuleList(
            nn.ModuleList(nn.Linear(a, b) for _ in range(tasks)) for a, b in pairwise([size, *hidden])
        )
        # Mostly one's own, a little of the others, as the paper begins.
        start = torch.eye(tasks)
        if tasks > 1:
            start = 0.9 * start + 0.1 / (tasks - 1) * (1 - start)
        self.stitches = nn.ParameterList(start.clone() for _ in hidden)

    def features(self, x: Tensor) -> Sequence[Tensor]:
        """Each task's column."""
        columns = x.expand(len(self.heads), *x.shape)
        for level, stitch in zip(self.shared, self.stitches, strict=True):
            outputs = torch.stack([layer(c).relu() for layer, c in zip(level, columns, strict=True)])
            columns = torch.einsum("st,tnf->snf", stitch, outputs)
        return list(columns)


class MixtureOfExperts(MultiTaskNetwork):
    """Each task mixes the same experts by a gate of its own (MMoE, Ma et al., KDD 2018)."""

    def build(self, size: int, tasks: int, hidden: Sequence[int], experts: int) -> None:
        """Experts, and a gate for each task."""
        self.shared = nn.ModuleList(layers([size, *hidden]) for _ in range(experts))
        self.gates = nn.ModuleList(nn.Linear(size, experts) for _ in range(tasks))

    def features(self, x: Tensor) -> Sequence[Tensor]:
        """Each task's mixture."""
        experts = torch.stack([expert(x) for expert in self.shared], 1)
        return [mixed(gate(x), experts) for gate in self.gates]


class ProgressiveExtraction(MultiTaskNetwork):
    """Experts of each task's own beside shared ones, layer by layer (PLE, Tang et al., RecSys 2020, section 4.2).

    A task's gate sees its own expert and the shared ones; the shared path of a layer sees all of them.
    """

    def build(self, size: int, tasks: int, hidden: Sequence[int], experts: int) -> None:
        """For each layer one expert of each task, ``experts`` shared ones, and gates."""
        widths = [size, *hidden]
        self.shared = nn.ModuleList(nn.ModuleList(layers(w) for _ in range(experts)) for w in pairwise(widths))
        self.own = nn.ModuleList(nn.ModuleList(layers(w) for _ in range(tasks)) for w in pairwise(widths))
        self.gates = nn.ModuleList(
            nn.ModuleList(nn.Linear(width, experts + 1) for _ in range(tasks)) for width in widths[:-1]
        )
        self.shared_gates = nn.ModuleList(nn.Linear(width, experts + tasks) for width in widths[:-2])

    def features(self, x: Tensor) -> Sequence[Tensor]:
        """Each task's path after the last layer."""
        paths, common = [x] * len(self.heads), x
        for level, (shared, own, gates) in enumerate(zip(self.shared, self.own, self.gates, strict=True)):
            general = [expert(common) for expert in shared]
            special = [expert(path) for expert, path in zip(own, paths, strict=True)]
            if level < len(self.shared_gates):
                everything = torch.stack([*special, *general], 1)
                following = mixed(self.shared_gates[level](common), everything)
            paths = [
                mixed(gate(path), torch.stack([expert, *general], 1))
                for gate, path, expert in zip(gates, paths, special, strict=True)
            ]
            common = following if level < len(self.shared_gates) else common
        return paths


def layers(widths: Sequence[int]) -> nn.Sequential:
    """Fully connected layers, each followed by ReLU."""
    return nn.Sequential(*[part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())])


def mixed(scores: Tensor, experts: Tensor) -> Tensor:
    """(n, width): experts (n, experts, width) weighted by the softmax of scores (n, experts)."""
    return (scores.softmax(1)[:, None] @ experts)[:, 0]


def stem(shape: Sequence[int], channels: Sequence[int]) -> tuple[nn.Module, int]:
    """Convolutions that halve a picture for each of ``channels``, or nothing; and how many numbers come out."""
    if len(shape) == 1:
        return nn.Identity(), shape[0]
    parts: list[nn.Module] = []
    for before, after in pairwise([shape[0], *channels]):
        # The largest of four is the same before ReLU, which then has a quarter to do.
        parts += [nn.Conv2d(before, after, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()]
    height, width = (side >> len(channels) for side in shape[1:])
    # Channels last: pooling is several times as fast on processors.
    return nn.Sequential(*parts, nn.Flatten()).to(memory_format=torch.channels_last), prod(
        (channels[-1], height, width)
    )


NETWORKS: dict[str, type[MultiTaskNetwork]] = {
    "hard_sharing": HardSharing,
    "cross_stitch": CrossStitch,
    "mixture_of_experts": MixtureOfExperts,
    "progressive_extraction": ProgressiveExtraction,
}
