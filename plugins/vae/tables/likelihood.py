"""The distribution of a row given the decoder's output: numbers normal, categories categorical, all independent.

As in Nazabal et al., "Handling incomplete heterogeneous data using VAEs", Pattern Recognition 2020 (arXiv:1807.03653):
what was not observed does not count. Densities are those of standardised numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from plugins.vae.likelihoods import in_float32
from plugins.vae.types import Column


class Mixed(nn.Module):
    """Each number has one learned standard deviation, each category the softmax of its logits."""

    MIN_LOG_SCALE = math.log(0.01)

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self.widths = [column.width for column in columns]
        self.numeric = [not column.categories for column in columns]
        self.log_scale = nn.Parameter(torch.zeros(len(columns)))

    @in_float32
    def log_prob(self, x: Tensor, output: Tensor) -> Tensor:
        """Rows x (n, width + columns) and outputs (..., n, width) give (..., n) nats."""
        values, known = x.split([sum(self.widths), len(self.widths)], -1)
        each = zip(values.split(self.widths, -1), output.split(self.widths, -1), strict=True)
        parts = [self._column(i, value, predicted) for i, (value, predicted) in enumerate(each)]
        return (torch.stack(parts, -1) * known).sum(-1)

    def mean(self, output: Tensor) -> Tensor:
        """Expected numbers, and the probability of each category."""
        parts = output.split(self.widths, -1)
        return torch.cat([part if n else part.softmax(-1) for n, part in zip(self.numeric, parts, strict=True)], -1)

    def draw(self, output: Tensor, generator: torch.Generator) -> Tensor:
        """One row for each output (n, width)."""
        drawn = []
        for i, part in enumerate(output.split(self.widths, -1)):
            noise = torch.empty_like(part)
            if self.numeric[i]:
                drawn.append(part + noise.normal_(generator=generator) * torch.exp(self._log_scale(i)))
            else:  # the greatest of logits with Gumbel noise is a draw of their softmax
                gumbel = -torch.log(noise.exponential_(generator=generator))
                drawn.append(functional.one_hot((part + gumbel).argmax(-1), part.shape[-1]).to(part))
        return torch.cat(drawn, -1)

    def _column(self, i: int, value: Tensor, predicted: Tensor) -> Tensor:
        if not self.numeric[i]:
            return (value * predicted.log_softmax(-1)).sum(-1)
        log_scale = self._log_scale(i)
        scaled = (value - predicted).squeeze(-1) * torch.exp(-log_scale)
        return -0.5 * (scaled.square() + 2 * log_scale + math.log(2 * math.pi))

    def _log_scale(self, i: int) -> Tensor:
        return self.MIN_LOG_SCALE + functional.softplus(self.log_scale[i] - self.MIN_LOG_SCALE)
