"""The contract of criteria, and what they look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from plugins.pruning.examples import Examples
from plugins.pruning.objective import Objective
from plugins.pruning.weights import Weights

Scores = dict[str, Tensor]


@dataclass(frozen=True)
class Probe:
    """Examples to score with, in batches, and the loss of a batch."""

    given: Examples
    objective: Objective
    generator: torch.Generator
    batch_size: int = 256

    def losses(self, network: nn.Module) -> Iterator[Tensor]:
        """The mean loss of each batch, to be differentiated."""
        for batch in self.given.batches(self.batch_size):
            yield self.objective(network(batch.inputs), batch)

    def gradients(self, network: nn.Module, weights: Weights) -> Scores:
        """The gradient of the mean loss over all examples."""
        total = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        for loss, batch in zip(self.losses(network), self.given.batches(self.batch_size), strict=True):
            share = len(batch) / len(self.given)
            for sum_, gradient in zip(total.values(), torch.autograd.grad(loss, list(weights.values())), strict=True):
                sum_ += share * gradient
        return total


Criterion = Callable[[nn.Module, Weights, Probe], Scores]
