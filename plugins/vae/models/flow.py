"""A posterior through planar flows: Rezende & Mohamed, "Variational Inference with Normalizing Flows", ICML 2015
(arXiv:1505.05770). The encoder gives the parameters of every flow for each picture.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from plugins.vae.models.beta_vae import BetaVAE
from plugins.vae.networks import Networks


class FlowVAE(BetaVAE):
    """z_0 is drawn from the diagonal Gaussian, and z = f_K(... f_1(z_0)) is the code."""

    gaussian_posterior = False

    def __init__(self, networks: Networks, latent_dim: int, *, flows: int, **weighting: Any) -> None:
        super().__init__(networks, latent_dim, **weighting)
        self.flows = flows
        self.encoder = networks.encoder(2 * latent_dim + flows * (2 * latent_dim + 1))

    def encode(self, x: Tensor, given: Tensor | None = None) -> tuple[Tensor, ...]:
        """Mean and log variance of z_0, and u, w (flows, n, latent_dim) and b (flows, n, 1) of the flows."""
        d = self.latent_dim
        mean, log_variance, rest = self.encoder(x).float().split([d, d, self.flows * (2 * d + 1)], 1)
        # Small at first: the flows begin near the identity.
        u, w, b = (0.1 * rest).unflatten(1, (self.flows, 2 * d + 1)).transpose(0, 1).split([d, d, 1], 2)
        return mean, log_variance, u, w, b

    def sample(self, posterior: tuple[Tensor, ...], samples: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """z, and log q(z|x) = log q_0(z_0|x) less the sum of the log determinants (equation 13)."""
        z, log_q = super().sample(posterior[:2], samples, generator)
        for parameters in zip(*posterior[2:], strict=True):
            z, log_determinant = planar(z, *parameters)
            log_q = log_q - log_determinant
        return z, log_q

    def elbo_parts(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The divergence is estimated by the one draw of z, all dimensions together: (n, 1)."""
        z, log_q = (draws[0] for draws in self.sample(self.encode(x), 1, generator))
        return self.likelihood.log_prob(x, self.output(z)), (log_q - self.log_prior(z))[:, None]

    def represent(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """Where the flows carry the mean of z_0."""
        mean, _, *flows = self.encode(x)
        for parameters in zip(*flows, strict=True):
            mean, _ = planar(mean, *parameters)
        return mean


def planar(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """f(z) = z + u tanh(w z + b) (equation 10), and log |det df/dz| (equation 12), for vectors z (..., d).

    u is moved along w until w u > -1, where f is invertible (appendix A.1). The paper's softplus is shifted so that a
    flow whose u is zero is the identity.
    """
    product = (w * u).sum(-1, keepdim=True)
    invertible = functional.softplus(product + math.log(math.e - 1)) - 1
    u = u + (invertible - product) * w / w.square().sum(-1, keepdim=True).clamp(min=1e-12)
    activation = torch.tanh((w * z).sum(-1, keepdim=True) + b)
    slope = (1 - activation.square()) * (w * u).sum(-1, keepdim=True)
    return z + u * activation, torch.log1p(slope).squeeze(-1)
