"""What the stages of the `vae` plugin pass on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pipeline.types import TorchModel

if TYPE_CHECKING:
    import numpy as np

    from plugins.vae.models.vae import VariationalAutoencoder


@dataclass(frozen=True)
class VAE(TorchModel):
    """A fitted variational autoencoder for pictures of ``shape`` (channels, height, width).

    ``predict`` gives the reconstruction of pictures (n, channels, height, width) in 0..1.
    """

    shape: tuple[int, int, int]
    latent_dim: int
    architecture: str
    hidden: tuple[int, ...]
    likelihood: str

    def build(self) -> VariationalAutoencoder:
        """The network with fresh weights."""
        from plugins.vae.models.vae import VariationalAutoencoder

        return VariationalAutoencoder(self.shape, self.latent_dim, self.architecture, self.hidden, self.likelihood)

    def module(self) -> VariationalAutoencoder:
        """The network with this artifact's weights, in evaluation mode, on the CPU."""
        return cast("VariationalAutoencoder", super().module())


@dataclass(frozen=True)
class Evaluation:
    """What a model makes of each of n test pictures, in nats.

    reconstruction: (n,) expected log-likelihood given the latent variable.
    kl: (n, latent_dim) divergence of the posterior from the prior, by latent dimension.
    """

    reconstruction: np.ndarray
    kl: np.ndarray

    @property
    def elbo(self) -> np.ndarray:
        """(n,) evidence lower bound of the log-likelihood of each picture."""
        return self.reconstruction - self.kl.sum(axis=1)
