"""What the stages of the `vae` plugin pass on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pipeline.types import Images, TorchModel

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
class Column:
    """How a table's column is encoded: a number by its mean and deviation, a category by its values.

    whole: whether its numbers are all whole.
    """

    name: str
    categories: tuple[str, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0
    whole: bool = False

    @property
    def width(self) -> int:
        """How many numbers encode it."""
        return len(self.categories) or 1


@dataclass(frozen=True)
class TableVAE(TorchModel):
    """A fitted variational autoencoder for rows of ``columns``.

    ``predict`` maps encoded rows (n, width + columns) to expected numbers and probabilities of categories (n, width).
    """

    columns: tuple[Column, ...]
    settings: dict[str, Any]
    latent_dim: int
    hidden: tuple[int, ...]

    def build(self) -> VariationalAutoencoder:
        """The network with fresh weights."""
        from plugins.vae.models import BetaVAE
        from plugins.vae.tables.fit import TableNetworks

        return BetaVAE(TableNetworks(self.columns, self.hidden), self.latent_dim, **self.settings)

    def module(self) -> VariationalAutoencoder:
        """The network with this artifact's weights, in evaluation mode, on the CPU."""
        return cast("VariationalAutoencoder", super().module())


@dataclass(frozen=True)
class FactorImages(Images):
    """Pictures whose making is known: ``factors`` (n, f) are integers from 0, ``factor_names`` say of what."""

    factors: np.ndarray = field(kw_only=True)
    factor_names: tuple[str, ...] = field(kw_only=True)

    def take(self, index: np.ndarray) -> FactorImages:
        """The pictures at ``index``, in that order."""
        images = super().take(index)
        return FactorImages(
            images.pixels,
            images.labels,
            images.classes,
            factors=self.factors[index],
            factor_names=self.factor_names,
        )


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


@dataclass(frozen=True)
class Disentanglement:
    """How far each of d latent dimensions stands for one of f factors; all between 0 and 1, higher being better.

    mig: mutual information gap (Chen et al. 2018).
    disentanglement, completeness, informativeness: DCI (Eastwood & Williams 2018).
    sap: separated attribute predictability (Kumar et al. 2018).
    importance: (d, f), what each latent dimension adds to telling each factor; columns add up to 1.
    information: (d, f), mutual information in nats.
    """

    mig: float
    disentanglement: float
    completeness: float
    informativeness: float
    sap: float
    importance: np.ndarray
    information: np.ndarray
