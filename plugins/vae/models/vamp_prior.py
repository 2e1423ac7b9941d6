"""The variational mixture of posteriors as prior: Tomczak & Welling, AISTATS 2018 (arXiv:1705.07120)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from plugins.vae import gaussian
from plugins.vae.bounds import log_mean_exp
from plugins.vae.models.beta_vae import BetaVAE
from plugins.vae.networks import Networks


class VampPrior(BetaVAE):
    """p(z) is the mean of q(z|u) over learned pseudo-inputs u (equation 9), which begin as training pictures."""

    def __init__(self, networks: Networks, latent_dim: int, *, pseudo_inputs: int, **weighting: Any) -> None:
        super().__init__(networks, latent_dim, **weighting)
        self.pseudo_inputs = nn.Parameter(torch.full((pseudo_inputs, *networks.shape), 0.5))

    def prepare(self, x: Tensor, size: int, generator: torch.Generator) -> None:
        """Begin at pictures."""
        chosen = torch.randint(len(x), (len(self.pseudo_inputs),), generator=generator, device=x.device)
        self.pseudo_inputs.data.copy_(x[chosen])

    def components(self) -> tuple[Tensor, ...]:
        """Means and log variances of the mixture, each (pseudo_inputs, latent_dim)."""
        return self.encode(self.pseudo_inputs.clamp(0, 1))

    def log_prior(self, z: Tensor) -> Tensor:
        """log of the mixture's density at z."""
        mean, log_variance = self.components()
        return log_mean_exp(gaussian.log_density(z.unsqueeze(-2), mean, log_variance).sum(-1), -1)

    def elbo_parts(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As before, but the divergence is estimated by the one draw of z, all dimensions together: (n, 1)."""
        z, log_q = (draws[0] for draws in self.sample(self.encode(x), 1, generator))
        return self.likelihood.log_prob(x, self.output(z)), (log_q - self.log_prior(z))[:, None]

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes from the mixture."""
        chosen = torch.randint(len(self.pseudo_inputs), (n,), generator=generator, device=generator.device)
        mean, log_variance = (part[chosen] for part in self.components())
        return gaussian.sample(mean, log_variance, generator)
