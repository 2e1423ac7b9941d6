"""How far a sample of codes is from the prior, or its dimensions from being independent."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from plugins.vae import gaussian

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def mmd(first: Tensor, second: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of two samples (n, d) and (m, d), without bias: 0 on average if they are alike.

    Its kernel is a sum of inverse multiquadrics, which see differences of many sizes (Tolstikhin et al. 2018).
    """
    n, m = len(first), len(second)
    within_first = (_kernel(first, first).sum() - n * len(SCALES)) / (n * (n - 1))
    within_second = (_kernel(second, second).sum() - m * len(SCALES)) / (m * (m - 1))
    return within_first + within_second - 2 * _kernel(first, second).mean()


def _kernel(first: Tensor, second: Tensor) -> Tensor:
    squares = first.square().sum(1)[:, None] + second.square().sum(1) - 2 * first @ second.T
    distances = squares.clamp(min=0)
    # Points of a standard normal are 2 d apart, squared, on average.
    scales = (2 * first.shape[1] * scale for scale in SCALES)
    return torch.stack([scale / (scale + distances) for scale in scales]).sum(0)


def minibatch_log_densities(z: Tensor, mean: Tensor, log_variance: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """log q(z) (n,) and the sum over dimensions of log q(z_j) (n,), for z (n, d) drawn from a batch's posteriors.

    Minibatch stratified sampling (Chen et al. 2018, appendix C.2): of ``size`` training items, the batch holds the
    one that z came from, and n - 1 more which stand for all the others.
    """
    pairs = gaussian.log_density(z[:, None], mean, log_variance)
    log_weights = stratified_weights(len(z), size).log().to(pairs)
    joint = torch.logsumexp(pairs.sum(2) + log_weights, 1)
    marginals = torch.logsumexp(pairs + log_weights[..., None], 1).sum(1)
    return joint, marginals


def stratified_weights(batch: int, size: int) -> Tensor:
    """What each item (column) counts for in the estimate of q(z) of each z (row); rows add up to 1."""
    others = batch - 1
    if others == 0:
        return torch.ones(1, 1)
    weights = torch.full((batch, batch), 1 / others)
    index = torch.arange(batch)
    weights[index, index] = 1 / size
    weights[index, (index + 1) % batch] = (size - others) / (size * others)
    return weights


def mixture_log_density(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log of the mean of m diagonal Gaussians (m, d) at points (n, d), as (n,)."""
    return torch.logsumexp(gaussian.pairwise_log_density(z, mean, log_variance), 1) - math.log(len(mean))
