"""FactorVAE: Kim & Mnih, "Disentangling by Factorising", ICML 2018 (arXiv:1802.05983)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from plugins.vae import bounds, gaussian
from plugins.vae.models.vae import Loss, VariationalAutoencoder
from plugins.vae.networks import Networks, mlp

WIDTH = 256
LEARNING_RATE = 1e-4


class FactorVAE(VariationalAutoencoder):
    """The total correlation of the code, told by a discriminator, is weighted by ``gamma``."""

    def __init__(self, networks: Networks, latent_dim: int, *, gamma: float) -> None:
        super().__init__(networks, latent_dim)
        self.gamma = gamma
        self.discriminator = mlp(latent_dim, WIDTH, WIDTH, 2)

    def parameter_groups(self, learning_rate: float) -> list[dict[str, object]]:
        """The discriminator learns at the paper's own rate and momentum."""
        own = list(self.discriminator.parameters())
        others = [parameter for name, parameter in self.named_parameters() if not name.startswith("discriminator.")]
        return [
            {"params": others, "lr": learning_rate},
            {"params": own, "lr": LEARNING_RATE, "betas": (0.5, 0.9)},
        ]

    def loss(self, x: Tensor, generator: torch.Generator, given: Tensor | None = None) -> Loss:
        """Equation 2, and the discriminator's own loss (algorithm 2): each leaves the other's weights alone."""
        mean, log_variance = self.encode(x)
        z = gaussian.sample(mean, log_variance, generator)
        kl = gaussian.kl_to_standard_normal(mean, log_variance)
        bound = bounds.elbo(self.likelihood.log_prob(x, self.output(z)), kl).mean()
        frozen = {name: parameter.detach() for name, parameter in self.discriminator.named_parameters()}
        joint, independent = functional_call(self.discriminator, frozen, (z,)).float().unbind(1)
        total_correlation = (joint - independent).mean()
        return Loss(self.gamma * total_correlation - bound + self._discriminator_loss(z.detach(), generator), bound)

    def _discriminator_loss(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """Tell codes from codes whose every dimension comes from another picture."""
        half = len(z) // 2
        if half == 0:
            return z.new_zeros(())
        logits = self.discriminator(torch.cat([z[:half], permute_dimensions(z[half : 2 * half], generator)])).float()
        answers = torch.arange(2, device=z.device).repeat_interleave(half)
        return functional.cross_entropy(logits, answers)


def permute_dimensions(z: Tensor, generator: torch.Generator) -> Tensor:
    """Each column in an order of its own: a draw of the product of the marginals (algorithm 1)."""
    order = torch.rand(z.shape, generator=generator, device=z.device).argsort(0)
    return z.gather(0, order)
