"""InfoVAE with the maximum mean discrepancy: Zhao, Song & Ermon, AAAI 2019 (arXiv:1706.02262)."""

from __future__ import annotations

import torch
from torch import Tensor

from plugins.vae import gaussian
from plugins.vae.divergences import mmd
from plugins.vae.models.vae import Loss, VariationalAutoencoder
from plugins.vae.networks import Networks


class InfoVAE(VariationalAutoencoder):
    """The divergence of each picture's posterior weighs 1 - alpha, that of all codes together alpha + lambda - 1."""

    def __init__(self, networks: Networks, latent_dim: int, *, alpha: float, scale: float) -> None:
        super().__init__(networks, latent_dim)
        self.alpha, self.scale = alpha, scale

    def loss(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> Loss:
        """Equation 6, with ``scale`` for lambda, turned round."""
        mean, log_variance = self.encode(x)
        z = gaussian.sample(mean, log_variance, generator)
        reconstruction = self.likelihood.log_prob(x, self.output(z)).mean()
        kl = gaussian.kl_to_standard_normal(mean, log_variance).sum(1).mean()
        value = (1 - self.alpha) * kl - reconstruction
        if len(z) > 1:
            value = value + (self.alpha + self.scale - 1) * mmd(z, self.draw(len(z), generator))
        return Loss(value, reconstruction - kl)
