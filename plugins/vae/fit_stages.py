"""The stages that fit a model to pictures: one for each model."""

# Annotations are not left as text here: pydantic would evaluate those of the bases anew for each of the many models.

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from pipeline.context import Context
from pipeline.stage import Stage
from pipeline.types import Images, Split
from plugins.vae.types import VAE


class Training(Stage):
    """How any of the models is trained; ``example`` is what one of its examples is called."""

    example: ClassVar[str]

    emits: ClassVar = {"elbo": "max", "reconstruction": "max", "kl": None, "train_elbo": "max"}
    per_step: ClassVar = ("elbo", "reconstruction", "kl", "train_elbo")
    seeded: ClassVar = True

    latent_dim: int = Field(16, gt=0, description="Dimensions of the latent variable z.")
    learning_rate: float = Field(1e-3, gt=0, description="Step size of Adam.")
    batch_size: int | None = Field(
        None,
        gt=0,
        description="Examples in a gradient step, at most all of them. By default 128, or so few, down to 16, that an "
        "epoch has 32 steps.",
    )
    epochs: int = Field(20, gt=0, description="Passes over the training examples.")
    patience: int | None = Field(
        None,
        gt=0,
        description="Stop after so many epochs without a better validation bound, and keep the best weights.",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Of the networks' products while training; bfloat16 is faster where the processor or accelerator "
        "has it. Weights, likelihoods and every evaluation stay in float32.",
    )
    compile: bool = Field(
        False,
        description="Have torch.compile write kernels for the encoder and the decoder in the first steps, half a "
        "minute or so. Meant for large networks on an accelerator; on a CPU, training was no faster in any setting "
        "measured.",
    )

    def examples_in_a_step(self, examples: int) -> int:
        """``batch_size``, or what suits so many training examples."""
        return self.batch_size or min(128, max(16, examples // 32))


class Weighting(Stage):
    """How the divergence is weighted, in those models where it may be."""

    beta: float = Field(
        1.0, ge=0, description="Weight of the KL divergence (Higgins et al. 2017); 1 is the plain bound."
    )
    warmup_epochs: int = Field(
        0, ge=0, description="Epochs over which the weight grows to beta, against collapse (Bowman et al. 2016)."
    )
    free_bits: float = Field(
        0.0,
        ge=0,
        description="Nats that each latent dimension may carry at no cost, against collapse (Kingma et al. 2016).",
    )


class Pictures(Training):
    """What all models of pictures have in common."""

    example: ClassVar = "picture"
    model: ClassVar[str]
    settings: ClassVar[tuple[str, ...]] = ()

    architecture: Literal["mlp", "convolutional"] = Field("mlp", description="Kind of the encoder and the decoder.")
    hidden: tuple[PositiveInt, ...] | None = Field(
        None,
        min_length=1,
        description="Widths of the encoder's layers (mlp; [400] by default), or channels of its convolutions of stride "
        "2 (convolutional; [32, 64] by default). The decoder mirrors them.",
    )
    likelihood: Literal["bernoulli", "gaussian", "categorical"] = Field(
        "bernoulli",
        description="Distribution of a pixel: cross-entropy, normal with one learned deviation, or one of 'levels'.",
    )
    levels: int | None = Field(
        None, ge=2, le=256, description="Grey levels of the categorical likelihood; 16 by default."
    )
    dynamic_binarisation: bool = Field(
        False,
        description="Draw each pixel black or white anew whenever it is seen, white with the probability of its grey "
        "value (Burda et al. 2016); validation and test pictures are drawn once.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.levels is not None and self.likelihood != "categorical":
            raise ValueError("must leave out 'levels' unless the likelihood is categorical")
        if self.dynamic_binarisation and self.likelihood != "bernoulli":
            raise ValueError("must have the bernoulli likelihood where pictures are binarised")
        return self

    @property
    def widths(self) -> tuple[int, ...]:
        """``hidden``, or what is usual for the architecture."""
        return self.hidden or {"mlp": (400,), "convolutional": (32, 64)}[self.architecture]

    def chosen(self) -> dict[str, Any]:
        """The settings of the model itself."""
        return {name: getattr(self, name) for name in self.settings}

    def run(self, images: Split[Images], context: Context) -> VAE:
        """Train on the training pictures; go on from a checkpoint where there is one."""
        from plugins.vae import training

        return training.fit(self, images, context)


class Weighted(Weighting, Pictures):
    """Models of pictures whose divergence may be weighted."""

    settings: ClassVar = ("beta", "warmup_epochs", "free_bits")


class Fit(Weighted):
    """Fit a variational autoencoder by maximising the evidence lower bound (Kingma & Welling 2014).

    With ``beta`` it is the beta-VAE. Each epoch logs the bound and its parts on the validation pictures, in nats for
    each picture.
    """

    model: ClassVar = "beta_vae"


class Conditional(Weighted):
    """Fit a model of pictures given their class, so that any class can be drawn (CVAE, Sohn et al. 2015)."""

    model: ClassVar = "conditional"


class IWAE(Pictures):
    """Maximise the tighter bound of k importance samples (Burda, Grosse & Salakhutdinov 2016)."""

    model: ClassVar = "iwae"
    settings: ClassVar = ("k",)

    k: int = Field(5, gt=0, description="Samples of z for each picture in a step; 1 is the plain autoencoder.")


class BetaTC(Pictures):
    """Press the total correlation of the code down, to disentangle it (beta-TC-VAE, Chen et al. 2018)."""

    model: ClassVar = "beta_tc"
    settings: ClassVar = ("beta",)

    beta: float = Field(6.0, ge=0, description="Weight of the total correlation; 1 is the plain bound.")


class Factor(Pictures):
    """Press the total correlation of the code down by a discriminator (FactorVAE, Kim & Mnih 2018)."""

    model: ClassVar = "factor"
    settings: ClassVar = ("gamma",)

    gamma: float = Field(6.0, ge=0, description="Weight of the total correlation on top of the plain bound.")


class Info(Pictures):
    """Pull all codes together towards the prior by their mean discrepancy (InfoVAE, Zhao et al. 2019)."""

    model: ClassVar = "info"
    settings: ClassVar = ("alpha", "scale")

    alpha: float = Field(0.5, le=1, description="1 leaves out each picture's own divergence, 0 keeps all of it.")
    scale: float = Field(10.0, ge=1, description="Weight of the discrepancy (lambda in the paper).")


class VQ(Pictures):
    """Describe a picture by entries of a learned codebook, and learn which follows which (VQ-VAE, van den Oord 2017).

    ``latent_dim`` is the number of entries that describe a picture.
    """

    model: ClassVar = "vq"
    settings: ClassVar = ("codes", "code_dim")

    codes: int = Field(64, ge=2, description="Entries of the codebook.")
    code_dim: int = Field(8, gt=0, description="Dimensions of an entry.")


class VampPrior(Weighted):
    """Learn the prior as a mixture of the posteriors of pseudo-inputs (Tomczak & Welling 2018)."""

    model: ClassVar = "vamp_prior"
    settings: ClassVar = (*Weighted.settings, "pseudo_inputs")

    pseudo_inputs: int = Field(50, gt=0, description="Components of the prior.")


class Flow(Weighted):
    """Bend the posterior by planar flows, so that it need not be Gaussian (Rezende & Mohamed 2015)."""

    model: ClassVar = "flow"
    settings: ClassVar = (*Weighted.settings, "flows")

    flows: int = Field(8, gt=0, description="Flows, one after another.")


class Hierarchical(Weighted):
    """Explain the latent variable by another one above it: two stochastic layers (Rezende et al. 2014)."""

    model: ClassVar = "hierarchical"
    settings: ClassVar = (*Weighted.settings, "top_dim")

    top_dim: int = Field(8, gt=0, description="Dimensions of the upper latent variable.")


STAGES = (Fit, Conditional, IWAE, BetaTC, Factor, Info, VQ, VampPrior, Flow, Hierarchical)
