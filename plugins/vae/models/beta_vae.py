"""The beta-VAE: Higgins et al., "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework",
ICLR 2017. With two remedies of collapse: the weight of the divergence grows over the first epochs (Bowman et al.,
CoNLL 2016, arXiv:1511.06349), and some nats are free (Kingma et al., NeurIPS 2016, arXiv:1606.04934).
"""

from __future__ import annotations

import torch
from torch import Tensor

from plugins.vae.models.vae import Loss, VariationalAutoencoder
from plugins.vae.networks import Networks


class BetaVAE(VariationalAutoencoder):
    """A variational autoencoder whose divergence is weighted; beta 1, no warm-up and no free bits are the plain one.

    free_bits: nats that each latent dimension may carry, on the average of the batch, at no cost.
    """

    def __init__(
        self, networks: Networks, latent_dim: int, *, beta: float, warmup_epochs: int, free_bits: float
    ) -> None:
        super().__init__(networks, latent_dim)
        self.beta, self.warmup_epochs, self.free_bits = beta, warmup_epochs, free_bits
        self.weight = beta

    def at_epoch(self, epoch: int) -> None:
        """Grow from beta / warmup_epochs to beta."""
        self.weight = self.beta * min(1, epoch / max(1, self.warmup_epochs))

    def loss(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> Loss:
        """Reconstruction, less the weighted divergence (equation 4), turned round."""
        reconstruction, kl = self.elbo_parts(x, generator, given)
        reconstruction, kl = reconstruction.mean(), kl.mean(0)
        divergence = kl.sum()
        priced = kl.clamp(min=self.free_bits).sum() if self.free_bits else divergence
        return Loss(self.weight * priced - reconstruction, reconstruction - divergence)

    def criterion(self, reconstruction: float, kl: float) -> float:
        """What is trained for, after the warm-up."""
        return reconstruction - self.beta * kl
