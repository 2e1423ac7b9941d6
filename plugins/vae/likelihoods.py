"""Distributions of a picture given the decoder's output, pixel by pixel independent.

A likelihood is a module, because it may have parameters of its own. ``log_prob(pixels, output)`` takes pixels
(n, channels, height, width) and outputs (..., n, channels * depth, height, width), and gives (..., n) nats;
``mean(output)`` gives the expected picture, in 0..1. ``depth`` is how many outputs a pixel needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def in_float32(log_prob: Callable[[Any, Tensor, Tensor], Tensor]) -> Callable[[Any, Tensor, Tensor], Tensor]:
    """Outside autocast, which would look at each operation twice, forwards and backwards, and change none of them."""

    @wraps(log_prob)
    def plain(self: Any, x: Tensor, output: Tensor) -> Tensor:
        device = output.device.type
        if not torch.is_autocast_enabled(device):
            return log_prob(self, x, output)
        with torch.autocast(device, enabled=False):
            return log_prob(self, x, output)

    return plain


class Bernoulli(nn.Module):
    """Each pixel is white with the probability whose logit the decoder gives.

    For grey pixels between 0 and 1 this is the usual continuous relaxation: the cross-entropy is taken at the grey
    value. It then is no normalised density, and its numbers compare only with those of the same data and likelihood.
    """

    depth = 1

    def log_prob(self, pixels: Tensor, output: Tensor) -> Tensor:
        """x log p + (1 - x) log (1 - p), summed over the picture."""
        return _CrossEntropy.apply(pixels, output)

    def mean(self, output: Tensor) -> Tensor:
        """The probabilities."""
        return torch.sigmoid(output)


class _CrossEntropy(torch.autograd.Function):
    """x logit - log(1 + e^logit), summed over the picture, and its gradient x - p, in few passes over memory."""

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, logits: Tensor) -> Tensor:
        ctx.save_for_backward(pixels, logits)
        # log(1 + e^l) = l - log sigmoid(l)
        return functional.logsigmoid(logits).sub_(logits).addcmul_(pixels, logits).flatten(-3).sum(-1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        pixels, logits = ctx.saved_tensors
        return None, torch.sigmoid(logits).sub_(pixels).mul_(-gradient[..., None, None, None])


class Gaussian(nn.Module):
    """Each pixel is normal around the decoder's value, all with one learned standard deviation (Rybkin et al. 2021).

    The deviation stays above ``exp(MIN_LOG_SCALE)``, half a grey level of 255: the density would grow without bound on
    pixels that never change.
    """

    MIN_LOG_SCALE = -math.log(2 * 255)
    depth = 1

    def __init__(self) -> None:
        super().__init__()
        # About the deviation of the pixels themselves: from 1, hundreds of steps would go by on the way down.
        self.log_scale = nn.Parameter(torch.tensor(math.log(0.3)))

    @in_float32
    def log_prob(self, pixels: Tensor, output: Tensor) -> Tensor:
        """The log density, summed over the picture."""
        log_scale = self.MIN_LOG_SCALE + functional.softplus(self.log_scale - self.MIN_LOG_SCALE)
        errors = (pixels - self.mean(output)).square().flatten(-3).sum(-1)
        size = pixels[0].numel()
        return -0.5 * (errors * torch.exp(-2 * log_scale) + size * (2 * log_scale + math.log(2 * math.pi)))

    def mean(self, output: Tensor) -> Tensor:
        """The decoder's value, kept in 0..1 by a sigmoid."""
        return torch.sigmoid(output)


class Categorical(nn.Module):
    """Each pixel is one of ``depth`` grey levels at equal distances, each with a logit of its own.

    A normalised distribution of pixels that are rounded to those levels.
    """

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.depth = levels

    @in_float32
    def log_prob(self, pixels: Tensor, output: Tensor) -> Tensor:
        """The log probability of the pixels' levels, summed over the picture."""
        levels = torch.round(pixels * (self.depth - 1)).long()
        logits = output.unflatten(-3, (-1, self.depth))
        chosen = logits.gather(-3, levels.unsqueeze(-3).expand(*logits.shape[:-3], 1, *logits.shape[-2:])).squeeze(-3)
        return (chosen - torch.logsumexp(logits, -3)).flatten(-3).sum(-1)

    def mean(self, output: Tensor) -> Tensor:
        """The expected level."""
        probabilities = torch.softmax(output.unflatten(-3, (-1, self.depth)), -3)
        values = torch.linspace(0, 1, self.depth, device=output.device)
        return (probabilities * values[:, None, None]).sum(-3)


def likelihood(name: str, levels: int) -> Bernoulli | Gaussian | Categorical:
    """The likelihood ``name``, with fresh parameters."""
    if name == "categorical":
        return Categorical(levels)
    return {"bernoulli": Bernoulli, "gaussian": Gaussian}[name]()
