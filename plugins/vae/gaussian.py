"""Gaussians: diagonal ones given by tensors of means and log variances of any equal shape, and full ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LOG_2_PI = math.log(2 * math.pi)


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


def kl_full(mean_p: Tensor, covariance_p: Tensor, mean_q: Tensor, covariance_q: Tensor) -> Tensor:
    """KL(p || q) in nats of Gaussians with means (..., d) and covariances (..., d, d).

    Written in the difference of the two, whitened by q: its eigenvalues e give the sum of e - log(1 + e). The textbook
    formula subtracts large numbers, and keeps no digit of the divergence of nearly equal Gaussians.
    """
    root = torch.linalg.cholesky(covariance_q)
    half = torch.linalg.solve_triangular(root, covariance_p - covariance_q, upper=False)
    whitened = torch.linalg.solve_triangular(root, half.mT, upper=False)
    eigenvalues = torch.linalg.eigvalsh(0.5 * (whitened + whitened.mT))
    shift = torch.linalg.solve_triangular(root, (mean_p - mean_q).unsqueeze(-1), upper=False).squeeze(-1)
    return 0.5 * (_excess(eigenvalues).sum(-1) + shift.square().sum(-1))


def log_density(value: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(value; mean, variance) in nats, element by element."""
    scaled = (value - mean).square() * torch.exp(-log_variance)
    return -0.5 * (scaled + log_variance + LOG_2_PI)


def log_density_standard(value: Tensor) -> Tensor:
    """log N(value; 0, 1) in nats, element by element."""
    return -0.5 * (value.square() + LOG_2_PI)


def pairwise_log_density(values: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(values[i]; mean[j], variance[j]) of vectors (n, d) under m diagonal Gaussians (m, d), as (n, m).

    By matrix products in double precision: the squares are multiplied out, which in single precision loses digits.
    """
    values, mean, log_variance = values.double(), mean.double(), log_variance.double()
    precision = torch.exp(-log_variance)
    squares = values.square() @ precision.T - 2 * values @ (mean * precision).T + (mean.square() * precision).sum(1)
    return -0.5 * (squares + log_variance.sum(1) + values.shape[1] * LOG_2_PI)


def _excess(value: Tensor) -> Tensor:
    """value - log(1 + value), by its series where the two nearly cancel."""
    series = value.square() * (0.5 - value * (1 / 3 - value * (0.25 - value * 0.2)))
    return torch.where(value.abs() < 1e-2, series, value - torch.log1p(value))
