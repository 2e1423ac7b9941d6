"""Two stochastic layers, bottom-up inference: Rezende, Mohamed & Wierstra, "Stochastic Backpropagation and Approximate
Inference in Deep Generative Models", ICML 2014 (arXiv:1401.4082), as in the second model of Burda et al. 2016.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from plugins.vae import gaussian
from plugins.vae.models.beta_vae import BetaVAE
from plugins.vae.networks import Networks, mlp

WIDTH = 128


class HierarchicalVAE(BetaVAE):
    """p(top) p(z|top) p(x|z), and q(z|x) q(top|z): ``z`` is what the decoder sees, ``top`` explains it."""

    gaussian_posterior = False

    def __init__(self, networks: Networks, latent_dim: int, *, top_dim: int, **weighting: Any) -> None:
        super().__init__(networks, latent_dim, **weighting)
        self.top_dim = top_dim
        self.upwards = mlp(latent_dim, WIDTH, 2 * top_dim)
        self.downwards = mlp(top_dim, WIDTH, 2 * latent_dim)

    def elbo_parts(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The divergences of z from p(z|top), by one draw, and of top from N(0, 1): (n, latent_dim + top_dim)."""
        mean, log_variance = self.encode(x)
        z = gaussian.sample(mean, log_variance, generator)
        top_mean, top_log_variance = self._gaussian(self.upwards, z)
        top = gaussian.sample(top_mean, top_log_variance, generator)
        prior = self._gaussian(self.downwards, top)
        lower = gaussian.log_density(z, mean, log_variance) - gaussian.log_density(z, *prior)
        upper = gaussian.kl_to_standard_normal(top_mean, top_log_variance)
        return self.likelihood.log_prob(x, self.output(z)), torch.cat([lower, upper], 1)

    def log_weights(self, x: Tensor, samples: int, generator: torch.Generator, given: Tensor | None = None) -> Tensor:
        """log p(x, z, top) - log q(z, top|x) for draws of both."""
        z, log_q = self.sample(self.encode(x), samples, generator)
        above = self._gaussian(self.upwards, z)
        top = gaussian.sample(*above, generator)
        log_q = log_q + gaussian.log_density(top, *above).sum(-1)
        log_p = gaussian.log_density(z, *self._gaussian(self.downwards, top)).sum(-1) + self.log_prior(top)
        return self.likelihood.log_prob(x, self.output(z)) + log_p - log_q

    def units(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """Both layers' means, the upper one's at the mean of the lower."""
        z = self.represent(x)
        return torch.cat([z, self._gaussian(self.upwards, z)[0]], 1)[..., None]

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """z from the prior of both layers."""
        top = torch.empty(n, self.top_dim, device=generator.device).normal_(generator=generator)
        return gaussian.sample(*self._gaussian(self.downwards, top), generator)

    @staticmethod
    def _gaussian(network: torch.nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = network(inputs).float().chunk(2, dim=-1)
        return mean, log_variance
