"""The stages of the `vae` plugin."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from pipeline.context import Context
from pipeline.hooks import hookimpl
from pipeline.stage import Stage
from pipeline.types import Images, Split, Table
from plugins.vae import fit_stages, table_stages
from plugins.vae.types import VAE, Disentanglement, Evaluation, FactorImages


class Evaluate(Stage):
    """Judge a model on the test pictures: bound, likelihood, use of the code, and whether it is collapsed.

    Everything is in nats for each picture. `kl` is `mutual_information` plus `marginal_kl`, the distance of all codes
    together from the prior (the first a lower, the second an upper bound: no information beyond the logarithm of the
    number of pictures can be seen in them); `aggregate_kl` is that distance by the codes' mean and covariance alone.
    `nll` is the importance-weighted negative log-likelihood, `nll_ci95` half its 95 %
    interval, `effective_samples` what its samples are worth for the median picture. `active_units` counts the latent
    variables that are used, `probe_accuracy` is that of a linear classifier of codes drawn from the posterior, noise
    included, `collapsed` is 0 or 1; the text `diagnosis.md` says what it means and what to try.
    """

    emits: ClassVar = {
        "elbo": "max",
        "reconstruction": "max",
        "kl": None,
        "mutual_information": None,
        "marginal_kl": None,
        "aggregate_kl": None,
        "nll": "min",
        "nll_ci95": None,
        "effective_samples": None,
        "active_units": None,
        "probe_accuracy": None,
        "collapsed": None,
    }

    samples: int = Field(10, gt=0, description="Draws of z for each picture; more make the bound steadier.")
    importance_samples: int = Field(
        200, gt=0, description="Draws of z for each picture's likelihood; papers use 5,000."
    )
    nll_examples: int = Field(1000, gt=0, description="Test pictures whose likelihood is estimated, evenly chosen.")

    def run(self, model: VAE, images: Split[Images], context: Context) -> Evaluation:
        """Evaluate, and draw reconstructions, the divergence of each latent dimension, and the codes."""
        from plugins.vae.evaluation import evaluate

        return evaluate.evaluate(self, model, images, context)


class Generate(Stage):
    """Draw new pictures from the model, judge them beside real ones, and walk through the latent space.

    `frechet` is the distance of drawn from test pictures in their principal components, in units of the test pictures'
    variance (`frechet_real` is that of training pictures); `coverage` is the share of test pictures that have a drawn
    one nearby, and `density` how densely drawn ones lie where real ones do (1: as densely).
    """

    emits: ClassVar = {"frechet": "min", "frechet_real": None, "density": None, "coverage": None}
    seeded: ClassVar = True

    count: int = Field(60, gt=0, description="How many pictures to draw.")

    def run(self, model: VAE, images: Split[Images], context: Context) -> Images:
        """Decode draws from the prior: the expected pictures, float32 in 0..1."""
        from plugins.vae import generation

        return generation.generate(self, model, images, context)


class RateDistortion(Stage):
    """Draw rate against distortion of several models of the same pictures (Alemi et al. 2018).

    `best_elbo` is the highest bound among them, `best_rate` the nats of code that its model spends.
    """

    emits: ClassVar = {"best_elbo": "max", "best_rate": None}

    def run(self, evaluations: dict[str, Evaluation], context: Context) -> Table:
        """A row for each evaluation, by rising rate."""
        from plugins.vae.evaluation.rate_distortion import rate_distortion

        return rate_distortion(evaluations, context)


class Shapes(Stage):
    """Draw small pictures of shapes whose factors are known, to measure disentanglement by."""

    split_seed: int = Field(0, ge=0, description="Seed of the split.")

    def run(self, context: Context) -> Split[FactorImages]:
        """All 1,728 combinations of kind, size, place and brightness, 24x24 pixels."""
        from plugins.vae import shapes

        return shapes.make(self, context)


class Disentangle(Stage):
    """Measure how far each latent dimension stands for one factor (MIG, DCI and SAP, as in Locatello et al. 2019).

    All metrics lie between 0 and 1: `mig`, `sap`, and `disentanglement`, `completeness` and `informativeness` of DCI.
    """

    emits: ClassVar = {
        "mig": "max",
        "sap": "max",
        "disentanglement": "max",
        "completeness": "max",
        "informativeness": "max",
    }

    def run(self, model: VAE, images: Split[FactorImages], context: Context) -> Disentanglement:
        """Judge the codes of all pictures, and draw what each dimension knows."""
        from plugins.vae.evaluation import evaluate

        return evaluate.disentangle(model, images, context)


@hookimpl
def pipeline_stages() -> list[Any]:
    """The menu."""
    return [*fit_stages.STAGES, Evaluate, Generate, Disentangle, RateDistortion, Shapes, *table_stages.STAGES]
