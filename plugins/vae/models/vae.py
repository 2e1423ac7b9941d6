"""The variational autoencoder: Kingma & Welling, "Auto-Encoding Variational Bayes", ICLR 2014 (arXiv:1312.6114)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from plugins.vae import bounds, gaussian
from plugins.vae.networks import Networks


class Loss(NamedTuple):
    """What a training step lowers, and the bound on the log-likelihood that it implies; means over the batch."""

    value: Tensor
    bound: Tensor


class VariationalAutoencoder(nn.Module):
    """p(z) = N(0, 1), p(x|z) by the decoder, q(z|x) a diagonal Gaussian by the encoder.

    ``x`` are floats in 0..1, (n, channels, height, width); ``z`` is (..., n, latent_dim); ``given`` is what a
    conditional model knows besides, (n, classes), and None for all others. Everything is in nats.
    """

    gaussian_posterior = True
    """Whether ``encode`` gives the mean and the log variance of the code itself."""

    def __init__(self, networks: Networks, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = networks.encoder(2 * latent_dim)
        self.decoder = networks.decoder(latent_dim)
        self.likelihood = networks.likelihood()

    def prepare(self, x: Tensor, size: int, generator: torch.Generator) -> None:
        """Before the first step: take what a model needs to know of ``size`` training pictures, given some of them."""

    def at_epoch(self, epoch: int) -> None:
        """Follow a schedule, where there is one; epochs count from 1."""

    def parameter_groups(self, learning_rate: float) -> list[dict[str, object]]:
        """What the optimiser is to train, and how fast."""
        return [{"params": list(self.parameters()), "lr": learning_rate}]

    def encode(self, x: Tensor, given: Tensor | None = None) -> tuple[Tensor, ...]:
        """Mean and log variance of q(z|x), each (n, latent_dim)."""
        return self.encoder(x).float().chunk(2, dim=1)

    def output(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """What the decoder says of z (..., n, latent_dim): the parameters of p(x|z)."""
        output = self.decoder(z.flatten(0, -2)).float()
        return output.view(*z.shape[:-1], *output.shape[1:])

    def sample(self, posterior: tuple[Tensor, ...], samples: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draws of z (samples, n, latent_dim), and log q(z|x) of each (samples, n)."""
        mean, log_variance = (part.expand(samples, *part.shape) for part in posterior)
        z = gaussian.sample(mean, log_variance, generator)
        return z, gaussian.log_density(z, mean, log_variance).sum(-1)

    def log_prior(self, z: Tensor) -> Tensor:
        """log p(z) of each z."""
        return gaussian.log_density_standard(z).sum(-1)

    def elbo_parts(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """E_q[log p(x|z)], estimated by one draw of z, as (n,), and KL(q(z|x) || p(z)) as (n, latent_dim).

        The evidence lower bound is the first less the sum of the second (equation 10).
        """
        mean, log_variance = self.encode(x, given)
        z = gaussian.sample(mean, log_variance, generator)
        reconstruction = self.likelihood.log_prob(x, self.output(z, given))
        return reconstruction, gaussian.kl_to_standard_normal(mean, log_variance)

    def loss(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> Loss:
        """The evidence lower bound, turned round."""
        bound = bounds.elbo(*self.elbo_parts(x, generator, given)).mean()
        return Loss(-bound, bound)

    def criterion(self, reconstruction: float, kl: float) -> float:
        """What early stopping watches on validation examples, higher being better: the bound."""
        return reconstruction - kl

    def log_weights(self, x: Tensor, samples: int, generator: torch.Generator, given: Tensor | None = None) -> Tensor:
        """log p(x, z) - log q(z|x) for ``samples`` draws of z, as (samples, n)."""
        z, log_q = self.sample(self.encode(x, given), samples, generator)
        return self.likelihood.log_prob(x, self.output(z, given)) + self.log_prior(z) - log_q

    def represent(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """The code of a picture, (n, latent_dim): the mean of q(z|x)."""
        return self.encode(x, given)[0]

    def units(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """The posterior mean of every latent variable, (n, units, size of one), whether or not the decoder sees it."""
        return self.represent(x, given)[..., None]

    def code(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> Tensor:
        """What the decoder is told of a picture: one draw from q(z|x), (n, latent_dim)."""
        return self.sample(self.encode(x, given), 1, generator)[0][0]

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes from the prior."""
        return torch.empty(n, self.latent_dim, device=generator.device).normal_(generator=generator)

    def decode(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """The expected picture of a code."""
        return self.likelihood.mean(self.output(z, given))

    def forward(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """The reconstruction: the expected picture of the code of a picture."""
        return self.decode(self.represent(x, given), given)
