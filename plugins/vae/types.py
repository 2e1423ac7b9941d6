"""What the stages of the `vae` plugin pass on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pipeline.types import TorchModel

if TYPE_CHECKING:
    import numpy as np

    from plugins.vae.models.vae import VariationalAutoencoder


@dataclass(frozen=True)
class VAE(TorchModel):
    """A fitted variational autoencoder for pictures of ``shape`` (channels, height, width).

    model: its key in ``plugins.vae.models.MODELS``; ``settings`` are its own.
    levels: grey levels of the categorical likelihood.
    classes: names of the classes that a conditional model was trained on.
    binarised: whether grey pictures are drawn black or white before it sees them.

    ``predict`` gives the reconstruction of pictures (n, channels, height, width) in 0..1.
    """

    model: str
    settings: dict[str, Any]
    shape: tuple[int, int, int]
    latent_dim: int
    architecture: str
    hidden: tuple[int, ...]
    likelihood: str
    levels: int
    classes: tuple[str, ...] = ()
    binarised: bool = False

    @property
    def conditional(self) -> bool:
        """Whether it has to be told the class of each picture."""
        return self.model == "conditional"

    def build(self) -> VariationalAutoencoder:
        """The network with fresh weights."""
        from plugins.vae.models import MODELS
        from plugins.vae.networks import Networks

        networks = Networks(self.shape, self.architecture, self.hidden, self.likelihood, self.levels)
        more = {"classes": len(self.classes)} if self.conditional else {}
        return MODELS[self.model](networks, self.latent_dim, **self.settings, **more)

    def module(self) -> VariationalAutoencoder:
        """The network with this artifact's weights, in evaluation mode, on the CPU."""
        return cast("VariationalAutoencoder", super().module())


@dataclass(frozen=True)
class Evaluation:
    """What a model makes of each of n test pictures, in nats.

    reconstruction: (n,) expected log-likelihood given the latent variable.
    kl: (n, parts) divergence of the posterior from the prior; by latent dimension where it falls into such parts.
    """

    reconstruction: np.ndarray
    kl: np.ndarray

    @property
    def elbo(self) -> np.ndarray:
        """(n,) evidence lower bound of the log-likelihood of each picture."""
        return self.reconstruction - self.kl.sum(axis=1)
