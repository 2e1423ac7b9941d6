"""Lower bounds of the log-likelihood from importance weights log p(x, z) - log q(z | x), z drawn from q(z | x)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def elbo(reconstruction: Tensor, kl: Tensor) -> Tensor:
    """The evidence lower bound (n,): E_q[log p(x | z)] (n,) less KL(q(z | x) || p(z)) (n, parts), in nats."""
    return reconstruction - kl.sum(1)


def log_mean_exp(values: Tensor, dim: int = 0) -> Tensor:
    """log of the mean of exp(values) along ``dim``, which never overflows."""
    return torch.logsumexp(values, dim) - math.log(values.shape[dim])


def importance_weighted(log_weights: Tensor) -> Tensor:
    """The bound of Burda et al. (2016, equation 8) from log weights (K, ...): in expectation it rises with K."""
    return log_mean_exp(log_weights, 0)


def importance_weighted_at(log_weights: Tensor, samples: int) -> Tensor:
    """The bound with ``samples`` of the K log weights (K, ...), the mean over disjoint groups of so many."""
    groups = log_weights.shape[0] // samples
    grouped = log_weights[: groups * samples].unflatten(0, (groups, samples))
    return log_mean_exp(grouped, 1).mean(0)


def effective_sample_size(log_weights: Tensor) -> Tensor:
    """(sum w)^2 / sum w^2 of log weights (K, ...): how many equally weighted samples they are worth, from 1 to K."""
    return torch.exp(2 * torch.logsumexp(log_weights, 0) - torch.logsumexp(2 * log_weights, 0))
