"""The variational autoencoder: Kingma & Welling, "Auto-Encoding Variational Bayes", ICLR 2014 (arXiv:1312.6114)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plugins.vae import gaussian
from plugins.vae.likelihoods import LIKELIHOODS
from plugins.vae.networks import DECODERS, ENCODERS, Shape


class VariationalAutoencoder(nn.Module):
    """p(z) = N(0, 1), p(x|z) by the decoder, q(z|x) a diagonal Gaussian by the encoder.

    ``pixels`` are (n, channels, height, width) floats in 0..1, ``z`` is (n, latent_dim).
    """

    def __init__(
        self, shape: Shape, latent_dim: int, architecture: str, hidden: Sequence[int], likelihood: str
    ) -> None:
        super().__init__()
        self.encoder = ENCODERS[architecture](shape, hidden, 2 * latent_dim)
        self.decoder = DECODERS[architecture](shape, hidden, latent_dim)
        self.likelihood = LIKELIHOODS[likelihood]()

    def encode(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x), each (n, latent_dim)."""
        mean, log_variance = self.encoder(pixels).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, z: Tensor) -> Tensor:
        """The expected picture given z."""
        return self.likelihood.mean(self.decoder(z))

    def elbo_parts(self, pixels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """E_q[log p(x|z)], estimated by one draw of z, as (n,), and KL(q(z|x) || p(z)) as (n, latent_dim); in nats.

        The evidence lower bound is the first less the sum of the second (equation 10).
        """
        mean, log_variance = self.encode(pixels)
        z = gaussian.sample(mean, log_variance, generator)
        reconstruction = self.likelihood.log_prob(pixels, self.decoder(z))
        return reconstruction, gaussian.kl_to_standard_normal(mean, log_variance)

    def forward(self, pixels: Tensor) -> Tensor:
        """The reconstruction: the expected picture at the mean of q(z|x)."""
        return self.decode(self.encode(pixels)[0])
