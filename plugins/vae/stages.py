"""The stages of the `vae` plugin."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from pipeline.context import Context
from pipeline.hooks import hookimpl
from pipeline.stage import Stage
from pipeline.types import Images, Split
from plugins.vae.types import VAE, Evaluation


class Fit(Stage):
    """Fit a variational autoencoder by maximising the evidence lower bound (Kingma & Welling 2014).

    Each epoch logs the bound and its parts on the validation pictures, in nats for each picture.
    """

    emits: ClassVar = {"elbo": "max", "reconstruction": "max", "kl": None, "train_elbo": "max"}
    per_step: ClassVar = ("elbo", "reconstruction", "kl", "train_elbo")
    seeded: ClassVar = True

    latent_dim: int = Field(16, gt=0, description="Dimensions of the latent variable z.")
    architecture: Literal["mlp", "convolutional"] = Field("mlp", description="Kind of the encoder and the decoder.")
    hidden: tuple[PositiveInt, ...] | None = Field(
        None,
        min_length=1,
        description="Widths of the encoder's layers (mlp; [400] by default), or channels of its convolutions of stride "
        "2 (convolutional; [32, 64] by default). The decoder mirrors them.",
    )
    likelihood: Literal["bernoulli", "gaussian"] = Field(
        "bernoulli", description="Distribution of a pixel: cross-entropy, or normal with one learned deviation."
    )
    beta: float = Field(
        1.0, ge=0, description="Weight of the KL divergence (Higgins et al. 2017); 1 is the plain bound."
    )
    learning_rate: float = Field(1e-3, gt=0, description="Step size of Adam.")
    batch_size: int = Field(128, gt=0, description="Pictures in a gradient step, at most all of them.")
    epochs: int = Field(20, gt=0, description="Passes over the training pictures.")
    patience: int | None = Field(
        None,
        gt=0,
        description="Stop after so many epochs without a better validation bound, and keep the best weights.",
    )

    @property
    def widths(self) -> tuple[int, ...]:
        """``hidden``, or what is usual for the architecture."""
        return self.hidden or {"mlp": (400,), "convolutional": (32, 64)}[self.architecture]

    def run(self, images: Split[Images], context: Context) -> VAE:
        """Train on the training pictures; go on from a checkpoint where there is one."""
        from plugins.vae import training

        return training.fit(self, images, context)


class Evaluate(Stage):
    """Estimate the evidence lower bound and its two parts on the test pictures, in nats for each picture."""

    emits: ClassVar = {"elbo": "max", "reconstruction": "max", "kl": None}

    samples: int = Field(10, gt=0, description="Draws of z for each picture; more make the estimate steadier.")

    def run(self, model: VAE, images: Split[Images], context: Context) -> Evaluation:
        """Evaluate, and draw reconstructions and the divergence of each latent dimension."""
        from plugins.vae import evaluation

        return evaluation.evaluate(self, model, images, context)


class Generate(Stage):
    """Draw new pictures from the model, and interpolate between test pictures."""

    seeded: ClassVar = True

    count: int = Field(60, gt=0, description="How many pictures to draw.")

    def run(self, model: VAE, images: Split[Images], context: Context) -> Images:
        """Decode draws from the prior: the expected pictures, float32 in 0..1."""
        from plugins.vae import generation

        return generation.generate(self, model, images, context)


@hookimpl
def pipeline_stages() -> list[Any]:
    """The menu."""
    return [Fit, Evaluate, Generate]
