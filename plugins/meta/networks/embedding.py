"""Networks that turn an input into a vector, the same for every task."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from plugins.meta.types import Problem


class Embedding(nn.Module):
    """Vectors (tasks, n, size) of inputs (tasks, n, ...).

    Pictures go through blocks of 3x3 convolution, batch normalisation, ReLU and 2x2 max-pooling (Vinyals et al. 2016),
    anything else through fully connected layers.
    """

    def __init__(self, problem: Problem, hidden: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if len(problem.input_shape) == 3:
            for before, after in pairwise([problem.input_shape[0], *hidden]):
                # The largest of four is the same before ReLU, which then has a quarter to do.
                convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
                layers += [convolution, nn.BatchNorm2d(after), nn.MaxPool2d(2), nn.ReLU()]
        else:
            layers.append(nn.Flatten())
            for before, after in pairwise([prod(problem.input_shape), *hidden]):
                layers += [nn.Linear(before, after), nn.ReLU()]
        # Channels last: a third faster on processors.
        self.layers = nn.Sequential(*layers, nn.Flatten()).to(memory_format=torch.channels_last)

    def forward(self, inputs: Tensor) -> Tensor:
        """All tasks in one batch."""
        return self.layers(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2])
