"""The conditional variational autoencoder: Sohn, Lee & Yan, "Learning Structured Output Representation using Deep
Conditional Generative Models", NeurIPS 2015. Here the class is given, and the picture is what is modelled.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from plugins.vae.models.beta_vae import BetaVAE
from plugins.vae.networks import Networks


class ConditionalVAE(BetaVAE):
    """p(x|z, c) and q(z|x, c): the class c joins the encoder's last layer and the decoder's first."""

    def __init__(self, networks: Networks, latent_dim: int, *, classes: int, **weighting: Any) -> None:
        super().__init__(networks, latent_dim, **weighting)
        self.classes = classes
        features = networks.hidden[-1]
        self.encoder = nn.Sequential(networks.encoder(features), nn.ReLU())
        self.posterior = nn.Linear(features + classes, 2 * latent_dim)
        self.decoder = networks.decoder(latent_dim + classes)

    def encode(self, x: Tensor, given: Tensor | None = None) -> tuple[Tensor, ...]:
        """Mean and log variance of q(z|x, c)."""
        features = torch.cat([self.encoder(x), self._known(given)], 1)
        return self.posterior(features).float().chunk(2, dim=1)

    def output(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """What the decoder says of z and c."""
        known = self._known(given).expand(*z.shape[:-1], self.classes)
        return super().output(torch.cat([z, known], -1))

    def log_class_bounds(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The bound of log p(x|c) for each class c, (n, classes): the greatest tells the class, by Bayes' rule."""
        classes = torch.eye(self.classes, device=x.device)
        parts = (self.elbo_parts(x, generator, known.expand(len(x), -1)) for known in classes)
        return torch.stack([reconstruction - kl.sum(1) for reconstruction, kl in parts], 1)

    def _known(self, given: Tensor | None) -> Tensor:
        if given is None:
            raise ValueError("a conditional model has to be told the class of each picture")
        return given
