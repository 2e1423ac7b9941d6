"""The beta-TC-VAE: Chen et al., "Isolating Sources of Disentanglement in VAEs", NeurIPS 2018 (arXiv:1802.04942)."""

from __future__ import annotations

import torch
from torch import Tensor

from plugins.vae import gaussian
from plugins.vae.divergences import minibatch_log_densities
from plugins.vae.models.vae import Loss, VariationalAutoencoder
from plugins.vae.networks import Networks


class BetaTCVAE(VariationalAutoencoder):
    """Of the three parts of the divergence, the total correlation of the code is weighted by ``beta``."""

    def __init__(self, networks: Networks, latent_dim: int, *, beta: float) -> None:
        super().__init__(networks, latent_dim)
        self.beta = beta
        self.register_buffer("size", torch.tensor(0))

    def prepare(self, x: Tensor, size: int, generator: torch.Generator) -> None:
        """The estimate of q(z) needs the number of training pictures."""
        self.size.fill_(size)

    def loss(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> Loss:
        """Mutual information, total correlation and the dimensions' own divergence (equation 4), of one draw of z."""
        posterior = mean, log_variance = self.encode(x)
        z, log_q = (draws[0] for draws in self.sample(posterior, 1, generator))
        reconstruction = self.likelihood.log_prob(x, self.output(z))
        joint, marginals = minibatch_log_densities(z, mean, log_variance, int(self.size))
        information, total_correlation = log_q - joint, joint - marginals
        own = marginals - self.log_prior(z)
        value = (information + self.beta * total_correlation + own - reconstruction).mean()
        kl = gaussian.kl_to_standard_normal(mean, log_variance).sum(1)
        return Loss(value, (reconstruction - kl).mean())
