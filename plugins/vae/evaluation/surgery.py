"""The divergence taken apart: Hoffman & Johnson, "ELBO surgery", NeurIPS workshop 2016; Chen et al. 2018, section 2."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from plugins.vae import gaussian
from plugins.vae.divergences import mixture_log_density
from plugins.vae.models.vae import VariationalAutoencoder

MOST = 2000
"""Pictures that stand for the aggregated posterior: each is compared with each."""


@dataclass(frozen=True)
class Surgery:
    """E[KL(q(z|x) || p(z))] = mutual_information + marginal_kl, in nats.

    mutual_information: between picture and code; no estimate exceeds log ``pictures``, so it is a lower bound.
    marginal_kl: of the aggregated posterior, the mean of all q(z|x), from the prior: so an upper bound.
    aggregate_kl: of the Gaussian with the aggregated posterior's mean and covariance from N(0, I), which does not
        depend on the number of pictures, and misses all but the first two moments.
    """

    mutual_information: float
    marginal_kl: float
    aggregate_kl: float
    pictures: int


@torch.inference_mode()
def surgery(network: VariationalAutoencoder, x: Tensor, seed: int, given: Tensor | None = None) -> Surgery | None:
    """Estimated by one draw of z for each picture; None for models whose posterior is no diagonal Gaussian."""
    x, given = x[:MOST], None if given is None else given[:MOST]
    posterior = network.encode(x, given)
    if not network.gaussian_posterior:
        return None
    mean, log_variance = posterior
    z, log_q = (draws[0] for draws in network.sample(posterior, 1, torch.Generator(x.device).manual_seed(seed)))
    aggregated = mixture_log_density(z, mean, log_variance)
    information = (log_q.double() - aggregated).mean().item()
    marginal = (aggregated - network.log_prior(z).double()).mean().item()
    return Surgery(information, marginal, moments_kl(mean, log_variance), len(x))


def moments_kl(mean: Tensor, log_variance: Tensor) -> float:
    """KL from N(0, I) of the Gaussian that has the mean and the covariance of the mixture of n Gaussians (n, d)."""
    mean = mean.double()
    centred = mean - mean.mean(0)
    covariance = centred.T @ centred / len(mean) + torch.diag(log_variance.double().exp().mean(0))
    standard = torch.eye(mean.shape[1], dtype=mean.dtype, device=mean.device)
    return gaussian.kl_full(mean.mean(0), covariance, torch.zeros_like(mean[0]), standard).item()
