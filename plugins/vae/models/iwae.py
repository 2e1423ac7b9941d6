"""The importance-weighted autoencoder: Burda, Grosse & Salakhutdinov, ICLR 2016 (arXiv:1509.00519)."""

from __future__ import annotations

import torch
from torch import Tensor

from plugins.vae import bounds
from plugins.vae.models.vae import Loss, VariationalAutoencoder
from plugins.vae.networks import Networks

NEGLIGIBLE = 40.0
"""Nats below the best of its picture, from where on a sample changes no digit of the bound."""


class IWAE(VariationalAutoencoder):
    """Trained by the bound of ``k`` importance samples, which is tighter (equation 8)."""

    def __init__(self, networks: Networks, latent_dim: int, *, k: int) -> None:
        super().__init__(networks, latent_dim)
        self.k = k

    def loss(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> Loss:
        """The importance-weighted bound, turned round; its gradient weighs the samples (equation 14)."""
        log_weights = self.log_weights(x, self.k, generator, given)
        # The gradients of negligible samples would be denormal numbers, with which processors are many times slower.
        least = log_weights.detach().amax(0) - NEGLIGIBLE
        bound = bounds.importance_weighted(torch.maximum(log_weights, least)).mean()
        return Loss(-bound, bound)
