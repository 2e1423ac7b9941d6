"""Diagonal Gaussians, given by tensors of means and log variances of any equal shape."""

from __future__ import annotations

import torch
from torch import Tensor


def sample(mean: Tensor, log_variance: Tensor, generator: torch.Generator) -> Tensor:
    """One draw of each, differentiable in both parameters (Kingma & Welling 2014, section 2.4)."""
    noise = torch.empty_like(mean).normal_(generator=generator)
    return torch.addcmul(mean, noise, torch.exp(0.5 * log_variance))


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)) in nats, element by element (Kingma & Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + torch.expm1(log_variance) - log_variance)


def kl(mean_p: Tensor, log_variance_p: Tensor, mean_q: Tensor, log_variance_q: Tensor) -> Tensor:
    """KL(p || q) of two Gaussians in nats, element by element."""
    difference = log_variance_p - log_variance_q
    return 0.5 * ((mean_p - mean_q).square() * torch.exp(-log_variance_q) + torch.expm1(difference) - difference)


def log_density(value: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(value; mean, variance) in nats, element by element."""
    scaled = (value - mean).square() * torch.exp(-log_variance)
    return -0.5 * (scaled + log_variance + torch.log(torch.tensor(2 * torch.pi, dtype=value.dtype)))
