"""Networks that many tasks run at once, each task with weights of its own.

Weights are (tasks, ...) tensors in a dictionary, inputs (tasks, n, ...). One matrix product or one grouped convolution
serves every task, which is many times faster than a loop over tasks, and than `torch.func.vmap` over them.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from plugins.meta.networks.convolution import convolve
from plugins.meta.networks.normalisation import batch_norm
from plugins.meta.networks.sizes import flattened
from plugins.meta.types import Problem

Weights = dict[str, Tensor]


class BatchedNetwork(nn.Module):
    """Holds the weights that every task begins with; ``head`` names those of the last layer."""

    head = ("head_weight", "head_bias")
    # How many tasks to take at once on a processor, None for any number.
    tasks_at_once: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self.initial = nn.ParameterDict()

    def expanded(self, tasks: int) -> Weights:
        """The first weights, the same for each task."""
        return {name: weight.expand(tasks, *weight.shape) for name, weight in self.initial.items()}

    @abstractmethod
    def features(self, weights: Weights, inputs: Tensor) -> Tensor:
        """What the last layer sees, (tasks, n, size) from (tasks, n, ...)."""

    def forward(self, weights: Weights, inputs: Tensor) -> Tensor:
        """(tasks, n, outputs) from (tasks, n, ...)."""
        return torch.baddbmm(weights["head_bias"], self.features(weights, inputs), weights["head_weight"])

    def _add_linear(self, name: str, inputs: int, outputs: int) -> None:
        """Uniform weights within 1 / sqrt(inputs), as `torch.nn.Linear` has them."""
        bound = 1 / math.sqrt(inputs)
        self.initial[f"{name}_weight"] = nn.Parameter(torch.empty(inputs, outputs).uniform_(-bound, bound))
        self.initial[f"{name}_bias"] = nn.Parameter(torch.empty(1, outputs).uniform_(-bound, bound))


class BatchedMLP(BatchedNetwork):
    """Fully connected layers with ReLU between them."""

    def __init__(self, problem: Problem, hidden: Sequence[int]) -> None:
        super().__init__()
        widths = [math.prod(problem.input_shape), *hidden]
        self.layers = [f"layer{number}" for number in range(len(hidden))]
        for name, (before, after) in zip(self.layers, pairwise(widths), strict=True):
            self._add_linear(name, before, after)
        self._add_linear("head", widths[-1], problem.outputs)

    def features(self, weights: Weights, inputs: Tensor) -> Tensor:
        """(tasks, n, size) from (tasks, n, ...)."""
        x = inputs.flatten(2)
        for name in self.layers:
            x = torch.baddbmm(weights[f"{name}_bias"], x, weights[f"{name}_weight"]).relu()
        return x


class BatchedConvolutions(BatchedNetwork):
    """Blocks of 3x3 convolution, batch normalisation, ReLU and 2x2 max-pooling (Vinyals et al. 2016).

    Normalisation uses the moments of the pictures that a task puts in at once, as in Finn et al. (2017): a query set is
    therefore predicted as a whole. Channels come last in memory, where pooling is six times as fast.
    """

    # So that what they make stays in the cache, and its memory is used again.
    tasks_at_once = 4

    def __init__(self, problem: Problem, hidden: Sequence[int]) -> None:
        super().__init__()
        channels = problem.input_shape[0]
        self.blocks = [f"block{number}" for number in range(len(hidden))]
        for name, (before, after) in zip(self.blocks, pairwise([channels, *hidden]), strict=True):
            self.initial[f"{name}_weight"] = nn.Parameter(
                nn.init.kaiming_normal_(torch.empty(after, before, 3, 3), nonlinearity="relu")
            )
            self.initial[f"{name}_scale"] = nn.Parameter(torch.ones(after))
            self.initial[f"{name}_shift"] = nn.Parameter(torch.zeros(after))
        self._add_linear("head", flattened(problem.input_shape, hidden), problem.outputs)

    def features(self, weights: Weights, inputs: Tensor) -> Tensor:
        """(tasks, n, size) from (tasks, n, channels, height, width)."""
        tasks, n = inputs.shape[:2]
        x = inputs.transpose(0, 1).flatten(1, 2).contiguous(memory_format=torch.channels_last)
        for name in self.blocks:
            kernels = weights[f"{name}_weight"].flatten(0, 1).contiguous(memory_format=torch.channels_last)
            x = convolve(x, kernels, groups=tasks)
            x = batch_norm(x, weights[f"{name}_scale"].flatten(), weights[f"{name}_shift"].flatten())
            # The largest of four is the same before ReLU, which then has a quarter to do.
            x = functional.max_pool2d(x, 2).relu()
        return x.reshape(n, tasks, -1).transpose(0, 1)


def batched_network(problem: Problem, hidden: Sequence[int]) -> BatchedNetwork:
    """Convolutions for pictures, fully connected layers for anything else."""
    kind = BatchedConvolutions if len(problem.input_shape) == 3 else BatchedMLP
    return kind(problem, hidden)
